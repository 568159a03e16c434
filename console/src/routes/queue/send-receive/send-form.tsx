// Writes a message and sends it. What was written stays after it was sent, to be sent again or changed.

import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Textarea from "@cloudscape-design/components/textarea";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../../api/client";
import { attributesQuery, type QueueName, refreshQueue } from "../../../api/queries";
import { useWriting } from "../../../api/session";
import type { SendMessageReply } from "../../../api/types";
import { formatBytes } from "../../../lib/format";
import {
  describeBody,
  emptyDraft,
  findDraftProblems,
  type MessageDraft,
  setMessageDraft,
  toSendInput,
  useMessageDraft,
} from "../../../lib/message-draft";
import { notify, notifyError } from "../../../lib/notifications";
import { formatJson } from "../../../lib/queue-settings";
import { AttributeRows } from "./attribute-rows";

const indicators = { empty: "info", json: "success", text: "info", broken: "warning" } as const;

export function SendForm({ queue, fifo }: { queue: QueueName; fifo: boolean }) {
  const writing = useWriting();
  const draft = useMessageDraft(queue.name);
  const attributes = useQuery(attributesQuery(queue));
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const set = (part: Partial<MessageDraft>) => setMessageDraft(queue.name, { ...draft, ...part });

  const contentBased = attributes.data?.ContentBasedDeduplication === "true";
  const problems = findDraftProblems(draft, fifo, contentBased);
  const shown = tried ? problems : {};
  const body = describeBody(draft.body);
  const bytes = new TextEncoder().encode(draft.body).length;

  async function send() {
    setTried(true);
    if (Object.keys(problems).length > 0) return;
    setBusy(true);
    try {
      const input = { QueueUrl: queue.url, ...toSendInput(draft, fifo) };
      const { MessageId } = await call<SendMessageReply>("AmazonSQS", "SendMessage", input);
      notify({ type: "success", content: `Sent the message ${MessageId}.` });
      setTried(false);
      refreshQueue(queue.name);
    } catch (error) {
      notifyError("The message was not sent", error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button onClick={() => setMessageDraft(queue.name, emptyDraft)}>Clear</Button>
              <Button {...writing} variant="primary" loading={busy} loadingText="Sending" onClick={() => void send()}>
                Send message
              </Button>
            </SpaceBetween>
          }
        >
          Send a message
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FormField
          label="Body"
          stretch
          errorText={shown.body}
          constraintText={
            <SpaceBetween direction="horizontal" size="s">
              <StatusIndicator type={indicators[body.kind]}>{body.text}</StatusIndicator>
              <span className="figures">{formatBytes(bytes)}</span>
            </SpaceBetween>
          }
          secondaryControl={
            <Button disabled={body.kind !== "json"} onClick={() => set({ body: formatJson(draft.body) })}>
              Format JSON
            </Button>
          }
        >
          <Textarea
            className="monospace"
            value={draft.body}
            onChange={({ detail }) => set({ body: detail.value })}
            rows={6}
            spellcheck={false}
            disableBrowserAutocorrect
            placeholder="Enter a message"
          />
        </FormField>
        <ColumnLayout columns={2}>
          <FormField
            label={fifo ? "Message group ID" : <>Message group ID - optional</>}
            description={
              fifo
                ? "Messages of one group are handed out in their order."
                : "A tenant: a fair queue keeps one tenant's many messages from holding up the others'."
            }
            errorText={shown.groupId}
          >
            <Input value={draft.groupId} onChange={({ detail }) => set({ groupId: detail.value })} spellcheck={false} />
          </FormField>
          {fifo ? (
            <FormField
              label={contentBased ? "Message deduplication ID - optional" : "Message deduplication ID"}
              description="A message with the same ID within 5 minutes is taken and dropped."
              errorText={shown.deduplicationId}
            >
              <Input
                value={draft.deduplicationId}
                onChange={({ detail }) => set({ deduplicationId: detail.value })}
                spellcheck={false}
              />
            </FormField>
          ) : (
            <FormField
              label="Delivery delay - optional"
              description="Seconds until it can be received, in place of the queue's own delay."
              errorText={shown.delay}
            >
              <Input
                type="number"
                inputMode="numeric"
                value={draft.delay}
                onChange={({ detail }) => set({ delay: detail.value })}
              />
            </FormField>
          )}
        </ColumnLayout>
        <ExpandableSection
          headerText="Message attributes"
          headerCounter={`(${draft.attributes.length})`}
          defaultExpanded={draft.attributes.length > 0}
        >
          <AttributeRows attributes={draft.attributes} change={(next) => set({ attributes: next })} />
        </ExpandableSection>
      </SpaceBetween>
    </Container>
  );
}
