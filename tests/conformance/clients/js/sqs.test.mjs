// Every action of a standard queue by the AWS SDK for JavaScript, which speaks JSON and refuses a
// reply whose MD5 is not that of the message.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  AddPermissionCommand,
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueueTagsCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  RemovePermissionCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  TagQueueCommand,
  UntagQueueCommand,
  paginateListQueues,
} from '@aws-sdk/client-sqs';
import { advance, attributesOf, makeClient, newQueue, refused } from './support.mjs';

const bytesMax = 1048576;
const prefix = 'AWS.SimpleQueueService.';
const noQueue = { name: 'QueueDoesNotExist', code: `${prefix}NonExistentQueue` };
const badValue = { code: 'InvalidParameterValue' };
const badHandle = { code: 'ReceiptHandleIsInvalid', status: 404 };

let client;
before(() => {
  client = makeClient();
});
after(() => client.destroy());

const md5 = (text) => createHash('md5').update(text, 'utf8').digest('hex');
const send = (url, body = 'hello', rest = {}) =>
  client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...rest }));
const sendBatch = (url, entries) =>
  client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: entries }));
const setAttributes = (url, attributes) =>
  client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: attributes }));

/** The messages that are there now. */
async function receive(url, rest = {}) {
  const command = new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, ...rest });
  return (await client.send(command)).Messages ?? [];
}

async function receiveOne(url, rest = {}) {
  const messages = await receive(url, rest);
  assert.equal(messages.length, 1);
  return messages[0];
}

async function counts(url) {
  const found = await attributesOf(client, url);
  return ['', 'NotVisible', 'Delayed'].map((kind) =>
    Number(found[`ApproximateNumberOfMessages${kind}`]),
  );
}

const arnOf = async (url) => (await attributesOf(client, url)).QueueArn;

test('a queue is made, found, listed, changed and deleted', async () => {
  const command = new CreateQueueCommand({
    QueueName: 'js-life',
    Attributes: { VisibilityTimeout: '40' },
    tags: { team: 'a' },
  });
  const url = (await client.send(command)).QueueUrl;
  assert.match(url, /\/\d{12}\/js-life$/);
  assert.equal((await client.send(command)).QueueUrl, url);
  const found = await client.send(new GetQueueUrlCommand({ QueueName: 'js-life' }));
  assert.equal(found.QueueUrl, url);
  const listed = await client.send(new ListQueuesCommand({ QueueNamePrefix: 'js-life' }));
  assert.deepEqual(listed.QueueUrls, [url]);

  await setAttributes(url, { DelaySeconds: '3' });
  const attributes = await attributesOf(client, url, ['DelaySeconds', 'VisibilityTimeout']);
  assert.deepEqual(attributes, { DelaySeconds: '3', VisibilityTimeout: '40' });

  await client.send(new DeleteQueueCommand({ QueueUrl: url }));
  await refused(client.send(new DeleteQueueCommand({ QueueUrl: url })), noQueue);
  await refused(client.send(new GetQueueUrlCommand({ QueueName: 'js-life' })), noQueue);
  await refused(client.send(command), {
    name: 'QueueDeletedRecently',
    code: `${prefix}QueueDeletedRecently`,
  });
  await advance(61);
  assert.equal((await client.send(command)).QueueUrl, url);
});

test('a queue made again with another value is refused', async () => {
  await newQueue(client, { DelaySeconds: '1' }, 'js-conflict');
  await refused(newQueue(client, { DelaySeconds: '2' }, 'js-conflict'), {
    name: 'QueueNameExists',
    code: 'QueueAlreadyExists',
  });
});

test('names and attributes are checked', async () => {
  await refused(newQueue(client, {}, 'a b'), badValue);
  await refused(newQueue(client, {}, 'n'.repeat(81)), badValue);
  await refused(client.send(new CreateQueueCommand({})), badValue);
  await refused(newQueue(client, { Foobar: '1' }), { code: 'InvalidAttributeName' });
  await refused(newQueue(client, { DelaySeconds: '901' }), { code: 'InvalidAttributeValue' });
  const url = await newQueue(client);
  await refused(setAttributes(url, { FifoQueue: 'true' }), { code: 'InvalidAttributeName' });
  await refused(setAttributes(url, { VisibilityTimeout: '43201' }), {
    code: 'InvalidAttributeValue',
  });
  await refused(attributesOf(client, url, ['Foobar']), { code: 'InvalidAttributeName' });
});

