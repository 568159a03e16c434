// Receives again and again until enough came, the time is over, or somebody stops it.

import { call } from "../../../api/client";
import { attributesQuery, queryClient, type QueueName } from "../../../api/queries";
import type { ReceivedMessage, ReceiveMessageReply } from "../../../api/types";

/** As they are typed; "" for the visibility timeout is the queue's own. */
export interface PollSettings {
  messagesMax: string;
  secondsMax: string;
  batch: string;
  visibility: string;
}

/** A message that this page received and holds until `hiddenUntil`, milliseconds since the epoch. */
export interface HeldMessage extends ReceivedMessage {
  hiddenUntil: number;
}

const waitSecondsMax = 20;

export async function poll(
  queue: QueueName,
  settings: PollSettings,
  signal: AbortSignal,
  take: (messages: HeldMessage[]) => void,
): Promise<void> {
  const attributes = await queryClient.fetchQuery(attributesQuery(queue));
  const visibility = Number(settings.visibility === "" ? attributes.VisibilityTimeout : settings.visibility);
  const end = Date.now() + Number(settings.secondsMax) * 1000;
  let wanted = Number(settings.messagesMax);
  while (wanted > 0 && Date.now() < end && !signal.aborted) {
    const { Messages = [] } = await call<ReceiveMessageReply>(
      "AmazonSQS",
      "ReceiveMessage",
      {
        QueueUrl: queue.url,
        MaxNumberOfMessages: Math.min(wanted, Number(settings.batch)),
        WaitTimeSeconds: Math.min(waitSecondsMax, Math.ceil((end - Date.now()) / 1000)),
        MessageAttributeNames: ["All"],
        MessageSystemAttributeNames: ["All"],
        ...(settings.visibility !== "" && { VisibilityTimeout: visibility }),
      },
      signal,
    );
    const hiddenUntil = Date.now() + visibility * 1000;
    if (Messages.length > 0) take(Messages.map((message) => ({ ...message, hiddenUntil })));
    wanted -= Messages.length;
  }
}
