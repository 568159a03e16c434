// Signing in: a page of its own at first, a dialog above the page when the session ended meanwhile, so that
// what was typed there is not lost.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type FormEvent, useEffect, useState } from "react";
import { describeError } from "../api/errors";
import { signIn } from "../api/session";
import type { SignInFacts } from "../api/types";

function SignInForm({ facts }: { facts: SignInFacts }) {
  const [accessKeyId, setAccessKeyId] = useState("");
  const [secret, setSecret] = useState("");
  const [readOnly, setReadOnly] = useState(false);
  const [missing, setMissing] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();

  async function submit(event: FormEvent) {
    event.preventDefault();
    const complete = accessKeyId.trim() !== "" && secret !== "";
    setMissing(!complete);
    if (!complete) return;
    setBusy(true);
    setError(undefined);
    try {
      await signIn(accessKeyId.trim(), secret, readOnly, facts.Region);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Form
        actions={
          <Button variant="primary" formAction="submit" loading={busy} loadingText="Signing in">
            Sign in
          </Button>
        }
        errorText={error === undefined ? undefined : describeError(error)}
        errorIconAriaLabel="Error"
      >
        <SpaceBetween size="m">
          {facts.InsecureTransport && (
            <Alert type="warning" header="This page came over plain http">
              Whoever is on the way could take over the session. Open the console over https, or on the server itself as
              http://localhost. Where the network is trusted, start the server with --console-allow-http.
            </Alert>
          )}
          <FormField
            label="Access key ID"
            errorText={
              missing && accessKeyId.trim() === "" ? "Enter the ID of an access key of this server." : undefined
            }
          >
            <Input
              value={accessKeyId}
              onChange={({ detail }) => setAccessKeyId(detail.value)}
              autoComplete="username"
              spellcheck={false}
              autoFocus
              name="access-key-id"
            />
          </FormField>
          <FormField
            label="Secret access key"
            description="It signs one request in this page and is not sent."
            errorText={missing && secret === "" ? "Enter the secret that belongs to the access key." : undefined}
          >
            <Input
              type="password"
              value={secret}
              onChange={({ detail }) => setSecret(detail.value)}
              autoComplete="current-password"
              name="secret-access-key"
            />
          </FormField>
          <Checkbox
            checked={readOnly}
            onChange={({ detail }) => setReadOnly(detail.checked)}
            description="Nothing can be sent, changed or deleted in this session."
          >
            Read only
          </Checkbox>
        </SpaceBetween>
      </Form>
    </form>
  );
}

export function SignInPage({ facts }: { facts: SignInFacts }) {
  useEffect(() => {
    document.title = "Sign in - Millrace";
  }, []);
  return (
    <main className="sign-in">
      <Container
        header={
          <Header variant="h1" description={`Region ${facts.Region}`}>
            Sign in to Millrace
          </Header>
        }
      >
        <SignInForm facts={facts} />
      </Container>
    </main>
  );
}

/** Cannot be dismissed: nothing works without a session, and nothing on the page is lost. */
export function SignInAgain({ facts }: { facts: SignInFacts }) {
  return (
    <Modal visible header="The session has ended" closeAriaLabel="Close">
      <SpaceBetween size="m">
        <Box>Sign in again to go on. What you typed on the page is still there.</Box>
        <SignInForm facts={facts} />
      </SpaceBetween>
    </Modal>
  );
}