test('attributes that are not asked for or not set are left out', async () => {
  const url = await newQueue(client);
  const command = new GetQueueAttributesCommand({ QueueUrl: url });
  assert.equal((await client.send(command)).Attributes, undefined);
  assert.deepEqual(await attributesOf(client, url, ['Policy']), {});
});

test('the SDK pages through the list of queues', async () => {
  const made = [];
  for (let number = 0; number < 7; number += 1) {
    made.push(await newQueue(client, {}, `js-page-${number}`));
  }
  const pages = [];
  const paging = paginateListQueues({ client, pageSize: 3 }, { QueueNamePrefix: 'js-page-' });
  for await (const page of paging) pages.push(page.QueueUrls ?? []);
  assert.deepEqual(pages.map((page) => page.length), [3, 3, 1]);
  assert.deepEqual(pages.flat(), made);
  await refused(client.send(new ListQueuesCommand({ MaxResults: 1001 })), badValue);
});

test('tags are added, listed and removed', async () => {
  const url = await newQueue(client);
  const list = async () => (await client.send(new ListQueueTagsCommand({ QueueUrl: url }))).Tags;
  assert.equal(await list(), undefined);
  await client.send(new TagQueueCommand({ QueueUrl: url, Tags: { a: '1', b: '2' } }));
  await client.send(new UntagQueueCommand({ QueueUrl: url, TagKeys: ['a', 'absent'] }));
  assert.deepEqual(await list(), { b: '2' });
  await refused(
    client.send(new TagQueueCommand({ QueueUrl: url, Tags: { 'aws:x': '1' } })),
    badValue,
  );
});

test('permissions become a policy', async () => {
  const url = await newQueue(client);
  const add = new AddPermissionCommand({
    QueueUrl: url,
    Label: 'label',
    AWSAccountIds: ['111122223333'],
    Actions: ['SendMessage', 'ReceiveMessage'],
  });
  await client.send(add);
  await refused(client.send(add), badValue);
  const arn = await arnOf(url);
  assert.deepEqual(JSON.parse((await attributesOf(client, url)).Policy), {
    Version: '2008-10-17',
    Id: `${arn}/SQSDefaultPolicy`,
    Statement: [
      {
        Sid: 'label',
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::111122223333:root' },
        Action: ['SQS:SendMessage', 'SQS:ReceiveMessage'],
        Resource: arn,
      },
    ],
  });
  await client.send(new RemovePermissionCommand({ QueueUrl: url, Label: 'label' }));
  assert.equal((await attributesOf(client, url)).Policy, undefined);
});

test('a message keeps its body, attributes and digests', async () => {
  const url = await newQueue(client);
  const body =
    'tab\t line\n return\r "quoted" \\ & <tag> \u00e9 \ue000 \ufffd \u{1f600} \u{10ffff}';
  const attributes = {
    'blob': { DataType: 'Binary', BinaryValue: Uint8Array.from([1, 2, 3]) },
    'color': { DataType: 'String', StringValue: 'blue' },
    'count': { DataType: 'Number', StringValue: '3' },
  };
  const sent = await send(url, body, {
    MessageAttributes: attributes,
    MessageSystemAttributes: {
      AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1-5759e988-bd862e3fe1be46a9' },
    },
  });
  assert.equal(sent.MD5OfMessageBody, md5(body));
  assert.equal(sent.MD5OfMessageAttributes, 'd838729972a4b70e2d2acd9d59ac847c');
  assert.match(sent.MD5OfMessageSystemAttributes, /^[0-9a-f]{32}$/);
  assert.equal(sent.SequenceNumber, undefined);

  const message = await receiveOne(url, {
    MessageAttributeNames: ['All'],
    MessageSystemAttributeNames: ['All'],
  });
  assert.equal(message.Body, body);
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.deepEqual(Object.keys(message.MessageAttributes).sort(), ['blob', 'color', 'count']);
  assert.deepEqual([...message.MessageAttributes.blob.BinaryValue], [1, 2, 3]);
  assert.equal(message.MessageAttributes.count.DataType, 'Number');
  assert.deepEqual(Object.keys(message.Attributes).sort(), [
    'AWSTraceHeader',
    'ApproximateFirstReceiveTimestamp',
    'ApproximateReceiveCount',
    'SenderId',
    'SentTimestamp',
  ]);
});

