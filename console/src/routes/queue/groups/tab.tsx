// The message groups of a queue: of a FIFO queue those that are locked and what waits at their head, of a
// standard queue the tenants that share it, and which of them are noisy.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Pagination from "@cloudscape-design/components/pagination";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { type QueueName, useInterval } from "../../../api/queries";
import type { MessageGroup } from "../../../api/types";
import { Failure } from "../../../components/failure";
import { formatClock, formatTime } from "../../../lib/format";
import { address, follow } from "../../../lib/router";
import { usePages } from "../../../lib/use-pages";
import type { TabProps } from "../tabs";
import { groupsQuery } from "./query";

export default function GroupsTab({ queue, summary }: TabProps) {
  const { page, token, goTo } = usePages(queue.url);
  const groups = useQuery({ ...groupsQuery(queue, token), refetchInterval: useInterval(2) });
  const fifo = summary.Type === "fifo";
  const nextToken = groups.data?.NextToken;

  return (
    <Table
      header={
        <Header
          variant="h2"
          description={
            fifo
              ? "While a message of a group is in flight, the group is locked: nothing else of it is handed out."
              : "Each group is a tenant. A noisy tenant has more than its share in flight, and others are served before it."
          }
          actions={
            <Button iconName="refresh" ariaLabel="Read the groups again" onClick={() => void groups.refetch()} />
          }
        >
          {fifo ? "Message groups" : "Tenants"}
        </Header>
      }
      filter={
        groups.error && (
          <Failure what="The groups cannot be shown" error={groups.error} retry={() => void groups.refetch()} />
        )
      }
      items={groups.data?.Groups ?? []}
      loading={groups.isPending}
      loadingText="Reading groups"
      trackBy="MessageGroupId"
      columnDefinitions={fifo ? [name(queue), lock, ...counts, ...head] : [name(queue), noise, ...counts, ...head]}
      resizableColumns
      enableKeyboardNavigation
      ariaLabels={{ tableLabel: fifo ? "Message groups" : "Tenants" }}
      empty={<Box textAlign="center">No message of this queue has a group.</Box>}
      footer={groups.data?.Truncated && <Box textAlign="center">There may be more; no more of them are listed.</Box>}
      pagination={
        <Pagination
          currentPageIndex={page}
          pagesCount={page + (nextToken === undefined ? 0 : 1)}
          openEnd={nextToken !== undefined}
          onChange={({ detail }) => goTo(detail.currentPageIndex, nextToken)}
          ariaLabels={{
            nextPageLabel: "Next groups",
            previousPageLabel: "Previous groups",
            pageLabel: (number) => `Page ${number} of the groups`,
          }}
        />
      }
    />
  );
}

type Column = TableProps.ColumnDefinition<MessageGroup>;

function name(queue: QueueName): Column {
  return {
    id: "group",
    header: "Group",
    width: 170,
    isRowHeader: true,
    cell: ({ MessageGroupId }) => (
      <Link href={address("queue", queue.name, "messages", { group: MessageGroupId })} onFollow={follow}>
        <bdi>{MessageGroupId}</bdi>
      </Link>
    ),
  };
}

const lock: Column = {
  id: "lock",
  header: "State",
  width: 212,
  cell: ({ Locked, LockedUntil }) =>
    Locked ? (
      <StatusIndicator type="in-progress">
        Locked{LockedUntil === undefined ? "" : ` until ${formatClock(LockedUntil)}`}
      </StatusIndicator>
    ) : (
      <StatusIndicator type="success">Free</StatusIndicator>
    ),
};

const noise: Column = {
  id: "noise",
  header: "State",
  width: 140,
  cell: ({ Noisy }) =>
    Noisy ? (
      <StatusIndicator type="warning">Noisy</StatusIndicator>
    ) : (
      <StatusIndicator type="success">Quiet</StatusIndicator>
    ),
};

const counts: Column[] = [
  { id: "messages", header: "Messages", width: 104, cell: ({ Messages }) => Messages ?? "–" },
  { id: "inFlight", header: "In flight", width: 92, cell: ({ InFlight }) => InFlight },
];

const head: Column[] = [
  {
    id: "sent",
    header: "Oldest message sent",
    width: 205,
    cell: ({ HeadSentTimestamp }) => (HeadSentTimestamp === undefined ? "–" : formatTime(HeadSentTimestamp)),
  },
  { id: "head", header: "Its message ID", width: 300, cell: ({ HeadMessageId }) => HeadMessageId ?? "–" },
];
