// The AWS SDK for JavaScript over HTTPS, against a server of its own whose certificate is made by
// the openssl command.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { accessKeyId, secretAccessKey, startServer } from './signed_server.mjs';


const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
const certificate = join(folder, 'server.pem');
const key = join(folder, 'server.key');
let server;
before(async () => {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1'],
    ],
    { stdio: 'ignore' },
  );
  server = await startServer([
    ...['--listen', 'off', '--tls-listen', '127.0.0.1:0'],
    ...['--tls-certificate', certificate, '--tls-key', key],
  ]);
  assert.match(server.endpoint, /^https:/);
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** A client that trusts what this agent trusts. */
function makeClient(t, httpsAgent) {
  const client = new SQSClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
    requestHandler: { httpsAgent },
  });
  t.after(() => client.destroy());
  return client;
}

test('a message goes there and back, at a URL of HTTPS', async (t) => {
  const client = makeClient(t, new Agent({ keepAlive: true, ca: readFileSync(certificate) }));
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: 'jobs' }));
  assert.equal(QueueUrl, `${server.endpoint}/000000000000/jobs`);
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(300_000) }));
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
  assert.equal(Messages[0].Body.length, 300_000);
});

test('a client that does not know the certificate stays away', async (t) => {
  const call = makeClient(t, new Agent()).send(new CreateQueueCommand({ QueueName: 'never' }));
  await assert.rejects(call, { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});
