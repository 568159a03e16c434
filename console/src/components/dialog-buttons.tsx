// The buttons at the foot of a dialog: one that leaves everything as it is, and one that acts.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";

interface Properties {
  /** Of the button that acts: "Delete". */
  verb: string;
  disabled?: boolean;
  busy?: boolean;
  act: () => void;
  close: () => void;
}

export function DialogButtons({ verb, disabled, busy, act, close }: Properties) {
  return (
    <Box float="right">
      <SpaceBetween direction="horizontal" size="xs">
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
        <Button variant="primary" disabled={disabled} loading={busy} onClick={act}>
          {verb}
        </Button>
      </SpaceBetween>
    </Box>
  );
}
