// Shows what a new policy changes, line by line, before it is saved.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { DialogButtons } from "../../../components/dialog-buttons";
import * as colors from "../../../lib/colors";
import { indentJson } from "../../../lib/json-tree";
import { type DifferenceLine, lineDifference } from "../../../lib/line-difference";
import "./review-changes.css";

interface ReviewChangesProps {
  before: string;
  after: string;
  saving: boolean;
  error?: string | undefined;
  onSave: () => void;
  onClose: () => void;
}

const looks: Record<DifferenceLine["change"], { sign: string; word: string; color: string }> = {
  same: { sign: " ", word: "", color: colors.textSecondary },
  added: { sign: "+", word: "added: ", color: colors.good },
  removed: { sign: "−", word: "removed: ", color: colors.bad },
};

export function ReviewChanges({ before, after, saving, error, onSave, onClose }: ReviewChangesProps) {
  // A stored policy is often one long line: indented like the new one, only what differs is different.
  const lines = lineDifference(indentJson(before) ?? before, indentJson(after) ?? after);
  const changed = lines.some(({ change }) => change !== "same");
  return (
    <Modal
      visible
      size="large"
      header="Save these changes?"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={<DialogButtons verb="Save policy" busy={saving} act={onSave} close={onClose} />}
    >
      <SpaceBetween size="s">
        {error !== undefined && (
          <Alert type="error" header="The policy was not saved">
            {error}
          </Alert>
        )}
        {after.trim() === "" && (
          <Alert type="warning">The queue will have no policy: only its own account can use it.</Alert>
        )}
        {!changed && <Box>Only spaces and line breaks differ.</Box>}
        <pre
          className="policy-changes"
          role="region"
          aria-label="Changes"
          tabIndex={0}
          style={{ borderColor: colors.line, outlineColor: colors.focus }}
        >
          {lines.map(({ change, text }, index) => {
            const { sign, word, color } = looks[change];
            return (
              <span key={index} style={{ color }}>
                <span aria-hidden="true">{sign} </span>
                <span className="policy-changes-word">{word}</span>
                {text}
                {"\n"}
              </span>
            );
          })}
        </pre>
      </SpaceBetween>
    </Modal>
  );
}
