// A server that checks signatures, for the suites that need one of their own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const binary =
  process.env.MILLRACE_BINARY ??
  fileURLToPath(new URL('../../../../build/release/millrace', import.meta.url));
export const accessKeyId = 'AKIDROOT';
export const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

/** Starts it with these options of `millrace serve`; stop() asserts that it ends as it should. */
export async function startServer(options) {
  const server = spawn(binary, ['serve', '--ephemeral', ...options], {
    env: {
      ...process.env,
      MILLRACE_ROOT_ACCESS_KEY_ID: accessKeyId,
      MILLRACE_ROOT_SECRET_ACCESS_KEY: secretAccessKey,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async () => {
    server.kill('SIGTERM');
    const [status] = await once(server, 'exit');
    assert.equal(status, 0);
  };
  for await (const line of createInterface({ input: server.stdout })) {
    const address = /https?:\/\/127\.0\.0\.1:\d+/.exec(line);
    if (address) return { endpoint: address[0], stop };
  }
  return assert.fail('the server did not start');
}
