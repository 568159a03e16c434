// Queues and where their dead letters go, as a picture and as a list, with the tasks that move messages back.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { topologyQuery, useInterval } from "../../api/queries";
import { Failure } from "../../components/failure";
import { useListPages } from "../../components/list-pagination";
import { Loading } from "../../components/loading";
import { TopologyGraph } from "../../components/topology-graph";
import { address, follow } from "../../lib/router";
import { describeTopology, type DescribedQueue } from "./describe";

const rowsPerPage = 25;

export default function TopologyPage() {
  const topology = useQuery({ ...topologyQuery(), refetchInterval: useInterval(5) });
  const described = useMemo(() => topology.data && describeTopology(topology.data), [topology.data]);

  return (
    <SpaceBetween size="m">
      <Header variant="h1" description="Queues that have a dead-letter queue, are one, or have messages being moved.">
        Topology
      </Header>
      {topology.error && (
        <Failure what="The topology cannot be shown" error={topology.error} retry={() => void topology.refetch()} />
      )}
      {topology.data?.Truncated && (
        <Alert type="info">
          Only the first {topology.data.Queues.length} queues are shown. The list of queues shows all, with their
          dead-letter queues.
        </Alert>
      )}
      {topology.isPending && <Loading what="Loading the topology" />}
      {described?.queues.length === 0 && (
        <Container>
          <Box textAlign="center" padding="m">
            No queue has a dead-letter queue yet. Give a queue one where you edit it: messages that were received too
            often then go there.
          </Box>
        </Container>
      )}
      {described && described.queues.length > 0 && (
        <Container header={<Header variant="h2">Picture</Header>}>
          <TopologyGraph nodes={described.queues} arrows={described.arrows} />
        </Container>
      )}
      {described && described.queues.length > 0 && <QueueList queues={described.queues} />}
    </SpaceBetween>
  );
}

function QueueList({ queues }: { queues: readonly DescribedQueue[] }) {
  const { shown, pagination } = useListPages("topology", "queues", queues, rowsPerPage);
  return (
    <Table
      header={
        <Header variant="h2" counter={`(${queues.length})`}>
          List
        </Header>
      }
      items={shown}
      trackBy="name"
      ariaLabels={{ tableLabel: "Queues and their dead-letter queues" }}
      resizableColumns
      enableKeyboardNavigation
      pagination={pagination}
      columnDefinitions={[
        {
          id: "queue",
          header: "Queue",
          width: 230,
          isRowHeader: true,
          cell: (queue) => (
            <Link href={queue.href} onFollow={follow}>
              {queue.name}
            </Link>
          ),
        },
        {
          id: "state",
          header: "State",
          width: 170,
          cell: (queue) => <StatusIndicator type={queue.status}>{queue.statusText}</StatusIndicator>,
        },
        { id: "detail", header: "Details", width: 200, cell: (queue) => queue.detail || "–" },
        {
          id: "target",
          header: "Dead letters go to",
          width: 260,
          cell: ({ target }) =>
            target ? (
              <>
                <Link href={address("queue", target.name)} onFollow={follow}>
                  {target.name}
                </Link>{" "}
                after {target.maxReceiveCount} receives
              </>
            ) : (
              "–"
            ),
        },
        { id: "moves", header: "Being moved", width: 210, cell: ({ moves }) => moves.join("; ") || "–" },
      ]}
    />
  );
}
