// FIFO queues by the AWS SDK for JavaScript, which speaks JSON, and by sqs-consumer: order, locks
// of message groups, deduplication, receive attempts, handles and dead letters.
//
// A message whose group is not named belongs to the group that its body's first letter names.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { advance, attributesOf, makeClient, newQueue, refused } from './support.mjs';

const badValue = { code: 'InvalidParameterValue' };
const hashOf = (text, kind) => createHash(kind).update(text, 'utf8').digest('hex');

let client;
before(() => {
  client = makeClient();
});
after(() => client.destroy());

let queues = 0;

function newFifo(attributes = {}) {
  const name = `js-fifo-${(queues += 1)}.fifo`;
  return newQueue(client, { FifoQueue: 'true', ...attributes }, name);
}

const newFifoByContent = (attributes = {}) =>
  newFifo({ ContentBasedDeduplication: 'true', ...attributes });

const send = (url, body, rest = {}) =>
  client.send(
    new SendMessageCommand({
      QueueUrl: url,
      MessageBody: body,
      MessageGroupId: body[0],
      ...rest,
    }),
  );

async function sendAll(url, ...bodies) {
  for (const body of bodies) await send(url, body);
}

/** The messages that are there now. */
async function receive(url, rest = {}) {
  const command = new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, ...rest });
  return (await client.send(command)).Messages ?? [];
}

const bodiesOf = (messages) => messages.map((message) => message.Body);
const receiveBodies = async (url, rest) => bodiesOf(await receive(url, rest));

/** Receives exactly these bodies, in this order; gives their handles. */
async function handlesOf(url, bodies, rest) {
  const messages = await receive(url, rest);
  assert.deepEqual(bodiesOf(messages), bodies);
  return messages.map((message) => message.ReceiptHandle);
}

const remove = (url, handle) =>
  client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: handle }));

const hide = (url, handle, seconds) =>
  client.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: url,
      ReceiptHandle: handle,
      VisibilityTimeout: seconds,
    }),
  );

test('attributes: what a FIFO queue has, takes and refuses', async () => {
  const url = await newFifo();
  const own = [
    'FifoQueue',
    'ContentBasedDeduplication',
    'DeduplicationScope',
    'FifoThroughputLimit',
  ];
  assert.deepEqual(await attributesOf(client, url, own), {
    FifoQueue: 'true',
    ContentBasedDeduplication: 'false',
    DeduplicationScope: 'queue',
    FifoThroughputLimit: 'perQueue',
  });
  const set = (attributes) =>
    client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: attributes }));
  await set({ DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' });
  await refused(set({ DeduplicationScope: 'queue' }), { code: 'InvalidAttributeValue' });
  await refused(set({ FifoQueue: 'false' }), { code: 'InvalidAttributeValue' });
  await refused(newQueue(client, {}, 'js-fifo.fifo'), badValue);
  await refused(newQueue(client, { FifoQueue: 'true' }, 'js-fifo'), badValue);
  await refused(newQueue(client, { FifoQueue: 'false' }, 'js-standard'), {
    code: 'InvalidAttributeName',
  });
});

test('sends are checked', async () => {
  const url = await newFifo();
  const missing = { MessageGroupId: undefined };
  await refused(send(url, 'b', missing), { code: 'MissingParameter' });
  await refused(send(url, 'b'), badValue);
  const ids = { MessageGroupId: 'g', MessageDeduplicationId: 'd' };
  for (const name of Object.keys(ids)) {
    await refused(send(url, 'b', { ...ids, [name]: 'a b' }), badValue);
    await refused(send(url, 'b', { ...ids, [name]: 'x'.repeat(129) }), badValue);
  }
  await refused(send(url, 'b', { ...ids, DelaySeconds: 1 }), badValue);
  assert.match((await send(url, 'b', { ...ids, DelaySeconds: 0 })).SequenceNumber, /^\d{20}$/);

  const standard = await newQueue(client);
  await refused(send(standard, 'b', ids), badValue);
  assert.equal((await send(standard, 'b')).SequenceNumber, undefined);
  await refused(receive(standard, { ReceiveRequestAttemptId: 'a' }), badValue);
});

