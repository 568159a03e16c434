// Sends a message again, changed or not, and if wished deletes the original behind it.

import Alert from "@cloudscape-design/components/alert";
import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../../api/client";
import { describeError } from "../../../api/errors";
import type { QueueName } from "../../../api/queries";
import type { DeleteMessagesReply, MessageAttributeValue, PeekedMessage, QueueSummary } from "../../../api/types";
import { QueuePicker } from "../../../components/queue-picker";
import { indentJson } from "../../../lib/json-tree";
import { useWholeMessage } from "./use-whole-message";

interface ResendMessageProps {
  queue: QueueName;
  summary: QueueSummary;
  message: PeekedMessage;
  onSent: (destination: QueueSummary) => void;
  onClose: () => void;
}

interface EditedAttribute {
  name: string;
  type: string;
  value: string; // Base64 where the type is binary
}

/** The list has only the beginnings of long bodies, so the whole message is read first. */
export function ResendMessage(props: ResendMessageProps) {
  const { message, bodyKnown, query } = useWholeMessage(props.queue, props.message);
  if (bodyKnown && !query.isPending) return <ResendForm {...props} message={message} />;
  return (
    <Modal visible header="Edit and send again" closeAriaLabel="Close" onDismiss={props.onClose}>
      {query.isError ? (
        <Alert type="error" header="The message cannot be read any more">
          {describeError(query.error)}
        </Alert>
      ) : (
        <StatusIndicator type="loading">Reading the whole message</StatusIndicator>
      )}
    </Modal>
  );
}

function ResendForm({ queue, summary, message, onSent, onClose }: ResendMessageProps) {
  const [destination, setDestination] = useState(summary);
  const [body, setBody] = useState(message.Body);
  const [attributes, setAttributes] = useState(() => editable(message.MessageAttributes ?? {}));
  const [group, setGroup] = useState(message.MessageGroupId ?? "");
  // The server drops what comes with a deduplication id of the last five minutes, so the old one is no default.
  const [deduplication, setDeduplication] = useState(randomId);
  const [deletes, setDeletes] = useState(false);
  const fifo = destination.Type === "fifo";

  const send = useMutation({
    mutationFn: async () => {
      await call("AmazonSQS", "SendMessage", {
        QueueUrl: destination.QueueUrl,
        MessageBody: body,
        ...(attributes.length > 0 && { MessageAttributes: sendable(attributes) }),
        ...(group !== "" && { MessageGroupId: group }),
        ...(fifo && { MessageDeduplicationId: deduplication }),
      });
      if (!deletes) return;
      const { Failed } = await call<DeleteMessagesReply>("Millrace", "DeleteMessages", {
        QueueUrl: queue.url,
        PeekIds: [message.PeekId],
      });
      if (Failed[0]) throw new Error(`It was sent, but the original is still there: ${Failed[0].Message}`);
    },
    onSuccess: () => onSent(destination),
  });

  const looksLikeJson = /^\s*[{[]/.test(body);
  const wasJson = indentJson(message.Body) !== undefined;
  const noLongerJson = (wasJson || looksLikeJson) && indentJson(body) === undefined;
  const missing = body === "" || (fifo && (group === "" || deduplication === ""));

  return (
    <Modal
      visible
      size="large"
      header="Edit and send again"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" disabled={missing} loading={send.isPending} onClick={() => send.mutate()}>
              Send
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {send.isError && (
          <Alert type="error" header="That did not work">
            {describeError(send.error)}
          </Alert>
        )}
        <FormField label="To which queue">
          <QueuePicker value={destination} onChange={setDestination} />
        </FormField>
        <FormField
          label="Body"
          stretch
          errorText={body === "" ? "A message needs a body." : ""}
          warningText={noLongerJson ? "This is not JSON." : ""}
        >
          <Textarea rows={10} value={body} onChange={({ detail }) => setBody(detail.value)} spellcheck={false} />
        </FormField>
        <ColumnLayout columns={2}>
          <FormField
            label="Message group"
            errorText={fifo && group === "" ? "A FIFO queue needs a group for every message." : ""}
          >
            <Input value={group} onChange={({ detail }) => setGroup(detail.value)} spellcheck={false} />
          </FormField>
          {fifo && (
            <FormField
              label="Deduplication ID"
              errorText={deduplication === "" ? "Type an ID that no message of the last five minutes had." : ""}
            >
              <Input
                value={deduplication}
                onChange={({ detail }) => setDeduplication(detail.value)}
                spellcheck={false}
              />
            </FormField>
          )}
        </ColumnLayout>
        <FormField label="Attributes" stretch>
          <AttributeEditor
            items={attributes}
            addButtonText="Add an attribute"
            removeButtonText="Remove"
            empty="The message has no attributes."
            onAddButtonClick={() => setAttributes([...attributes, { name: "", type: "String", value: "" }])}
            onRemoveButtonClick={({ detail }) =>
              setAttributes(attributes.filter((_, index) => index !== detail.itemIndex))
            }
            definition={(["name", "type", "value"] as const).map((field) => ({
              label: { name: "Name", type: "Type", value: "Value (Base64 if binary)" }[field],
              control: (item: EditedAttribute, index: number) => (
                <Input
                  value={item[field]}
                  ariaLabel={{ name: "Name", type: "Type", value: "Value" }[field]}
                  spellcheck={false}
                  onChange={({ detail }) => setAttributes(attributes.with(index, { ...item, [field]: detail.value }))}
                />
              ),
            }))}
          />
        </FormField>
        <Checkbox checked={deletes} onChange={({ detail }) => setDeletes(detail.checked)}>
          Delete the original when the new one is sent
        </Checkbox>
      </SpaceBetween>
    </Modal>
  );
}

function editable(attributes: Record<string, MessageAttributeValue>): EditedAttribute[] {
  return Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => ({
    name,
    type: DataType,
    value: StringValue ?? BinaryValue ?? "",
  }));
}

function sendable(attributes: readonly EditedAttribute[]): Record<string, MessageAttributeValue> {
  return Object.fromEntries(
    attributes.map(({ name, type, value }) => [
      name,
      { DataType: type, [type.startsWith("Binary") ? "BinaryValue" : "StringValue"]: value },
    ]),
  );
}

// crypto.randomUUID() is missing where the page comes over plain HTTP.
function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
