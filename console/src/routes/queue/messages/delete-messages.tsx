// Asks before messages are deleted; many must be confirmed by typing.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { counted } from "./counted";

interface DeleteMessagesProps {
  count: number;
  deleting: boolean;
  error?: string | undefined;
  onDelete: () => void;
  onClose: () => void;
}

const typedFrom = 5;

export function DeleteMessages({ count, deleting, error, onDelete, onClose }: DeleteMessagesProps) {
  const [typed, setTyped] = useState("");
  const confirmed = count < typedFrom || typed === "delete";
  return (
    <Modal
      visible
      header={`Delete ${counted(count)}?`}
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" disabled={!confirmed} loading={deleting} onClick={onDelete}>
              Delete
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (confirmed) onDelete();
        }}
      >
        <SpaceBetween size="s">
          {error !== undefined && (
            <Alert type="error" header="Not all were deleted">
              {error}
            </Alert>
          )}
          <Box>Deleted messages cannot be brought back. Messages in flight are deleted under their consumers.</Box>
          {count >= typedFrom && (
            <FormField label="Type delete to confirm">
              <Input value={typed} onChange={({ detail }) => setTyped(detail.value)} autoFocus spellcheck={false} />
            </FormField>
          )}
        </SpaceBetween>
      </form>
    </Modal>
  );
}