test('selectors of system attributes: the newer member wins over the older', async () => {
  const url = await newQueue(client);
  await send(url);
  const both = { MessageSystemAttributeNames: ['SenderId'], AttributeNames: ['All'] };
  const message = await receiveOne(url, both);
  assert.deepEqual(Object.keys(message.Attributes), ['SenderId']);
});

test('selectors of message attributes', async () => {
  const url = await newQueue(client);
  const value = { DataType: 'String', StringValue: 'v' };
  const attributes = { 'Hello': value, 'Help.Me': value, 'General': value };
  await send(url, 'b', { MessageAttributes: attributes });
  for (const [selectors, expected] of [
    [undefined, undefined],
    [['Hello'], ['Hello']],
    [['Hel.*'], ['Hello', 'Help.Me']],
    [['.*'], ['General', 'Hello', 'Help.Me']],
    [['absent'], undefined],
  ]) {
    const message = await receiveOne(url, {
      VisibilityTimeout: 0,
      MessageAttributeNames: selectors,
    });
    const names = message.MessageAttributes && Object.keys(message.MessageAttributes).sort();
    assert.deepEqual(names, expected);
    assert.equal(message.MD5OfMessageAttributes === undefined, expected === undefined);
  }
});

test('the SDK does check digests: it refuses a reply with a wrong one', async () => {
  const url = await newQueue(client);
  const doubter = makeClient();
  doubter.middlewareStack.add(
    (next) => async (request) => {
      const reply = await next(request);
      if (reply.output.MD5OfMessageBody) reply.output.MD5OfMessageBody = md5('another');
      for (const message of reply.output.Messages ?? []) message.MD5OfBody = md5('another');
      return reply;
    },
    { step: 'deserialize', priority: 'high' },
  );
  const command = new SendMessageCommand({ QueueUrl: url, MessageBody: 'hello' });
  await assert.rejects(doubter.send(command), /InvalidChecksumError/);
  const receiving = doubter.send(new ReceiveMessageCommand({ QueueUrl: url }));
  await assert.rejects(receiving, /Invalid MD5 checksum/);
  doubter.destroy();
});

test('bodies are 1 byte to 1 MiB of allowed characters', async () => {
  const url = await newQueue(client);
  const body = 'x'.repeat(bytesMax);
  await send(url, body);
  assert.equal((await receiveOne(url)).Body, body);
  await refused(send(url, `${body}x`), badValue);
  await refused(send(url, ''), { code: 'MissingParameter' });
  await refused(send(url, 'a\u0001'), { code: 'InvalidMessageContents' });
  await refused(send(url, 'a\uffff'), { code: 'InvalidMessageContents' });
  await refused(send(undefined, 'b'), noQueue);
});

test('message attributes are checked', async () => {
  const url = await newQueue(client);
  const value = { DataType: 'String', StringValue: 'v' };
  const eleven = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`a${i}`, value]));
  await refused(send(url, 'b', { MessageAttributes: eleven }), badValue);
  for (const attributes of [
    { 'AWS.x': value },
    { 'x.': value },
    { x: { DataType: 'Number', StringValue: 'ten' } },
    { x: { DataType: 'Text', StringValue: 'v' } },
    { x: { DataType: 'Binary', StringValue: 'v' } },
    { x: { DataType: 'String' } },
  ]) {
    await refused(send(url, 'b', { MessageAttributes: attributes }), badValue);
  }
  await refused(
    send(url, 'b', { MessageAttributes: { x: { DataType: 'String', StringListValues: ['a'] } } }),
    { name: 'UnsupportedOperation', code: `${prefix}UnsupportedOperation` },
  );
});

