// The redrive tasks of all queues.

import Alert from "@cloudscape-design/components/alert";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { topologyQuery, useInterval } from "../../api/queries";
import { Failure } from "../../components/failure";
import { Live } from "../../components/live";
import { RedriveTasks } from "../../components/redrive-tasks";
import { StartRedrive } from "../../components/start-redrive";
import { fromTopologyTask } from "../../lib/redrive-task";

export default function RedriveTasksPage() {
  const [starting, setStarting] = useState(false);
  const topology = useQuery({ ...topologyQuery(), refetchInterval: useInterval(2) });
  if (topology.error && !topology.data) {
    return <Failure what="The tasks cannot be listed" error={topology.error} retry={() => void topology.refetch()} />;
  }
  const tasks = (topology.data?.Tasks ?? []).map(fromTopologyTask).sort((one, other) => other.started - one.started);
  return (
    <SpaceBetween size="m">
      {topology.data?.Truncated && (
        <Alert type="info">
          There are more queues with dead letters than this page shows. The tab “Dead letters” of a queue has its own
          tasks.
        </Alert>
      )}
      <RedriveTasks
        variant="full-page"
        title="Redrive tasks"
        tasks={tasks}
        loading={topology.isPending}
        start={() => setStarting(true)}
        live={<Live query={topology} />}
      />
      {starting && <StartRedrive close={() => setStarting(false)} />}
    </SpaceBetween>
  );
}
