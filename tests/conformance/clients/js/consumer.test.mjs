// sqs-consumer, a worker that many people run, working a queue: what it handles is deleted, what it
// fails at comes back until it lands in the dead-letter queue.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { attributesOf, makeClient, newQueue } from './support.mjs';

let client;
before(() => {
  client = makeClient();
});
after(() => client.destroy());

// A server that loses a message would have a consumer wait for it for ever.
const limit = { timeout: 60_000 };

/**
 * Runs a consumer until done() holds when it has worked off what it received, then stops it. Ends
 * with an error when the consumer has one that is not a handler's.
 */
function consume(options, done) {
  return new Promise((resolve, reject) => {
    const consumer = Consumer.create({ sqs: client, waitTimeSeconds: 1, ...options });
    consumer.on('error', (error) => {
      consumer.stop();
      reject(error);
    });
    consumer.on('response_processed', () => {
      if (done()) consumer.stop();
    });
    consumer.on('stopped', resolve);
    consumer.start();
  });
}

async function pairOfQueues(maxReceiveCount) {
  const dead = await newQueue(client);
  const deadLetterTargetArn = (await attributesOf(client, dead)).QueueArn;
  const source = await newQueue(client, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount }),
  });
  return { source, dead };
}

async function counts(url) {
  const found = await attributesOf(client, url);
  const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: hidden } =
    found;
  return [Number(visible), Number(hidden)];
}

async function sendNumbers(url, count) {
  for (let first = 0; first < count; first += 10) {
    const entries = Array.from({ length: Math.min(10, count - first) }, (_, i) => ({
      Id: `${i}`,
      MessageBody: `${first + i}`,
    }));
    await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: entries }));
  }
}

test('what is handled is deleted, one at a time', limit, async () => {
  const queue = await newQueue(client);
  await sendNumbers(queue, 25);
  const handled = [];
  await consume(
    {
      queueUrl: queue,
      handleMessage: async (message) => {
        handled.push(Number(message.Body));
        return message;
      },
    },
    () => handled.length >= 25,
  );
  assert.deepEqual(handled.sort((a, b) => a - b), [...Array(25).keys()]);
  assert.deepEqual(await counts(queue), [0, 0]);
});

test('what is handled is deleted, in batches', limit, async () => {
  const queue = await newQueue(client);
  await sendNumbers(queue, 25);
  const handled = [];
  await consume(
    {
      queueUrl: queue,
      batchSize: 10,
      handleMessageBatch: async (messages) => {
        handled.push(...messages.map((message) => Number(message.Body)));
        return messages;
      },
    },
    () => handled.length >= 25,
  );
  assert.deepEqual(handled.sort((a, b) => a - b), [...Array(25).keys()]);
  assert.deepEqual(await counts(queue), [0, 0]);
});

test('what fails comes back and then lands in the dead-letter queue', limit, async () => {
  const { source, dead } = await pairOfQueues(3);
  await sendNumbers(source, 10);
  const handled = [];
  const failures = new Map();
  const consumer = {
    queueUrl: source,
    terminateVisibilityTimeout: true,
    handleMessage: async (message) => {
      const number = Number(message.Body);
      if (number % 5 === 0) {
        failures.set(number, (failures.get(number) ?? 0) + 1);
        throw new Error('cannot be handled');
      }
      handled.push(number);
      return message;
    },
  };
  await consume(consumer, () => {
    const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
    return handled.length === 8 && failed === 6;
  });
  assert.deepEqual([...failures].sort(), [[0, 3], [5, 3]]);

  const left = await client.send(new ReceiveMessageCommand({ QueueUrl: source }));
  assert.equal(left.Messages, undefined);
  const moved = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: dead,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'DeadLetterQueueSourceArn'],
    }),
  );
  assert.deepEqual(moved.Messages.map((message) => message.Body).sort(), ['0', '5']);
  for (const message of moved.Messages) {
    assert.equal(message.Attributes.ApproximateReceiveCount, '4');
    assert.match(message.Attributes.DeadLetterQueueSourceArn, /^arn:aws:sqs:us-east-1:\d{12}:/);
  }
  assert.deepEqual(await counts(source), [0, 0]);
});

test('a waiting consumer gets what is sent later', limit, async () => {
  const queue = await newQueue(client);
  const handled = [];
  const consuming = consume(
    {
      queueUrl: queue,
      waitTimeSeconds: 20,
      handleMessage: async (message) => {
        handled.push(message.Body);
        return message;
      },
    },
    () => handled.length > 0,
  );
  await client.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: 'late' }));
  await consuming;
  assert.deepEqual(handled, ['late']);
});
