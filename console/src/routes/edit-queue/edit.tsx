// Changes the settings of a queue, and shows what will change before it does.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { call } from "../../api/client";
import { attributesQuery, type QueueName, queueUrlQuery, refreshQueue } from "../../api/queries";
import { useWriting } from "../../api/session";
import type { QueueAttributes } from "../../api/types";
import { Confirm } from "../../components/confirm";
import { Failure } from "../../components/failure";
import { Loading } from "../../components/loading";
import { forgetDraft, setDraft, useDraft } from "../../lib/drafts";
import { notify } from "../../lib/notifications";
import { type Change, findChanges, findProblems, type QueueSettings, toSettings } from "../../lib/queue-settings";
import { address, navigate } from "../../lib/router";
import type { PageProps } from "../table";
import { createDeadLetterQueue } from "./dead-letter-queue";
import { QueueForm } from "./form";

function Changes({ changes }: { changes: Change[] }) {
  const text = (value: string) => <Box variant="code">{value === "" ? "(not set)" : value}</Box>;
  return (
    <Table
      variant="embedded"
      wrapLines
      items={changes}
      trackBy="name"
      ariaLabels={{ tableLabel: "What will change" }}
      columnDefinitions={[
        { id: "name", header: "Setting", cell: (change) => change.name, isRowHeader: true },
        { id: "before", header: "Now", cell: (change) => text(change.before) },
        { id: "after", header: "Then", cell: (change) => text(change.after) },
      ]}
    />
  );
}

interface Draft {
  before: QueueSettings;
  settings: QueueSettings;
}

function EditForm({ queue, attributes }: { queue: QueueName; attributes: QueueAttributes }) {
  const writing = useWriting();
  // The form begins with what was when it was opened; later changes by others are not written over, because
  // only what was changed here is sent.
  const [found] = useState(() => toSettings(queue.name, attributes));
  const draftName = `edit-queue ${queue.name}`;
  const draft = useDraft<Draft>(draftName);
  const [resumed] = useState(draft !== undefined);
  const { before, settings } = draft ?? { before: found, settings: found };
  const change = (changed: QueueSettings) => setDraft(draftName, { before, settings: changed });
  const [sent, setSent] = useState(false);
  const [asking, setAsking] = useState(false);
  const problems = findProblems(settings);
  const complete = Object.keys(problems).length === 0;
  const changes = complete ? findChanges(before, settings) : [];
  const back = () => {
    forgetDraft(draftName);
    navigate(address("queue", queue.name));
  };

  function submit(event: FormEvent) {
    event.preventDefault();
    setSent(true);
    if (changes.length > 0) setAsking(true);
    else if (complete) back();
  }

  async function save() {
    let final = settings;
    if (settings.deadLetters === "new") {
      final = { ...settings, deadLetters: "existing", deadLetterArn: await createDeadLetterQueue(settings) };
      change(final);
    }
    const Attributes = Object.fromEntries(findChanges(before, final).map(({ name, after }) => [name, after]));
    await call("AmazonSQS", "SetQueueAttributes", { QueueUrl: queue.url, Attributes });
    notify({ type: "success", content: `Changed the queue ${queue.name}.` });
    refreshQueue(queue.name);
    back();
  }

  return (
    <>
      <form onSubmit={submit}>
        <Form
          errorText={sent && !complete ? "Some fields need mending: see the red texts above." : undefined}
          errorIconAriaLabel="Error"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" formAction="none" onClick={back}>
                Cancel
              </Button>
              <Button {...writing} variant="primary" formAction="submit">
                Save
              </Button>
            </SpaceBetween>
          }
        >
          {resumed && draft && (
            <Alert type="info" action={<Button onClick={() => forgetDraft(draftName)}>Discard them</Button>}>
              Here are changes that you began earlier and have not saved.
            </Alert>
          )}
          <QueueForm
            settings={settings}
            change={(part) => change({ ...settings, ...part })}
            problems={problems}
            sent={sent}
            arn={attributes.QueueArn ?? ""}
          />
        </Form>
      </form>
      {asking && (
        <Confirm header={`Change the queue ${queue.name}`} verb="Save" act={save} close={() => setAsking(false)}>
          <Changes changes={changes} />
        </Confirm>
      )}
    </>
  );
}

export default function EditQueuePage({ parameters: { name = "" } }: PageProps) {
  const url = useQuery(queueUrlQuery(name));
  const queue = { name, url: url.data ?? "" };
  // Asked once, when the form opens: what is kept from before may be old, and an answer that comes later must
  // not take the form away.
  const attributes = useQuery({
    ...attributesQuery(queue),
    enabled: url.data !== undefined,
    refetchOnMount: "always",
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const error = url.error ?? attributes.error;
  if (error) {
    const retry = () => void (url.error ? url : attributes).refetch();
    return <Failure what={`The queue ${name} cannot be edited`} error={error} retry={retry} />;
  }
  if (!attributes.data || !attributes.isFetchedAfterMount) return <Loading what="Loading the queue" />;
  return (
    <ContentLayout header={<Header variant="h1">Edit {name}</Header>}>
      <EditForm queue={queue} attributes={attributes.data} />
    </ContentLayout>
  );
}
