// Asks before something that cannot be undone. With `typed` the button works once that text was typed.

import Alert from "@cloudscape-design/components/alert";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type FormEvent, type ReactNode, useState } from "react";
import { describeError } from "../api/errors";
import { DialogButtons } from "./dialog-buttons";

interface Properties {
  header: string;
  children: ReactNode;
  /** Of the button: "Delete". */
  verb: string;
  typed?: string;
  /** Whether the rest of the dialog is filled in. */
  ready?: boolean;
  /** What to do; when it fails the dialog stays open and says why. */
  act: () => Promise<unknown>;
  close: () => void;
}

export function Confirm({ header, children, verb, typed, ready: filled = true, act, close }: Properties) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const ready = filled && (typed === undefined || text.trim() === typed);

  async function submit(event?: FormEvent) {
    event?.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await act();
      close();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }

  return (
    <Modal
      visible
      header={header}
      closeAriaLabel="Close"
      onDismiss={close}
      footer={<DialogButtons verb={verb} disabled={!ready} busy={busy} act={() => void submit()} close={close} />}
    >
      <form onSubmit={(event) => void submit(event)}>
        <SpaceBetween size="m">
          {children}
          {typed !== undefined && (
            <FormField label={<>To confirm, type “{typed}”</>}>
              <Input
                value={text}
                onChange={({ detail }) => setText(detail.value)}
                placeholder={typed}
                autoFocus
                autoComplete={false}
                spellcheck={false}
              />
            </FormField>
          )}
          {error !== undefined && <Alert type="error">{describeError(error)}</Alert>}
        </SpaceBetween>
      </form>
    </Modal>
  );
}
