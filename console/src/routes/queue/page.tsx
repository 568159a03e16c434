// One queue: its details above, its tabs below.

import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { isMissingQueue } from "../../api/errors";
import { queueQuery, queueUrlQuery, useInterval } from "../../api/queries";
import { useWriting } from "../../api/session";
import type { QueueSummary } from "../../api/types";
import { Failure } from "../../components/failure";
import { Lazily } from "../../components/lazily";
import { Live } from "../../components/live";
import { Loading } from "../../components/loading";
import { DeleteQueues, PurgeQueues } from "../../components/queue-actions";
import { address, navigate } from "../../lib/router";
import type { PageProps } from "../table";
import { QueueDetails } from "./details";
import { tabs } from "./tabs";

function QueueTabs({ summary, open }: { summary: QueueSummary; open: string | undefined }) {
  const queue = { name: summary.QueueName, url: summary.QueueUrl };
  const shown = tabs.filter((tab) => tab.shown?.(summary) ?? true);
  const active = shown.find((tab) => tab.id === open) ?? shown[0];
  return (
    <Tabs
      ariaLabel="About the queue"
      activeTabId={active?.id}
      onChange={({ detail }) => navigate(address("queue", queue.name, detail.activeTabId))}
      tabs={shown.map((tab) => ({
        id: tab.id,
        label: tab.label(summary),
        content: tab === active && <Lazily load={tab.load} properties={{ queue, summary }} />,
      }))}
      i18nStrings={{ scrollLeftAriaLabel: "Scroll left", scrollRightAriaLabel: "Scroll right" }}
    />
  );
}

export default function QueuePage({ parameters: { name = "", tab } }: PageProps) {
  const writing = useWriting();
  const [dialog, setDialog] = useState<"delete" | "purge">();
  const url = useQuery(queueUrlQuery(name));
  const summary = useQuery({
    ...queueQuery({ name, url: url.data ?? "" }),
    enabled: url.data !== undefined,
    refetchInterval: useInterval(2),
  });
  const error = url.error ?? summary.error;
  if (error && (isMissingQueue(error) || !summary.data)) {
    const retry = () => void (url.error ? url : summary).refetch();
    return <Failure what={`The queue ${name} cannot be shown`} error={error} retry={retry} />;
  }
  if (!summary.data) return <Loading what="Loading the queue" />;
  const queue = { name, url: summary.data.QueueUrl };
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          actions={
            <SpaceBetween direction="horizontal" size="xs" alignItems="center">
              <Live query={summary} />
              <Button {...writing} onClick={() => navigate(address("edit-queue", name))}>
                Edit
              </Button>
              <Button {...writing} onClick={() => setDialog("delete")}>
                Delete
              </Button>
              <Button {...writing} onClick={() => setDialog("purge")}>
                Purge
              </Button>
              <Button onClick={() => navigate(address("queue", name, "send-receive"))}>Send and receive</Button>
            </SpaceBetween>
          }
        >
          {name}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <QueueDetails summary={summary.data} />
        <QueueTabs summary={summary.data} open={tab} />
      </SpaceBetween>
      {dialog === "delete" && (
        <DeleteQueues queues={[queue]} close={() => setDialog(undefined)} done={() => navigate(address("queues"))} />
      )}
      {dialog === "purge" && <PurgeQueues queues={[queue]} close={() => setDialog(undefined)} />}
    </ContentLayout>
  );
}
