// The rows of a hex view: sixteen bytes each, with their offset and what of them is printable.

export interface HexRow {
  offset: string;
  bytes: string;
  text: string;
}

export const bytesPerRow = 16;

/** @param from the first row wanted, from 0 @param count how many rows at most */
export function hexRows(bytes: Uint8Array, from: number, count: number): HexRow[] {
  const rows: HexRow[] = [];
  const end = Math.min(bytes.length, (from + count) * bytesPerRow);
  for (let start = from * bytesPerRow; start < end; start += bytesPerRow) {
    const row = [...bytes.subarray(start, start + bytesPerRow)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0"));
    rows.push({
      offset: start.toString(16).padStart(8, "0"),
      bytes: `${digits.slice(0, 8).join(" ")}  ${digits.slice(8).join(" ")}`.trimEnd(),
      text: row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join(""),
    });
  }
  return rows;
}
