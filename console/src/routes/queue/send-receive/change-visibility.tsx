// Hides received messages for longer, or gives them back at once.

import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { call } from "../../../api/client";
import { type QueueName, refreshQueue } from "../../../api/queries";
import { Confirm } from "../../../components/confirm";
import { countOf } from "../../../lib/format";
import { notify } from "../../../lib/notifications";
import type { HeldMessage } from "./poll";

const secondsMax = 43_200;

interface Properties {
  queue: QueueName;
  messages: HeldMessage[];
  close: () => void;
  done: (hiddenUntil: number) => void;
}

export function ChangeVisibility({ queue, messages, close, done }: Properties) {
  const [seconds, setSeconds] = useState("0");
  const good = /^\d+$/.test(seconds.trim()) && Number(seconds) <= secondsMax;

  async function change() {
    for (const message of messages) {
      await call("AmazonSQS", "ChangeMessageVisibility", {
        QueueUrl: queue.url,
        ReceiptHandle: message.ReceiptHandle,
        VisibilityTimeout: Number(seconds),
      });
    }
    done(Date.now() + Number(seconds) * 1000);
    notify({ type: "success", content: `Changed the visibility of ${countOf(messages.length, "message")}.` });
    refreshQueue(queue.name);
  }

  return (
    <Confirm header="Change visibility" verb="Change" ready={good} act={change} close={close}>
      <FormField
        label="Hide for, in seconds"
        description="From now on. 0 gives the messages back at once."
        constraintText="From 0 seconds to 12 hours."
        errorText={good ? undefined : `Enter a whole number from 0 to ${secondsMax}.`}
      >
        <Input type="number" inputMode="numeric" value={seconds} onChange={({ detail }) => setSeconds(detail.value)} />
      </FormField>
    </Confirm>
  );
}
