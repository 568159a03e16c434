// The AWS SDK for JavaScript with the right and with wrong credentials, against a server of its own
// that checks them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { refused } from './support.mjs';

const binary =
  process.env.MILLRACE_BINARY ??
  fileURLToPath(new URL('../../../../build/release/millrace', import.meta.url));
const accessKeyId = 'AKIDROOT';
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

let server;
let endpoint;
before(async () => {
  server = spawn(binary, ['serve', '--ephemeral', '--listen', '127.0.0.1:0'], {
    env: {
      ...process.env,
      MILLRACE_ROOT_ACCESS_KEY_ID: accessKeyId,
      MILLRACE_ROOT_SECRET_ACCESS_KEY: secretAccessKey,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
    if (address) {
      [endpoint] = address;
      return;
    }
  }
  assert.fail('the server did not start');
});
after(async () => {
  server.kill('SIGTERM');
  const [status] = await once(server, 'exit');
  assert.equal(status, 0);
});

/** A client with these credentials in place of the right ones. */
function makeClient(t, credentials = {}, region = 'us-east-1') {
  const client = new SQSClient({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey, ...credentials },
    maxAttempts: 1,
  });
  t.after(() => client.destroy());
  return client;
}

const mismatch = { code: 'SignatureDoesNotMatch', status: 403 };

const list = (client) => client.send(new ListQueuesCommand({}));

test('the right secret opens everything', async (t) => {
  const client = makeClient(t);
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: 'jobs' }));
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'ä "body"\n' }));
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
  assert.equal(Messages[0].Body, 'ä "body"\n');
  const { ReceiptHandle } = Messages[0];
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  assert.deepEqual((await list(client)).QueueUrls, [QueueUrl]);
});

test('a wrong secret does not', async (t) => {
  await refused(list(makeClient(t, { secretAccessKey: secretAccessKey.toLowerCase() })), mismatch);
});

test('an unknown key or a token that is not the key’s', async (t) => {
  const unknown = { code: 'InvalidClientTokenId', status: 403 };
  await refused(list(makeClient(t, { accessKeyId: 'AKIDNOBODY' })), unknown);
  await refused(list(makeClient(t, { sessionToken: 'token' })), unknown);
});

test('another region', async (t) => {
  await refused(list(makeClient(t, {}, 'eu-west-1')), mismatch);
});
