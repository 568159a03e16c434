// Deletes or moves any number of messages, in requests of as many as the server takes at once.

import { call } from "../../../api/client";
import type { DeleteMessagesReply, FailedMessage, MoveMessagesReply } from "../../../api/types";

const messagesPerRequest = 100;

export interface Outcome {
  done: string[];
  failed: FailedMessage[];
}

export function deleteMessages(queueUrl: string, peekIds: readonly string[]): Promise<Outcome> {
  return inRequests(peekIds, async (ids) => {
    const input = { QueueUrl: queueUrl, PeekIds: ids };
    const { Deleted, Failed } = await call<DeleteMessagesReply>("Millrace", "DeleteMessages", input);
    return { done: Deleted, failed: Failed };
  });
}

export function moveMessages(from: string, to: string, peekIds: readonly string[]): Promise<Outcome> {
  return inRequests(peekIds, async (ids) => {
    const input = { SourceUrl: from, DestinationUrl: to, PeekIds: ids };
    const { Moved, Failed } = await call<MoveMessagesReply>("Millrace", "MoveMessages", input);
    return { done: Moved, failed: Failed };
  });
}

async function inRequests(peekIds: readonly string[], request: (ids: string[]) => Promise<Outcome>): Promise<Outcome> {
  const outcome: Outcome = { done: [], failed: [] };
  for (let start = 0; start < peekIds.length; start += messagesPerRequest) {
    const { done, failed } = await request(peekIds.slice(start, start + messagesPerRequest));
    outcome.done.push(...done);
    outcome.failed.push(...failed);
  }
  return outcome;
}
