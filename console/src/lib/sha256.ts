// SHA-256 and HMAC (FIPS 180-4, RFC 2104). Browsers have both in crypto.subtle, but only on https and on
// the machine itself; signing in must work where crypto.subtle is missing too, so there is this one way.

const blockBytes = 64;

function fractionalBits(root: (value: number) => number, prime: number): number {
  const value = root(prime);
  return ((value - Math.floor(value)) * 2 ** 32) | 0;
}

const primes: number[] = [];
for (let candidate = 2; primes.length < blockBytes; ++candidate) {
  if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
}
const roundConstants = Int32Array.from(primes, (prime) => fractionalBits(Math.cbrt, prime));
const initialState = Int32Array.from(primes.slice(0, 8), (prime) => fractionalBits(Math.sqrt, prime));

function rotateRight(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function pad(message: Uint8Array): DataView {
  const length = Math.ceil((message.length + 9) / blockBytes) * blockBytes;
  const padded = new Uint8Array(length);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(length - 8, BigInt(message.length) * 8n);
  return view;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function sha256(message: Uint8Array): Uint8Array {
  const state = Int32Array.from(initialState);
  const words = new Int32Array(blockBytes);
  const data = pad(message);
  const word = (index: number): number => words[index] as number;
  for (let block = 0; block < data.byteLength; block += blockBytes) {
    for (let index = 0; index < 16; ++index) words[index] = data.getInt32(block + index * 4);
    for (let index = 16; index < blockBytes; ++index) {
      const early = word(index - 15);
      const late = word(index - 2);
      const mixedEarly = rotateRight(early, 7) ^ rotateRight(early, 18) ^ (early >>> 3);
      const mixedLate = rotateRight(late, 17) ^ rotateRight(late, 19) ^ (late >>> 10);
      words[index] = word(index - 16) + mixedEarly + word(index - 7) + mixedLate;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let index = 0; index < blockBytes; ++index) {
      const mixedE = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
      const first = (h + mixedE + ((e & f) ^ (~e & g)) + (roundConstants[index] as number) + word(index)) | 0;
      const mixedA = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22);
      const second = (mixedA + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g];
    }
    for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] as number) + value;
  }
  const digest = new DataView(new ArrayBuffer(32));
  for (const [index, value] of state.entries()) digest.setInt32(index * 4, value);
  return new Uint8Array(digest.buffer);
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(blockBytes);
  block.set(key.length > blockBytes ? sha256(key) : key);
  const inner = new Uint8Array([...block.map((byte) => byte ^ 0x36), ...message]);
  return sha256(new Uint8Array([...block.map((byte) => byte ^ 0x5c), ...sha256(inner)]));
}
