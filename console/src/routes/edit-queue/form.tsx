// The settings of a queue as a form, for a new queue and for one that exists. What is wrong is said while
// it is typed, once the field was touched or the form sent.

import ColumnLayout from "@cloudscape-design/components/column-layout";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import Tiles from "@cloudscape-design/components/tiles";
import { type ReactNode, useState } from "react";
import type { QueueType } from "../../api/types";
import { DurationInput } from "../../components/duration-input";
import { QueuePicker } from "../../components/queue-picker";
import { type DurationUnit, type Problems, type QueueSettings, ranges } from "../../lib/queue-settings";

interface Properties {
  settings: QueueSettings;
  change: (part: Partial<QueueSettings>) => void;
  problems: Problems;
  /** All problems are shown once somebody tried to send the form. */
  sent: boolean;
  /** The queue's ARN when it exists already: its name and type then stand. */
  arn?: string;
}

function withSuffix(name: string, type: QueueType): string {
  const stem = name.replace(/\.fifo$/, "");
  return type === "fifo" && stem !== "" ? `${stem}.fifo` : stem;
}

export function QueueForm({ settings, change, problems, sent, arn }: Properties) {
  const [touched, setTouched] = useState<ReadonlySet<keyof QueueSettings>>(new Set());
  const exists = arn !== undefined;

  function set(part: Partial<QueueSettings>) {
    setTouched((before) => new Set([...before, ...(Object.keys(part) as (keyof QueueSettings)[])]));
    change(part);
  }

  function field(
    name: keyof QueueSettings,
    label: string,
    control: ReactNode,
    texts: { description?: string; range?: string } = {},
  ) {
    return (
      <FormField
        label={label}
        description={texts.description}
        constraintText={texts.range && `From ${texts.range}.`}
        errorText={sent || touched.has(name) ? problems[name] : undefined}
      >
        {control}
      </FormField>
    );
  }

  function duration(
    name: "visibility" | "delay" | "retention" | "kmsReuse",
    label: string,
    units: DurationUnit[],
    description: string,
  ) {
    return field(
      name,
      label,
      <DurationInput what={label} duration={settings[name]} units={units} change={(value) => set({ [name]: value })} />,
      { description, range: ranges[name].text },
    );
  }

  return (
    <SpaceBetween size="l">
      {!exists && (
        <Container header={<Header variant="h2">Details</Header>}>
          <SpaceBetween size="m">
            <FormField label="Type" description="It cannot be changed later." stretch>
              <Tiles
                value={settings.type}
                onChange={({ detail }) => {
                  const type = detail.value as QueueType;
                  change({
                    type,
                    name: withSuffix(settings.name, type),
                    newDeadLetterName: withSuffix(settings.newDeadLetterName, type),
                    deadLetterArn: "",
                  });
                }}
                items={[
                  {
                    value: "standard",
                    label: "Standard",
                    description: "At least once, in about the order in which messages were sent.",
                  },
                  {
                    value: "fifo",
                    label: "FIFO",
                    description:
                      "In order within each message group, and what is sent again within 5 minutes is dropped.",
                  },
                ]}
              />
            </FormField>
            {field(
              "name",
              "Name",
              <Input
                value={settings.name}
                onChange={({ detail }) => set({ name: detail.value })}
                autoFocus
                spellcheck={false}
                autoComplete={false}
              />,
              { description: "Up to 80 letters, digits, - and _; of a FIFO queue with .fifo at the end." },
            )}
          </SpaceBetween>
        </Container>
      )}

      <Container header={<Header variant="h2">Configuration</Header>}>
        <SpaceBetween size="m">
          <ColumnLayout columns={2}>
            {duration(
              "visibility",
              "Visibility timeout",
              ["s", "min", "h"],
              "How long a received message is hidden from other consumers.",
            )}
            {duration(
              "retention",
              "Message retention period",
              ["s", "min", "h", "d"],
              "How long a message stays that nobody deletes.",
            )}
            {duration(
              "delay",
              "Delivery delay",
              ["s", "min"],
              "How long a new message waits before it can be received.",
            )}
            {field(
              "messageSize",
              "Maximum message size",
              <Input
                type="number"
                inputMode="numeric"
                value={settings.messageSize}
                onChange={({ detail }) => set({ messageSize: detail.value })}
              />,
              { description: "In KiB: the body and the attributes together.", range: ranges.messageBytes.text },
            )}
            {field(
              "receiveWait",
              "Receive message wait time",
              <Input
                type="number"
                inputMode="numeric"
                value={settings.receiveWait}
                onChange={({ detail }) => set({ receiveWait: detail.value })}
              />,
              { description: "In seconds: how long a receive waits for a message.", range: ranges.receiveWait.text },
            )}
          </ColumnLayout>
        </SpaceBetween>
      </Container>

      {settings.type === "fifo" && (
        <Container header={<Header variant="h2">FIFO</Header>}>
          <SpaceBetween size="m">
            <Checkbox
              checked={settings.contentBasedDeduplication}
              onChange={({ detail }) => set({ contentBasedDeduplication: detail.checked })}
              description="A message without a deduplication ID gets the SHA-256 of its body as one."
            >
              Content-based deduplication
            </Checkbox>
            <Checkbox
              checked={settings.highThroughput}
              onChange={({ detail: { checked } }) =>
                set({
                  highThroughput: checked,
                  deduplicationScope: checked ? "messageGroup" : "queue",
                  throughputLimit: checked ? "perMessageGroupId" : "perQueue",
                })
              }
              description="Deduplicates within each message group and limits each message group on its own."
            >
              High throughput
            </Checkbox>
            <ColumnLayout columns={2}>
              {field(
                "deduplicationScope",
                "Deduplication scope",
                <RadioGroup
                  value={settings.deduplicationScope}
                  onChange={({ detail }) =>
                    set({
                      deduplicationScope: detail.value as QueueSettings["deduplicationScope"],
                      highThroughput: false,
                    })
                  }
                  items={[
                    { value: "queue", label: "Queue" },
                    { value: "messageGroup", label: "Message group" },
                  ]}
                />,
              )}
              {field(
                "throughputLimit",
                "Throughput limit",
                <RadioGroup
                  value={settings.throughputLimit}
                  onChange={({ detail }) =>
                    set({ throughputLimit: detail.value as QueueSettings["throughputLimit"], highThroughput: false })
                  }
                  items={[
                    { value: "perQueue", label: "Per queue" },
                    { value: "perMessageGroupId", label: "Per message group" },
                  ]}
                />,
              )}
            </ColumnLayout>
          </SpaceBetween>
        </Container>
      )}

      <Container
        header={
          <Header variant="h2" description="Where messages go that are received again and again and never deleted.">
            Dead-letter queue
          </Header>
        }
      >
        <SpaceBetween size="m">
          <FormField label="Dead letters">
            <RadioGroup
              value={settings.deadLetters}
              onChange={({ detail }) => {
                const deadLetters = detail.value as QueueSettings["deadLetters"];
                const suggestion = withSuffix(`${settings.name.replace(/\.fifo$/, "")}-dead`, settings.type);
                const suggested = deadLetters === "new" && settings.newDeadLetterName === "" && settings.name !== "";
                change({ deadLetters, ...(suggested && { newDeadLetterName: suggestion }) });
              }}
              items={[
                { value: "none", label: "Stay in this queue" },
                { value: "existing", label: "Go to a queue that exists" },
                { value: "new", label: "Go to a new queue that is created with these settings" },
              ]}
            />
          </FormField>
          {settings.deadLetters !== "none" && (
            <ColumnLayout columns={2}>
              {settings.deadLetters === "existing"
                ? field(
                    "deadLetterArn",
                    "Queue",
                    <QueuePicker
                      arn={settings.deadLetterArn}
                      choose={(queue) => set({ deadLetterArn: queue.QueueArn })}
                      filter={{ Type: settings.type }}
                      except={arn}
                    />,
                    { description: "Of the same type as this queue." },
                  )
                : field(
                    "newDeadLetterName",
                    "Name of the new queue",
                    <Input
                      value={settings.newDeadLetterName}
                      onChange={({ detail }) => set({ newDeadLetterName: detail.value })}
                      spellcheck={false}
                      autoComplete={false}
                    />,
                    { description: "It keeps messages for 14 days, encrypted as those of this queue." },
                  )}
              {field(
                "maxReceives",
                "Maximum receives",
                <Input
                  type="number"
                  inputMode="numeric"
                  value={settings.maxReceives}
                  onChange={({ detail }) => set({ maxReceives: detail.value })}
                />,
                {
                  description: "A message that was received so often is not handed out again.",
                  range: ranges.maxReceives.text,
                },
              )}
            </ColumnLayout>
          )}
        </SpaceBetween>
      </Container>

      <Container
        header={
          <Header variant="h2" description="Which queues may use this one as their dead-letter queue.">
            Redrive allow policy
          </Header>
        }
      >
        <SpaceBetween size="m">
          <FormField label="Source queues">
            <RadioGroup
              value={settings.redriveAllow}
              onChange={({ detail }) => change({ redriveAllow: detail.value as QueueSettings["redriveAllow"] })}
              items={[
                { value: "allowAll", label: "All queues of the account" },
                { value: "byQueue", label: "Only those named" },
                { value: "denyAll", label: "None" },
              ]}
            />
          </FormField>
          {settings.redriveAllow === "byQueue" &&
            field(
              "redriveSources",
              "ARNs of the source queues",
              <Textarea
                value={settings.redriveSources}
                onChange={({ detail }) => set({ redriveSources: detail.value })}
                rows={3}
                spellcheck={false}
              />,
              { description: "Up to 10, one on each line." },
            )}
        </SpaceBetween>
      </Container>

      <Container header={<Header variant="h2">Encryption</Header>}>
        <SpaceBetween size="m">
          <FormField label="Encryption of messages on the disk">
            <RadioGroup
              value={settings.encryption}
              onChange={({ detail }) => change({ encryption: detail.value as QueueSettings["encryption"] })}
              items={[
                { value: "none", label: "None" },
                { value: "SSE-SQS", label: "A key that the server manages (SSE-SQS)" },
                { value: "SSE-KMS", label: "A key of the keyring (SSE-KMS)" },
              ]}
            />
          </FormField>
          {settings.encryption === "SSE-KMS" && (
            <ColumnLayout columns={2}>
              {field(
                "kmsKey",
                "Key",
                <Input
                  value={settings.kmsKey}
                  onChange={({ detail }) => set({ kmsKey: detail.value })}
                  spellcheck={false}
                  placeholder="alias/name"
                />,
                { description: "Name, alias or ARN of a key; `millrace kms list` shows them." },
              )}
              {duration(
                "kmsReuse",
                "Data key reuse period",
                ["s", "min", "h"],
                "How long a data key is used before a new one is made.",
              )}
            </ColumnLayout>
          )}
        </SpaceBetween>
      </Container>

      <Container
        header={
          <Header variant="h2" description="Without one, the queue is for its own account only.">
            Access policy
          </Header>
        }
      >
        {field(
          "policy",
          "Policy",
          <Textarea
            className="monospace"
            value={settings.policy}
            onChange={({ detail }) => set({ policy: detail.value })}
            rows={6}
            spellcheck={false}
          />,
          { description: "JSON, in the grammar of SQS." },
        )}
      </Container>
    </SpaceBetween>
  );
}
