// One message with everything that is known of it, and what can be done to it.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Table from "@cloudscape-design/components/table";
import Tabs from "@cloudscape-design/components/tabs";
import { useQuery } from "@tanstack/react-query";
import { describeError } from "../../../api/errors";
import type { QueueName } from "../../../api/queries";
import { useWriting } from "../../../api/session";
import type { MessageAttributeValue, PeekedMessage } from "../../../api/types";
import { Copyable } from "../../../components/copyable";
import { MessageBody } from "../../../components/message-body";
import { download } from "../../../lib/download";
import { formatBytes, formatTime } from "../../../lib/format";
import { indentJson } from "../../../lib/json-tree";
import { MessageStateText } from "./message-state";
import { messageQuery } from "./queries";

export type MessageAct = "delete" | "move" | "resend";

interface MessageViewerProps {
  queue: QueueName;
  message: PeekedMessage;
  /** Its place in the list, from 0, and how many the list has; -1 when it is no longer there. */
  index: number;
  count: number;
  onIndex: (index: number) => void;
  onAct: (act: MessageAct, message: PeekedMessage) => void;
  onClose: () => void;
}

export function MessageViewer({ queue, message: peeked, index, count, onIndex, onAct, onClose }: MessageViewerProps) {
  const writing = useWriting();
  // Asked for even when the body is known whole: the state of the message may have changed since.
  const query = useQuery(messageQuery(queue, peeked.PeekId));
  const message = query.data ?? peeked;
  const bodyKnown = !message.BodyTruncated;
  return (
    <Modal
      visible
      size="max"
      header={`Message ${message.MessageId}`}
      closeAriaLabel="Close the message"
      onDismiss={onClose}
      footer={
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            iconName="angle-left"
            ariaLabel="Previous message"
            disabled={index <= 0}
            onClick={() => onIndex(index - 1)}
          />
          <Button
            iconName="angle-right"
            ariaLabel="Next message"
            disabled={index < 0 || index >= count - 1}
            onClick={() => onIndex(index + 1)}
          />
          <Button iconName="download" disabled={!bodyKnown} onClick={() => save(message)}>
            Download body
          </Button>
          <ButtonDropdown
            items={[
              { id: "resend", text: "Edit and send again", disabled: !bodyKnown },
              { id: "move", text: "Move to another queue", ...writing },
              { id: "delete", text: "Delete", ...writing },
            ]}
            onItemClick={({ detail }) => onAct(detail.id as MessageAct, message)}
          >
            Actions
          </ButtonDropdown>
          <Button onClick={onClose}>Close</Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="s">
        {query.isError && (
          <Alert
            type="warning"
            header="This is what the message was"
            action={<Button onClick={() => void query.refetch()}>Try again</Button>}
          >
            It cannot be read now: {describeError(query.error)}. Perhaps it was deleted or moved; refresh the list to
            see.
          </Alert>
        )}
        <Tabs
          ariaLabel="Parts of the message"
          tabs={[
            {
              id: "body",
              label: "Body",
              content:
                bodyKnown || query.isError ? <MessageBody key={message.PeekId} body={message.Body} /> : <Spinner />,
            },
            {
              id: "attributes",
              label: `Attributes (${Object.keys(message.MessageAttributes ?? {}).length})`,
              content: <Attributes attributes={message.MessageAttributes ?? {}} />,
            },
            { id: "facts", label: "Details", content: <Facts message={message} /> },
          ]}
        />
      </SpaceBetween>
    </Modal>
  );
}

function Attributes({ attributes }: { attributes: Record<string, MessageAttributeValue> }) {
  return (
    <Table
      variant="embedded"
      items={Object.entries(attributes)}
      trackBy={([name]) => name}
      wrapLines
      ariaLabels={{ tableLabel: "Attributes of the message" }}
      empty="The message has no attributes."
      columnDefinitions={[
        { id: "name", header: "Name", isRowHeader: true, cell: ([name]) => <bdi>{name}</bdi> },
        { id: "type", header: "Type", cell: ([, { DataType }]) => DataType },
        {
          id: "value",
          header: "Value",
          cell: ([, { StringValue, BinaryValue }]) => <bdi>{StringValue ?? `${BinaryValue ?? ""} (Base64)`}</bdi>,
        },
      ]}
    />
  );
}

function Facts({ message }: { message: PeekedMessage }) {
  const facts: [string, React.ReactNode][] = [
    ["Message ID", <Copyable text={message.MessageId} what="the message ID" />],
    ["State", <MessageStateText state={message.State} visibleAt={message.VisibleAt} />],
    ["Sent", formatTime(message.SentTimestamp)],
    [
      "First received",
      message.FirstReceiveTimestamp === undefined ? "never" : formatTime(message.FirstReceiveTimestamp),
    ],
    ["Received", message.ReceiveCount === 1 ? "once" : `${message.ReceiveCount} times`],
    ["Sender", message.SenderId],
    ["Message group", message.MessageGroupId],
    ["Deduplication ID", message.MessageDeduplicationId],
    ["Sequence number", message.SequenceNumber],
    ["Came from the dead letters of", message.DeadLetterQueueSourceArn],
    ["X-Ray trace header", message.AWSTraceHeader],
    ["Size of the body", formatBytes(message.BodySize)],
    ["MD5 of the body", message.MD5OfBody],
    ["MD5 of the attributes", message.MD5OfMessageAttributes],
  ];
  return (
    <KeyValuePairs
      columns={3}
      minColumnWidth={200}
      items={facts
        .filter(([, value]) => value !== undefined && value !== "")
        .map(([label, value]) => ({
          label,
          value: <Box variant="span">{typeof value === "string" ? <bdi className="wrapped">{value}</bdi> : value}</Box>,
        }))}
    />
  );
}

function save(message: PeekedMessage) {
  download(`${message.MessageId}.${indentJson(message.Body) === undefined ? "txt" : "json"}`, message.Body);
}
