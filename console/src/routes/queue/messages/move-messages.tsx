// Moves messages to another queue.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import type { QueueSummary } from "../../../api/types";
import { QueuePicker } from "../../../components/queue-picker";
import { counted } from "./counted";

interface MoveMessagesProps {
  queue: QueueSummary;
  count: number;
  moving: boolean;
  error?: string | undefined;
  onMove: (destination: QueueSummary) => void;
  onClose: () => void;
}

export function MoveMessages({ queue, count, moving, error, onMove, onClose }: MoveMessagesProps) {
  const [destination, setDestination] = useState<QueueSummary | null>(null);
  return (
    <Modal
      visible
      header={`Move ${counted(count)}`}
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button
              variant="primary"
              disabled={destination === null}
              loading={moving}
              onClick={() => destination && onMove(destination)}
            >
              Move
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="s">
        {error !== undefined && (
          <Alert type="error" header="Not all were moved">
            {error}
          </Alert>
        )}
        <FormField
          label="To which queue"
          constraintText="A moved message is a new one there: it has a new ID, and its receive count begins again."
        >
          <QueuePicker value={destination} onChange={setDestination} type={queue.Type} except={queue.QueueUrl} />
        </FormField>
      </SpaceBetween>
    </Modal>
  );
}
