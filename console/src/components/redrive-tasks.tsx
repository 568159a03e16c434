// A list of redrive tasks with their progress, from where running ones can be cancelled.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { type ReactNode, useState } from "react";
import { call } from "../api/client";
import { queryClient, refreshQueue } from "../api/queries";
import { useWriting } from "../api/session";
import type { TaskStatus } from "../api/types";
import { queueNameOfArn } from "../lib/arn";
import { formatNumber, formatTime } from "../lib/format";
import { notify } from "../lib/notifications";
import { isActive, type RedriveTask } from "../lib/redrive-task";
import { Confirm } from "./confirm";
import { QueueLink } from "./queue-link";

const statuses: Record<TaskStatus, { type: StatusIndicatorProps.Type; text: string }> = {
  RUNNING: { type: "in-progress", text: "Running" },
  CANCELLING: { type: "pending", text: "Cancelling" },
  COMPLETED: { type: "success", text: "Completed" },
  CANCELLED: { type: "stopped", text: "Cancelled" },
  FAILED: { type: "error", text: "Failed" },
};

function Progress({ task }: { task: RedriveTask }) {
  const of = task.toMove === undefined ? "" : ` of ${formatNumber(task.toMove)}`;
  const text = `${formatNumber(task.moved)}${of} moved`;
  if (!isActive(task) || task.toMove === undefined) return <span className="figures">{text}</span>;
  return (
    <ProgressBar
      value={task.toMove === 0 ? 0 : Math.min(100, (task.moved / task.toMove) * 100)}
      additionalInfo={text}
      ariaLabel={`Redrive of ${queueNameOfArn(task.sourceArn)}`}
    />
  );
}

interface Properties {
  tasks: RedriveTask[];
  loading: boolean;
  start: () => void;
  live: ReactNode;
  title: string;
  variant: "full-page" | "container";
}

export function RedriveTasks({ tasks, loading, start, live, title, variant }: Properties) {
  const writing = useWriting();
  const [cancelled, setCancelled] = useState<RedriveTask>();

  async function cancel(task: RedriveTask) {
    await call("AmazonSQS", "CancelMessageMoveTask", { TaskHandle: task.handle });
    notify({ type: "success", content: "Cancelling the task. What was moved stays where it is now." });
    refreshQueue(queueNameOfArn(task.sourceArn));
    void queryClient.invalidateQueries({ queryKey: ["topology"] });
  }

  return (
    <>
      <Table
        variant={variant}
        enableKeyboardNavigation
        items={tasks}
        loading={loading}
        loadingText="Loading the tasks"
        ariaLabels={{ tableLabel: title }}
        header={
          <Header
            variant={variant === "full-page" ? "awsui-h1-sticky" : "h2"}
            counter={`(${tasks.length})`}
            actions={
              <SpaceBetween direction="horizontal" size="xs" alignItems="center">
                {live}
                <Button {...writing} variant={variant === "full-page" ? "primary" : "normal"} onClick={start}>
                  Start redrive
                </Button>
              </SpaceBetween>
            }
          >
            {title}
          </Header>
        }
        columnDefinitions={[
          {
            id: "status",
            header: "Status",
            cell: (task) => (
              <SpaceBetween size="xxs">
                <StatusIndicator type={statuses[task.status].type}>{statuses[task.status].text}</StatusIndicator>
                {task.failure && <Box fontSize="body-s">{task.failure}</Box>}
              </SpaceBetween>
            ),
          },
          {
            id: "source",
            header: "From",
            isRowHeader: true,
            cell: (task) => <QueueLink name={queueNameOfArn(task.sourceArn)} tab="dead-letters" />,
          },
          {
            id: "destination",
            header: "To",
            cell: (task) =>
              task.destinationArn === undefined ? (
                "Their source queues"
              ) : (
                <QueueLink name={queueNameOfArn(task.destinationArn)} />
              ),
          },
          { id: "progress", header: "Progress", cell: (task) => <Progress task={task} /> },
          { id: "started", header: "Started", cell: (task) => formatTime(task.started) },
          {
            id: "actions",
            header: "Actions",
            cell: (task) =>
              task.handle !== undefined && task.status === "RUNNING" ? (
                <Button
                  {...writing}
                  variant="inline-link"
                  ariaLabel={`Cancel the redrive of ${queueNameOfArn(task.sourceArn)}`}
                  onClick={() => setCancelled(task)}
                >
                  Cancel
                </Button>
              ) : (
                "–"
              ),
          },
        ]}
        empty={<Box textAlign="center">No tasks yet.</Box>}
      />
      {cancelled && (
        <Confirm
          header="Cancel the redrive"
          verb="Cancel the redrive"
          act={() => cancel(cancelled)}
          close={() => setCancelled(undefined)}
        >
          <Box>Messages that were moved already stay where they are now; the others stay in the dead-letter queue.</Box>
        </Confirm>
      )}
    </>
  );
}
