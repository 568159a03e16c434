// What the JavaScript suites share. The server's address comes in MILLRACE_ENDPOINT (see
// ../millrace_server.py).
import assert from 'node:assert/strict';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';

export const endpoint = process.env.MILLRACE_ENDPOINT;

/** A client that repeats nothing, so that every refusal is seen. It speaks JSON. */
export function makeClient() {
  return new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
}

/** Lets time pass for the server. */
export async function advance(seconds) {
  const url = `${endpoint}/test/clock?advance=${Math.round(seconds * 1000)}`;
  assert.equal((await fetch(url, { method: 'POST' })).ok, true);
}

let queues = 0;

/** The URL of a new queue with these attributes. */
export async function newQueue(client, attributes = {}, name = `js-${(queues += 1)}`) {
  const reply = await client.send(
    new CreateQueueCommand({ QueueName: name, Attributes: attributes }),
  );
  return reply.QueueUrl;
}

/** The attributes of a queue, all of them or those that are named. */
export async function attributesOf(client, url, names = ['All']) {
  const reply = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: names }),
  );
  return reply.Attributes ?? {};
}

/**
 * The call must be refused with this code (of the x-amzn-query-error field, as clients of the Query
 * protocol see it), this error class (of JSON's __type; an error outside the service's model has
 * the code for a name) and this HTTP status.
 */
export async function refused(call, { code, name = code, status = 400 }) {
  await assert.rejects(call, (error) => {
    assert.deepEqual(
      { name: error.name, code: error.Code, status: error.$metadata?.httpStatusCode },
      { name, code, status },
      error.message,
    );
    return true;
  });
}