test('delays hold messages back', async () => {
  const url = await newQueue(client);
  await send(url, 'later', { DelaySeconds: 5 });
  assert.deepEqual(await counts(url), [0, 0, 1]);
  assert.deepEqual(await receive(url), []);
  await advance(5.1);
  assert.equal((await receiveOne(url)).Body, 'later');
  await refused(send(url, 'b', { DelaySeconds: 901 }), badValue);
});

test('a received message is hidden, given back, hidden again and deleted', async () => {
  const url = await newQueue(client);
  await send(url);
  const first = (await receiveOne(url)).ReceiptHandle;
  assert.deepEqual(await receive(url), []);
  const change = (ReceiptHandle, VisibilityTimeout) =>
    client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout }),
    );
  await change(first, 0);
  assert.deepEqual(await counts(url), [1, 0, 0]);
  const second = (await receiveOne(url)).ReceiptHandle;
  await change(second, 100);
  await advance(99);
  assert.deepEqual(await receive(url), []);
  const remove = (ReceiptHandle) =>
    client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
  await remove(second);
  await remove(second);
  assert.deepEqual(await counts(url), [0, 0, 0]);

  await refused(change(second, 5), badValue);
  await refused(change(second, 43201), badValue);
  await refused(change('garbage', 5), badHandle);
  await refused(remove('garbage'), badHandle);
  await refused(remove(undefined), { code: 'MissingParameter' });
});

test('a waiting receive ends when a message is sent', async () => {
  const url = await newQueue(client);
  const [message] = await Promise.all([
    receiveOne(url, { WaitTimeSeconds: 20 }),
    send(url, 'wake up'),
  ]);
  assert.equal(message.Body, 'wake up');
});

test('a receive that is given up takes no message', async () => {
  const url = await newQueue(client);
  const giveUp = new AbortController();
  const command = new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 });
  const given = assert.rejects(client.send(command, { abortSignal: giveUp.signal }), {
    name: 'AbortError',
  });
  await attributesOf(client, url); // answered after the server has begun the receive
  giveUp.abort();
  await given;
  await attributesOf(client, url); // and this after it has seen the connection close
  await send(url, 'still here');
  assert.equal((await receiveOne(url, { WaitTimeSeconds: 20 })).Body, 'still here');
});

test('receive checks its arguments', async () => {
  const url = await newQueue(client);
  for (const bad of [
    { MaxNumberOfMessages: 0 },
    { MaxNumberOfMessages: 11 },
    { WaitTimeSeconds: 21 },
    { WaitTimeSeconds: -1 },
    { VisibilityTimeout: 43201 },
  ]) {
    await refused(receive(url, bad), badValue);
  }
});

test('batches: what fails alone', async () => {
  const url = await newQueue(client, { MaximumMessageSize: '1024' });
  const sent = await sendBatch(url, [
    { Id: 'a', MessageBody: 'one' },
    { Id: 'long', MessageBody: 'x'.repeat(1025) },
    { Id: 'b', MessageBody: 'two' },
    { Id: 'bad', MessageBody: '\u0001' },
  ]);
  assert.deepEqual(sent.Successful.map((entry) => entry.Id), ['a', 'b']);
  assert.deepEqual(
    sent.Failed.map((entry) => [entry.Id, entry.Code, entry.SenderFault]),
    [
      ['long', 'InvalidParameterValue', true],
      ['bad', 'InvalidMessageContents', true],
    ],
  );

  const handles = (await receive(url)).map((message) => message.ReceiptHandle);
  assert.equal(handles.length, 2);
  const changed = await client.send(
    new ChangeMessageVisibilityBatchCommand({
      QueueUrl: url,
      Entries: [
        { Id: 'ok', ReceiptHandle: handles[0], VisibilityTimeout: 100 },
        { Id: 'bad', ReceiptHandle: 'garbage', VisibilityTimeout: 100 },
      ],
    }),
  );
  assert.deepEqual(changed.Successful, [{ Id: 'ok' }]);
  assert.deepEqual(
    changed.Failed.map((entry) => [entry.Id, entry.Code]),
    [['bad', 'ReceiptHandleIsInvalid']],
  );

  const deleted = await client.send(
    new DeleteMessageBatchCommand({
      QueueUrl: url,
      Entries: [...handles, 'garbage'].map((handle, i) => ({ Id: `${i}`, ReceiptHandle: handle })),
    }),
  );
  assert.deepEqual(deleted.Successful, [{ Id: '0' }, { Id: '1' }]);
  assert.deepEqual(deleted.Failed.map((entry) => entry.Id), ['2']);
  assert.deepEqual(await counts(url), [0, 0, 0]);
});

