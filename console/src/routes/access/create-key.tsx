// Makes an access key for a user and shows its secret, once.

import Alert from "@cloudscape-design/components/alert";
import Autosuggest from "@cloudscape-design/components/autosuggest";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { call } from "../../api/client";
import { describeError } from "../../api/errors";
import { queryClient } from "../../api/queries";
import type { CreateAccessKeyReply } from "../../api/types";
import { Copyable } from "../../components/copyable";
import { DialogButtons } from "../../components/dialog-buttons";

export function CreateAccessKey({ users, close }: { users: string[]; close: () => void }) {
  const [user, setUser] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [made, setMade] = useState<CreateAccessKeyReply>();

  async function create() {
    setBusy(true);
    setError(undefined);
    try {
      setMade(await call<CreateAccessKeyReply>("Millrace", "CreateAccessKey", { UserName: user.trim() }));
      await queryClient.invalidateQueries({ queryKey: ["accessKeys"] });
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Modal
      visible
      header={made ? "The new access key" : "Create access key"}
      closeAriaLabel="Close"
      // Neither a click beside the dialog nor a stray key must take the secret away, also one that is on its way.
      onDismiss={({ detail }) => {
        if (!busy && (!made || detail.reason === "closeButton")) close();
      }}
      footer={
        made ? (
          <Box float="right">
            <Button variant="primary" onClick={close}>
              I have kept the secret
            </Button>
          </Box>
        ) : (
          <DialogButtons
            verb="Create"
            disabled={user.trim() === ""}
            busy={busy}
            act={() => void create()}
            close={() => !busy && close()}
          />
        )
      }
    >
      {made ? (
        <SpaceBetween size="m">
          <Alert type="warning">The secret is shown now and never again: keep it where you keep secrets.</Alert>
          <KeyValuePairs
            columns={1}
            items={[
              { label: "Access key ID", value: <Copyable text={made.AccessKeyId} what="the access key ID" /> },
              {
                label: "Secret access key",
                value: <Copyable text={made.SecretAccessKey} what="the secret access key" />,
              },
            ]}
          />
        </SpaceBetween>
      ) : (
        <SpaceBetween size="m">
          <FormField label="User" description="Who the key acts as: its policies hold for the key.">
            <Autosuggest
              value={user}
              onChange={({ detail }) => setUser(detail.value)}
              options={users.filter((one) => one !== "").map((value) => ({ value }))}
              enteredTextLabel={(text) => `Use “${text}”`}
              ariaLabel="User"
            />
          </FormField>
          {error !== undefined && <Alert type="error">{describeError(error)}</Alert>}
        </SpaceBetween>
      )}
    </Modal>
  );
}
