// What the picture and the list of the topology say about each queue.

import type { GetTopologyReply, TopologyQueue } from "../../api/types";
import type { TopologyArrow, TopologyNode } from "../../components/topology-graph";
import { formatDuration, formatNumber } from "../../lib/format";
import { address } from "../../lib/router";

export interface DescribedQueue extends TopologyNode {
  target?: { name: string; maxReceiveCount: number };
  moves: string[];
}

export function describeTopology({ Queues, Edges, Tasks }: GetTopologyReply): {
  queues: DescribedQueue[];
  arrows: TopologyArrow[];
} {
  const names = new Map(Queues.map(({ QueueArn, QueueName }) => [QueueArn, QueueName]));
  const deadLetterQueues = new Set(Edges.map(({ DeadLetterArn }) => DeadLetterArn));
  const nameOf = (arn: string) => names.get(arn) ?? arn.split(":").at(-1) ?? arn;

  const queues = Queues.map((queue) => {
    const edge = Edges.find(({ SourceArn }) => SourceArn === queue.QueueArn);
    const tasks = Tasks.filter(({ SourceArn, Status }) => SourceArn === queue.QueueArn && Status === "RUNNING");
    return {
      name: queue.QueueName,
      href: address("queue", queue.QueueName),
      ...(tasks.length > 0
        ? { status: "in-progress" as const, statusText: "Messages are being moved" }
        : stateOf(queue, deadLetterQueues.has(queue.QueueArn))),
      detail: detailOf(queue),
      ...(edge && { target: { name: nameOf(edge.DeadLetterArn), maxReceiveCount: edge.MaxReceiveCount } }),
      moves: tasks.map(
        ({ DestinationArn, Moved, ToMove }) =>
          `${formatNumber(Moved)} of ${formatNumber(Moved + ToMove)} to ` +
          (DestinationArn === undefined ? "where they came from" : nameOf(DestinationArn)),
      ),
    };
  });
  const arrows = Edges.map(({ SourceArn, DeadLetterArn, MaxReceiveCount }) => ({
    source: nameOf(SourceArn),
    target: nameOf(DeadLetterArn),
    maxReceiveCount: MaxReceiveCount,
  }));
  return { queues, arrows };
}

function stateOf({ Messages, InFlight, Delayed }: TopologyQueue, isDeadLetterQueue: boolean) {
  const count = Messages + InFlight + Delayed;
  if (count === 0) return { status: "success" as const, statusText: "Empty" };
  const text = formatNumber(count);
  if (isDeadLetterQueue)
    return { status: "warning" as const, statusText: count === 1 ? "1 dead letter" : `${text} dead letters` };
  return { status: "info" as const, statusText: count === 1 ? "1 message" : `${text} messages` };
}

function detailOf({ InFlight, Delayed, OldestAge }: TopologyQueue): string {
  const parts = [];
  if (InFlight > 0) parts.push(`${formatNumber(InFlight)} in flight`);
  if (Delayed > 0) parts.push(`${formatNumber(Delayed)} delayed`);
  if (OldestAge > 0) parts.push(`oldest ${formatDuration(OldestAge)}`);
  return parts.join(", ");
}