test('batches: what fails as a whole', async () => {
  const url = await newQueue(client);
  const entries = (count) =>
    Array.from({ length: count }, (_, i) => ({ Id: `${i}`, MessageBody: 'b' }));
  const whole = (name) => ({ name, code: `${prefix}${name}` });
  await refused(sendBatch(url, []), whole('EmptyBatchRequest'));
  await refused(sendBatch(url, entries(11)), whole('TooManyEntriesInBatchRequest'));
  await refused(
    sendBatch(url, [...entries(1), ...entries(1)]),
    whole('BatchEntryIdsNotDistinct'),
  );
  await refused(sendBatch(url, [{ Id: 'a b', MessageBody: 'b' }]), whole('InvalidBatchEntryId'));
  const half = 'x'.repeat(bytesMax / 2);
  await refused(
    sendBatch(url, [
      { Id: '1', MessageBody: half },
      { Id: '2', MessageBody: `${half}x` },
    ]),
    whole('BatchRequestTooLong'),
  );
  assert.deepEqual(await counts(url), [0, 0, 0]);
});

test('a purge empties a queue, once a minute', async () => {
  const url = await newQueue(client);
  await send(url);
  const purge = () => client.send(new PurgeQueueCommand({ QueueUrl: url }));
  await purge();
  assert.deepEqual(await counts(url), [0, 0, 0]);
  await refused(purge(), {
    name: 'PurgeQueueInProgress',
    code: `${prefix}PurgeQueueInProgress`,
    status: 403,
  });
  await advance(61);
  await purge();
});

test('dead letters', async () => {
  const dead = await newQueue(client);
  const policy = { deadLetterTargetArn: await arnOf(dead), maxReceiveCount: 2 };
  const source = await newQueue(client, { RedrivePolicy: JSON.stringify(policy) });
  assert.deepEqual(JSON.parse((await attributesOf(client, source)).RedrivePolicy), policy);
  const listed = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
  assert.deepEqual(listed.queueUrls, [source]);
  const none = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: source }));
  assert.equal(none.queueUrls?.length ?? 0, 0);

  const sent = await send(source, 'poison');
  await receiveOne(source, { VisibilityTimeout: 0 });
  await receiveOne(source, { VisibilityTimeout: 0 });
  assert.deepEqual(await receive(source), []);
  const moved = await receiveOne(dead, { MessageSystemAttributeNames: ['All'] });
  assert.equal(moved.MessageId, sent.MessageId);
  assert.equal(moved.Attributes.ApproximateReceiveCount, '3');
  assert.equal(moved.Attributes.DeadLetterQueueSourceArn, await arnOf(source));

  await refused(
    setAttributes(source, { RedrivePolicy: JSON.stringify({ ...policy, maxReceiveCount: 0 }) }),
    badValue,
  );
  const denyAll = JSON.stringify({ redrivePermission: 'denyAll' });
  await setAttributes(dead, { RedriveAllowPolicy: denyAll });
  await refused(setAttributes(source, { RedrivePolicy: JSON.stringify(policy) }), badValue);
});
