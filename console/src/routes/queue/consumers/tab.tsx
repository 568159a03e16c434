// Who receives from a queue: the receives that wait for a message now, and who received of late.

import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { call } from "../../../api/client";
import { useInterval } from "../../../api/queries";
import type { ListConsumersReply, RecentConsumer, WaitingConsumer } from "../../../api/types";
import { Failure } from "../../../components/failure";
import { formatClock, formatNumber, formatTime } from "../../../lib/format";
import type { TabProps } from "../tabs";

export default function ConsumersTab({ queue }: TabProps) {
  const consumers = useQuery({
    queryKey: ["queue", queue.name, "consumers"],
    queryFn: ({ signal }) => call<ListConsumersReply>("Millrace", "ListConsumers", { QueueUrl: queue.url }, signal),
    refetchInterval: useInterval(2),
  });
  const last = consumers.data?.LastReceive;
  return (
    <SpaceBetween size="m">
      {consumers.isError && (
        <Failure what="The consumers cannot be shown" error={consumers.error} retry={() => void consumers.refetch()} />
      )}
      <Table
        header={
          <Header
            variant="h2"
            counter={`(${consumers.data?.Waiting.length ?? 0})`}
            description="Receives with a wait time that have found no message yet."
          >
            Waiting for a message
          </Header>
        }
        items={consumers.data?.Waiting ?? []}
        loading={consumers.isPending}
        loadingText="Reading consumers"
        columnDefinitions={waitingColumns}
        resizableColumns
        enableKeyboardNavigation
        ariaLabels={{ tableLabel: "Waiting for a message" }}
        empty={<Box textAlign="center">Nobody waits now.</Box>}
      />
      <Table
        header={
          <Header
            variant="h2"
            counter={`(${consumers.data?.RecentConsumers.length ?? 0})`}
            description={
              last === undefined
                ? "Nobody has received from this queue since the server was started."
                : `The last receive was at ${formatTime(last)}.`
            }
          >
            Received lately
          </Header>
        }
        items={consumers.data?.RecentConsumers ?? []}
        loading={consumers.isPending}
        loadingText="Reading consumers"
        columnDefinitions={recentColumns}
        resizableColumns
        enableKeyboardNavigation
        ariaLabels={{ tableLabel: "Received lately" }}
        empty={<Box textAlign="center">Nobody has received lately.</Box>}
      />
    </SpaceBetween>
  );
}

type Somebody = WaitingConsumer | RecentConsumer;

const who: TableProps.ColumnDefinition<Somebody>[] = [
  { id: "address", header: "Address", width: 150, isRowHeader: true, cell: ({ SourceAddress }) => SourceAddress },
  { id: "principal", header: "User", width: 250, cell: ({ PrincipalArn }) => PrincipalArn ?? "–" },
  { id: "agent", header: "Program", width: 260, cell: ({ UserAgent }) => <bdi>{UserAgent ?? "–"}</bdi> },
];

const waitingColumns: TableProps.ColumnDefinition<WaitingConsumer>[] = [
  ...who,
  { id: "since", header: "Since", width: 120, cell: ({ Since }) => formatClock(Since) },
  { id: "until", header: "At most until", width: 130, cell: ({ Until }) => formatClock(Until) },
];

const recentColumns: TableProps.ColumnDefinition<RecentConsumer>[] = [
  ...who,
  { id: "last", header: "Last receive", width: 205, cell: ({ LastReceive }) => formatTime(LastReceive) },
  { id: "receives", header: "Receives", width: 104, cell: ({ Receives }) => formatNumber(Receives) },
  { id: "messages", header: "Messages", width: 104, cell: ({ Messages }) => formatNumber(Messages) },
];
