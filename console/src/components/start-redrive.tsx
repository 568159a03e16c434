// Starts a task that moves messages out of a dead-letter queue.

import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import { useState } from "react";
import { call } from "../api/client";
import { queryClient, refreshQueue } from "../api/queries";
import { queueNameOfArn } from "../lib/arn";
import { notify } from "../lib/notifications";
import { Confirm } from "./confirm";
import { QueuePicker } from "./queue-picker";

const rateMax = 500;

interface Properties {
  /** The dead-letter queue; it is asked for when absent. */
  sourceArn?: string;
  close: () => void;
}

export function StartRedrive({ sourceArn, close }: Properties) {
  const [source, setSource] = useState(sourceArn ?? "");
  const [destination, setDestination] = useState<"sources" | "other">("sources");
  const [destinationArn, setDestinationArn] = useState("");
  const [speed, setSpeed] = useState<"full" | "limited">("full");
  const [rate, setRate] = useState("50");

  const rateIsGood = /^\d+$/.test(rate.trim()) && Number(rate) >= 1 && Number(rate) <= rateMax;
  const ready =
    source !== "" && (destination === "sources" || destinationArn !== "") && (speed === "full" || rateIsGood);

  async function start() {
    await call("AmazonSQS", "StartMessageMoveTask", {
      SourceArn: source,
      ...(destination === "other" && { DestinationArn: destinationArn }),
      ...(speed === "limited" && { MaxNumberOfMessagesPerSecond: Number(rate) }),
    });
    notify({ type: "success", content: `Started the redrive of ${queueNameOfArn(source)}.` });
    refreshQueue(queueNameOfArn(source));
    void queryClient.invalidateQueries({ queryKey: ["topology"] });
  }

  return (
    <Confirm header="Start redrive" verb="Start redrive" ready={ready} act={start} close={close}>
      {sourceArn === undefined && (
        <FormField label="Dead-letter queue">
          <QueuePicker
            arn={source}
            choose={(queue) => setSource(queue.QueueArn)}
            filter={{ IsDeadLetterQueue: true }}
            ariaLabel="Dead-letter queue"
          />
        </FormField>
      )}
      <FormField label="Where the messages go">
        <RadioGroup
          value={destination}
          onChange={({ detail }) => setDestination(detail.value as typeof destination)}
          items={[
            { value: "sources", label: "Back to the queues that they came from" },
            { value: "other", label: "To another queue" },
          ]}
        />
      </FormField>
      {destination === "other" && (
        <FormField label="Queue">
          <QueuePicker
            arn={destinationArn}
            choose={(queue) => setDestinationArn(queue.QueueArn)}
            except={source}
            ariaLabel="Queue that takes the messages"
          />
        </FormField>
      )}
      <FormField label="Speed">
        <RadioGroup
          value={speed}
          onChange={({ detail }) => setSpeed(detail.value as typeof speed)}
          items={[
            { value: "full", label: "As fast as the server can" },
            { value: "limited", label: "At most so many messages a second" },
          ]}
        />
      </FormField>
      {speed === "limited" && (
        <FormField
          label="Messages a second"
          constraintText={`From 1 to ${rateMax}.`}
          errorText={rateIsGood ? undefined : `Enter a whole number from 1 to ${rateMax}.`}
        >
          <Input type="number" inputMode="numeric" value={rate} onChange={({ detail }) => setRate(detail.value)} />
        </FormField>
      )}
    </Confirm>
  );
}
