// Creates a queue, and its dead-letter queue with it if that is wished.

import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type FormEvent, useState } from "react";
import { call } from "../../api/client";
import { describeError } from "../../api/errors";
import { refreshQueue } from "../../api/queries";
import { useWriting } from "../../api/session";
import { type Tag, TagEditor, tagsAreGood, toTagRecord } from "../../components/tag-editor";
import { forgetDraft, setDraft, useDraft } from "../../lib/drafts";
import { notify } from "../../lib/notifications";
import { findProblems, initialSettings, type QueueSettings, toCreation } from "../../lib/queue-settings";
import { address, navigate } from "../../lib/router";
import { createDeadLetterQueue } from "./dead-letter-queue";
import { QueueForm } from "./form";

interface Draft {
  settings: QueueSettings;
  tags: Tag[];
}

const draftName = "create-queue";
const emptyDraft: Draft = { settings: initialSettings, tags: [] };

export default function CreateQueuePage() {
  const writing = useWriting();
  const { settings, tags } = useDraft<Draft>(draftName) ?? emptyDraft;
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const problems = findProblems(settings);
  const complete = Object.keys(problems).length === 0 && tagsAreGood(tags);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setSent(true);
    setError(undefined);
    if (!complete) return;
    setBusy(true);
    try {
      let final = settings;
      if (settings.deadLetters === "new") {
        final = { ...settings, deadLetters: "existing", deadLetterArn: await createDeadLetterQueue(settings) };
        // Should the queue itself be refused, a second try uses the dead-letter queue that is there by now.
        setDraft(draftName, { settings: final, tags });
      }
      await call("AmazonSQS", "CreateQueue", {
        QueueName: final.name,
        Attributes: toCreation(final),
        ...(tags.length > 0 && { tags: toTagRecord(tags) }),
      });
      notify({ type: "success", content: `Created the queue ${final.name}.` });
      refreshQueue(final.name);
      forgetDraft(draftName);
      navigate(address("queue", final.name));
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }

  function cancel() {
    forgetDraft(draftName);
    navigate(address("queues"));
  }

  return (
    <ContentLayout header={<Header variant="h1">Create queue</Header>}>
      <form onSubmit={(event) => void submit(event)}>
        <Form
          errorText={
            error !== undefined
              ? describeError(error)
              : sent && !complete
                ? "Some fields need mending: see the red texts above."
                : undefined
          }
          errorIconAriaLabel="Error"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" formAction="none" onClick={cancel}>
                Cancel
              </Button>
              <Button {...writing} variant="primary" formAction="submit" loading={busy} loadingText="Creating">
                Create queue
              </Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            <QueueForm
              settings={settings}
              change={(part) => setDraft(draftName, { settings: { ...settings, ...part }, tags })}
              problems={problems}
              sent={sent}
            />
            <Container header={<Header variant="h2">Tags</Header>}>
              <TagEditor tags={tags} change={(changed) => setDraft(draftName, { settings, tags: changed })} />
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </ContentLayout>
  );
}
