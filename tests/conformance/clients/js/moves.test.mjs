// Message move tasks by the AWS SDK for JavaScript.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CancelMessageMoveTaskCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { attributesOf, makeClient, newQueue, refused } from './support.mjs';

const pollsMax = 1000;

let client;
before(() => {
  client = makeClient();
});
after(() => client.destroy());

const arnOf = async (url) => (await attributesOf(client, url, ['QueueArn'])).QueueArn;
const send = (url, body) =>
  client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));

async function receive(url) {
  const command = new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 });
  return (await client.send(command)).Messages ?? [];
}

/** The ARN of a dead-letter queue, its URL, and the URL of the queue whose dead letters it gets. */
async function deadLetterQueue() {
  const dead = await newQueue(client);
  const deadArn = await arnOf(dead);
  const policy = JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount: 1 });
  const source = await newQueue(client, { RedrivePolicy: policy, VisibilityTimeout: '0' });
  return { dead, deadArn, source };
}

async function lastTask(arn) {
  const command = new ListMessageMoveTasksCommand({ SourceArn: arn });
  return (await client.send(command)).Results[0];
}

/** The last task, once it has ended. Each request lets the server go on. */
async function endedTask(arn) {
  for (let polls = 0; polls < pollsMax; polls += 1) {
    const task = await lastTask(arn);
    if (task.Status !== 'RUNNING' && task.Status !== 'CANCELLING') return task;
  }
  return assert.fail('the task does not end');
}

test('a task takes dead letters back', async () => {
  const { dead, deadArn, source } = await deadLetterQueue();
  await send(source, 'a');
  assert.equal((await receive(source)).length, 1);
  assert.equal((await receive(source)).length, 0);
  const { TaskHandle } = await client.send(new StartMessageMoveTaskCommand({ SourceArn: deadArn }));
  assert.equal(JSON.parse(Buffer.from(TaskHandle, 'base64')).sourceArn, deadArn);
  const task = await endedTask(deadArn);
  assert.equal(task.Status, 'COMPLETED');
  assert.equal(task.ApproximateNumberOfMessagesMoved, 1);
  assert.equal(task.ApproximateNumberOfMessagesToMove, 1);
  assert.equal(typeof task.StartedTimestamp, 'number');
  assert.equal(task.TaskHandle, undefined);
  assert.deepEqual(
    (await receive(source)).map((message) => message.Body),
    ['a'],
  );
  assert.equal((await receive(dead)).length, 0);
});

test('a task can be cancelled', async () => {
  const { dead, deadArn } = await deadLetterQueue();
  const target = await newQueue(client);
  for (const body of ['a', 'b', 'c']) await send(dead, body);
  const { TaskHandle } = await client.send(
    new StartMessageMoveTaskCommand({
      SourceArn: deadArn,
      DestinationArn: await arnOf(target),
      MaxNumberOfMessagesPerSecond: 1,
    }),
  );
  assert.equal((await lastTask(deadArn)).TaskHandle, TaskHandle);
  await refused(client.send(new StartMessageMoveTaskCommand({ SourceArn: deadArn })), {
    code: 'InvalidParameterValue',
  });
  await client.send(new CancelMessageMoveTaskCommand({ TaskHandle }));
  const task = await endedTask(deadArn);
  assert.equal(task.Status, 'CANCELLED');
  assert.equal(task.ApproximateNumberOfMessagesMoved, 1);
  assert.equal(task.MaxNumberOfMessagesPerSecond, 1);
});

test('what does not exist is told apart', async () => {
  const { deadArn, source } = await deadLetterQueue();
  await refused(client.send(new StartMessageMoveTaskCommand({ SourceArn: await arnOf(source) })), {
    code: 'InvalidParameterValue',
  });
  await refused(client.send(new ListMessageMoveTasksCommand({ SourceArn: `${deadArn}-absent` })), {
    name: 'ResourceNotFoundException',
    code: 'ResourceNotFoundException',
    status: 404,
  });
  await refused(client.send(new CancelMessageMoveTaskCommand({ TaskHandle: 'nonsense' })), {
    code: 'InvalidParameterValue',
  });
});
