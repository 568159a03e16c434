// One queue: its details above, its tabs below.

import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Tabs from "@cloudscape-design/components/tabs";
import { useQuery } from "@tanstack/react-query";
import { queueQuery, queueUrlQuery, useInterval } from "../../api/queries";
import type { QueueSummary } from "../../api/types";
import { Failure } from "../../components/failure";
import { Lazily } from "../../components/lazily";
import { Loading } from "../../components/loading";
import { address, navigate } from "../../lib/router";
import type { PageProps } from "../table";
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
        content: tab === active && <Lazily key={queue.name} load={tab.load} properties={{ queue, summary }} />,
      }))}
    />
  );
}

export default function QueuePage({ parameters: { name = "", tab } }: PageProps) {
  const url = useQuery(queueUrlQuery(name));
  const summary = useQuery({
    ...queueQuery({ name, url: url.data ?? "" }),
    enabled: url.data !== undefined,
    refetchInterval: useInterval(2),
  });
  const error = url.error ?? summary.error;
  if (error && !summary.data) {
    return <Failure what={`The queue ${name} cannot be shown`} error={error} retry={() => void url.refetch()} />;
  }
  if (!summary.data) return <Loading what="Loading the queue" />;
  return (
    <ContentLayout header={<Header variant="h1">{name}</Header>}>
      <QueueTabs summary={summary.data} open={tab} />
    </ContentLayout>
  );
}
