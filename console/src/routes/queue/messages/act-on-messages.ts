// Deletes or moves any number of messages, in requests of as many as the server takes at once.

import { call } from "../../../api/client";
import type { DeleteMessagesReply, MoveMessagesReply } from "../../../api/types";
import { counted } from "./counted";

const messagesPerRequest = 100;

/** What of an act was done; `refusal` says why the rest was not. */
export interface ActResult {
  done: string[];
  refusal?: string;
}

export async function deleteMessages(queueUrl: string, peekIds: readonly string[]): Promise<ActResult> {
  return inRequests(peekIds, async (ids) => {
    const input = { QueueUrl: queueUrl, PeekIds: ids };
    const { Deleted, Failed } = await call<DeleteMessagesReply>("Millrace", "DeleteMessages", input);
    return { done: Deleted, failed: Failed };
  });
}

export async function moveMessages(from: string, to: string, peekIds: readonly string[]): Promise<ActResult> {
  return inRequests(peekIds, async (ids) => {
    const input = { SourceUrl: from, DestinationUrl: to, PeekIds: ids };
    const { Moved, Failed } = await call<MoveMessagesReply>("Millrace", "MoveMessages", input);
    return { done: Moved, failed: Failed };
  });
}

interface Reply {
  done: string[];
  failed: DeleteMessagesReply["Failed"];
}

async function inRequests(peekIds: readonly string[], request: (ids: string[]) => Promise<Reply>): Promise<ActResult> {
  const done: string[] = [];
  const failed: Reply["failed"] = [];
  for (let start = 0; start < peekIds.length; start += messagesPerRequest) {
    const reply = await request(peekIds.slice(start, start + messagesPerRequest));
    done.push(...reply.done);
    failed.push(...reply.failed);
  }
  const first = failed[0];
  if (!first) return { done };
  return { done, refusal: `${counted(failed.length)} could not be found or changed. The first: ${first.Message}` };
}