test('a message arrives with its ids and its sequence number', async () => {
  const url = await newFifoByContent();
  const sent = await send(url, 'a1');
  const [message] = await receive(url, { MessageSystemAttributeNames: ['All'] });
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.Attributes.SequenceNumber, sent.SequenceNumber);
  assert.equal(message.Attributes.MessageGroupId, 'a');
  assert.equal(message.Attributes.MessageDeduplicationId, hashOf('a1', 'sha256'));
});

test('a batch keeps its order, and fails as a whole without an id', async () => {
  const url = await newFifo();
  const sendBatch = (entries) =>
    client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: entries }));
  const entry = (number) => ({
    Id: `${number}`,
    MessageBody: `a${number}`,
    MessageGroupId: 'a',
    MessageDeduplicationId: `${number}`,
  });
  const numbers = [...Array(10).keys()];
  const sent = await sendBatch(numbers.map(entry));
  const sequence = sent.Successful.map((one) => one.SequenceNumber);
  assert.deepEqual(sequence, [...new Set(sequence)].sort());
  assert.deepEqual(await receiveBodies(url), numbers.map((number) => `a${number}`));
  await refused(sendBatch([entry(11), { ...entry(12), MessageGroupId: undefined }]), badValue);
  await refused(
    sendBatch([entry(11), { ...entry(12), MessageDeduplicationId: undefined }]),
    badValue,
  );
  const partly = await sendBatch([entry(11), { ...entry(12), DelaySeconds: 1 }]);
  assert.deepEqual(partly.Successful.map((one) => one.Id), ['11']);
  assert.deepEqual(partly.Failed.map((one) => [one.Id, one.Code]), [
    ['12', 'InvalidParameterValue'],
  ]);
});

test('groups: one after the other, locked while in flight', async () => {
  const url = await newFifoByContent();
  await sendAll(url, 'a1', 'b1', 'a2');
  const [a1, a2, b1] = await handlesOf(url, ['a1', 'a2', 'b1']);
  await sendAll(url, 'a3', 'b2');
  assert.deepEqual(await receive(url), []);
  await remove(url, a1);
  assert.deepEqual(await receive(url), []);
  await remove(url, b1);
  assert.deepEqual(await receiveBodies(url), ['b2']);
  await remove(url, a2);
  assert.deepEqual(await receiveBodies(url), ['a3']);
});

test('a message that stays hidden blocks itself and what comes after it', async () => {
  for (const [extended, expected] of [[0, []], [1, ['a1']], [2, ['a1', 'a2']]]) {
    const url = await newFifoByContent();
    await sendAll(url, 'a1', 'a2', 'a3');
    const handles = await handlesOf(url, ['a1', 'a2', 'a3']);
    await hide(url, handles[extended], 100);
    await advance(30);
    assert.deepEqual(await receiveBodies(url, { VisibilityTimeout: 0 }), expected);
    await advance(70);
    assert.deepEqual(await receiveBodies(url), ['a1', 'a2', 'a3']);
  }
});

test('a waiting receive ends when a group opens', async () => {
  const url = await newFifoByContent();
  await sendAll(url, 'a1', 'a2');
  const [first] = await handlesOf(url, ['a1'], { MaxNumberOfMessages: 1 });
  const [bodies] = await Promise.all([
    receiveBodies(url, { WaitTimeSeconds: 20 }),
    remove(url, first),
  ]);
  assert.deepEqual(bodies, ['a2']);
});

test('deduplication: by id, by content, by group, for five minutes, until a purge', async () => {
  const url = await newFifoByContent();
  const first = await send(url, 'a1');
  const repeat = async (body, rest) => {
    const again = await send(url, body, rest);
    assert.equal(again.MessageId, first.MessageId);
    assert.equal(again.SequenceNumber, first.SequenceNumber);
    assert.equal(again.MD5OfMessageBody, hashOf(body, 'md5'));
  };
  await repeat('a1');
  await repeat('a1', { MessageGroupId: 'another' });
  await repeat('other', { MessageDeduplicationId: hashOf('a1', 'sha256') });
  const [handle] = await handlesOf(url, ['a1']);
  await remove(url, handle);
  await advance(299);
  await repeat('a1');
  await advance(2);
  assert.notEqual((await send(url, 'a1')).MessageId, first.MessageId);
  await client.send(new PurgeQueueCommand({ QueueUrl: url }));
  await send(url, 'a1');
  assert.deepEqual(await receiveBodies(url), ['a1']);

  const byGroup = await newFifo({ DeduplicationScope: 'messageGroup' });
  for (const body of ['a1', 'b1', 'a2']) await send(byGroup, body, { MessageDeduplicationId: '1' });
  assert.deepEqual((await receiveBodies(byGroup)).sort(), ['a1', 'b1']);
});

