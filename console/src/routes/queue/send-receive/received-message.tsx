// All of a received message. Whatever is in it is shown as text and as nothing else.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReceivedMessage } from "../../../api/types";
import { Copyable } from "../../../components/copyable";
import { formatTime } from "../../../lib/format";
import { formatJson } from "../../../lib/queue-settings";

export function ReceivedMessageDialog({ message, close }: { message: ReceivedMessage; close: () => void }) {
  const text = (value: string) => <span className="wrapped">{value}</span>;
  const system = Object.entries(message.Attributes ?? {}).map(([label, value]) => ({
    label: text(label),
    value: text(label.endsWith("Timestamp") ? formatTime(Number(value)) : value),
  }));
  const own = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => ({
    label: text(`${name} (${value.DataType})`),
    value: text(value.StringValue ?? value.BinaryValue ?? ""),
  }));
  return (
    <Modal
      visible
      size="large"
      header={`Message ${message.MessageId}`}
      closeAriaLabel="Close"
      onDismiss={close}
      footer={
        <Box float="right">
          <Button onClick={close}>Close</Button>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Box variant="code">
          <div className="wrapped">{formatJson(message.Body)}</div>
        </Box>
        <KeyValuePairs
          columns={2}
          items={[
            ...system,
            { label: "MD5 of the body", value: text(message.MD5OfBody) },
            { label: "Receipt handle", value: <Copyable text={message.ReceiptHandle} what="the receipt handle" /> },
          ]}
        />
        {own.length > 0 && (
          <>
            <Header variant="h3">Message attributes</Header>
            <KeyValuePairs columns={2} items={own} />
          </>
        )}
      </SpaceBetween>
    </Modal>
  );
}
