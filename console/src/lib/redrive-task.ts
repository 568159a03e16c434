// A task that moves messages out of a dead-letter queue, as both lists of tasks tell of it.

import type { MessageMoveTask, TaskStatus, TopologyTask } from "../api/types";

export interface RedriveTask {
  /** Only of a task that can be cancelled. */
  handle?: string;
  status: TaskStatus;
  sourceArn: string;
  /** Absent: each message goes back to the queue that it came from. */
  destinationArn?: string;
  moved: number;
  toMove?: number;
  started: number;
  failure?: string;
}

export function fromMoveTask(task: MessageMoveTask): RedriveTask {
  return {
    handle: task.TaskHandle,
    status: task.Status,
    sourceArn: task.SourceArn,
    destinationArn: task.DestinationArn,
    moved: task.ApproximateNumberOfMessagesMoved,
    toMove: task.ApproximateNumberOfMessagesToMove,
    started: task.StartedTimestamp,
    failure: task.FailureReason,
  };
}

export function fromTopologyTask(task: TopologyTask): RedriveTask {
  return {
    handle: task.TaskHandle,
    status: task.Status,
    sourceArn: task.SourceArn,
    destinationArn: task.DestinationArn,
    moved: task.Moved,
    toMove: task.ToMove,
    started: task.Started,
    failure: task.FailureReason,
  };
}

export function isActive(task: RedriveTask): boolean {
  return task.status === "RUNNING" || task.status === "CANCELLING";
}