test('a receive that is repeated gets what it got before', async () => {
  const url = await newFifoByContent();
  await sendAll(url, 'a1', 'a2');
  const attempt = { ReceiveRequestAttemptId: 'attempt' };
  const handles = await handlesOf(url, ['a1', 'a2'], attempt);
  await advance(20);
  assert.deepEqual(await handlesOf(url, ['a1', 'a2'], attempt), handles);
  await advance(29);
  assert.deepEqual(await receive(url), []);
  await remove(url, handles[0]);
  await refused(receive(url, attempt), badValue);
});

test('a handle expires with its receive', async () => {
  const url = await newFifoByContent();
  await send(url, 'a1');
  const [expired] = await handlesOf(url, ['a1']);
  await advance(30);
  await assert.rejects(remove(url, expired), /The receipt handle has expired\./);
  await refused(remove(url, expired), badValue);
  await refused(hide(url, expired, 10), badValue);
  const [good] = await handlesOf(url, ['a1']);
  const deleted = await client.send(
    new DeleteMessageBatchCommand({
      QueueUrl: url,
      Entries: [
        { Id: 'expired', ReceiptHandle: expired },
        { Id: 'good', ReceiptHandle: good },
      ],
    }),
  );
  assert.deepEqual(deleted.Successful, [{ Id: 'good' }]);
  assert.deepEqual(
    deleted.Failed.map((entry) => [entry.Id, entry.Code]),
    [['expired', 'InvalidParameterValue']],
  );
});

test('the queue delays, also what is there already', async () => {
  const url = await newFifoByContent({ DelaySeconds: '10' });
  await send(url, 'a1');
  const set = (seconds) =>
    client.send(
      new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: seconds } }),
    );
  await set('60');
  await advance(30);
  assert.deepEqual(await receive(url), []);
  await set('30');
  assert.deepEqual(await receiveBodies(url), ['a1']);
});

test('dead letters keep their group and open it', async () => {
  const dead = await newFifo();
  const policy = {
    deadLetterTargetArn: (await attributesOf(client, dead)).QueueArn,
    maxReceiveCount: 1,
  };
  const source = await newFifoByContent({ RedrivePolicy: JSON.stringify(policy) });
  const sent = await send(source, 'a1');
  await send(source, 'a2');
  await handlesOf(source, ['a1'], { MaxNumberOfMessages: 1, VisibilityTimeout: 0 });
  assert.deepEqual(await receiveBodies(source, { WaitTimeSeconds: 20 }), ['a2']);
  const [moved] = await receive(dead, { MessageSystemAttributeNames: ['All'] });
  assert.equal(moved.MessageId, sent.MessageId);
  assert.equal(moved.Attributes.MessageGroupId, 'a');
  assert.equal(moved.Attributes.MessageDeduplicationId, sent.MessageId);
  assert.equal(moved.Attributes.ApproximateReceiveCount, '2');
});

test('sqs-consumer works groups off in their order', { timeout: 60_000 }, async () => {
  const url = await newFifoByContent();
  const sent = [...Array(30).keys()].map((number) => `${'abc'[number % 3]}${number}`);
  await sendAll(url, ...sent);
  const handled = [];
  await new Promise((resolve, reject) => {
    const consumer = Consumer.create({
      sqs: client,
      queueUrl: url,
      batchSize: 4,
      waitTimeSeconds: 1,
      suppressFifoWarning: true,
      handleMessageBatch: async (messages) => {
        handled.push(...bodiesOf(messages));
        return messages;
      },
    });
    consumer.on('error', reject);
    consumer.on('response_processed', () => {
      if (handled.length >= sent.length) consumer.stop();
    });
    consumer.on('stopped', resolve);
    consumer.start();
  });
  for (const group of 'abc') {
    const ofGroup = (bodies) => bodies.filter((body) => body.startsWith(group));
    assert.deepEqual(ofGroup(handled), ofGroup(sent));
  }
});
