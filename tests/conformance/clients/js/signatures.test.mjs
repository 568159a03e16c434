// The AWS SDK for JavaScript with the right and with wrong credentials, against a server of its own
// that checks them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { accessKeyId, secretAccessKey, startServer } from './signed_server.mjs';
import { refused } from './support.mjs';

let server;
before(async () => {
  server = await startServer(['--listen', '127.0.0.1:0']);
});
after(() => server.stop());

/** A client with these credentials in place of the right ones. */
function makeClient(t, credentials = {}, region = 'us-east-1') {
  const client = new SQSClient({
    endpoint: server.endpoint,
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
