// Asks before chosen messages are deleted, and where they shall be moved.

import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import { useState } from "react";
import type { PeekedMessage, QueueSummary } from "../../../api/types";
import { Confirm } from "../../../components/confirm";
import { QueuePicker } from "../../../components/queue-picker";
import { countOf } from "../../../lib/format";
import { deleteMessages, moveMessages, type Outcome } from "./act-on-messages";

interface DialogProps {
  summary: QueueSummary;
  messages: readonly PeekedMessage[];
  /** @param text says what was done to the messages: "deleted" */
  onDone: (outcome: Outcome, text: string) => void;
  onClose: () => void;
}

/** From this many on a deletion must be confirmed by typing. */
const manyMessages = 5;

export function DeleteMessages({ summary, messages, onDone, onClose }: DialogProps) {
  const act = async () => onDone(await deleteMessages(summary.QueueUrl, idsOf(messages)), "deleted");
  return (
    <Confirm
      header={`Delete ${countOf(messages.length, "message")}?`}
      verb="Delete"
      typed={messages.length >= manyMessages ? "delete" : undefined}
      act={act}
      close={onClose}
    >
      <Box>Deleted messages cannot be brought back. Those in flight are deleted too, under their consumers.</Box>
    </Confirm>
  );
}

export function MoveMessages({ summary, messages, onDone, onClose }: DialogProps) {
  const [destination, setDestination] = useState<QueueSummary>();
  const act = async () => {
    if (!destination) return;
    const outcome = await moveMessages(summary.QueueUrl, destination.QueueUrl, idsOf(messages));
    onDone(outcome, `moved to ${destination.QueueName}`);
  };
  return (
    <Confirm
      header={`Move ${countOf(messages.length, "message")}`}
      verb="Move"
      ready={destination !== undefined}
      act={act}
      close={onClose}
    >
      <FormField
        label="To which queue"
        constraintText="There each is a new message: it has a new ID, and its receive count begins anew."
      >
        <QueuePicker
          arn={destination?.QueueArn ?? ""}
          choose={setDestination}
          filter={{ Type: summary.Type }}
          except={summary.QueueArn}
        />
      </FormField>
    </Confirm>
  );
}

function idsOf(messages: readonly PeekedMessage[]): string[] {
  return messages.map(({ PeekId }) => PeekId);
}
