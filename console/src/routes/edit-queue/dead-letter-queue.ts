// Creates the dead-letter queue that a form names, so that a queue and its dead letters are one step.

import { call } from "../../api/client";
import type { QueueAttributes } from "../../api/types";
import { notify } from "../../lib/notifications";
import { initialSettings, type QueueSettings, ranges, toCreation, toDurationText } from "../../lib/queue-settings";

/** Answers its ARN. Messages stay for as long as can be: somebody will want to look at them. */
export async function createDeadLetterQueue(settings: QueueSettings): Promise<string> {
  const name = settings.newDeadLetterName;
  const { QueueUrl } = await call<{ QueueUrl: string }>("AmazonSQS", "CreateQueue", {
    QueueName: name,
    Attributes: toCreation({
      ...initialSettings,
      type: settings.type,
      name,
      encryption: settings.encryption,
      kmsKey: settings.kmsKey,
      retention: toDurationText(ranges.retention.max),
    }),
  });
  const reply = await call<{ Attributes: QueueAttributes }>("AmazonSQS", "GetQueueAttributes", {
    QueueUrl,
    AttributeNames: ["QueueArn"],
  });
  notify({ type: "success", content: `Created the dead-letter queue ${name}.` });
  return reply.Attributes.QueueArn ?? "";
}
