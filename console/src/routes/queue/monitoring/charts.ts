// Which graphs the Monitoring tab of a queue has.

import type { QueueSeriesName } from "../../../api/types";
import { formatBytes, formatCompact, formatDuration } from "../../../lib/format";
import type { Chart } from "../../../lib/metrics";

export const charts: readonly Chart<QueueSeriesName>[] = [
  {
    title: "Traffic",
    description: "Messages a second.",
    formatValue: formatCompact,
    lines: [
      { title: "Sent", series: "Sent", perSecond: true },
      { title: "Received", series: "Received", perSecond: true },
      { title: "Deleted", series: "Deleted", perSecond: true },
    ],
  },
  {
    title: "Messages in the queue",
    description: "By state, the most of each time.",
    formatValue: formatCompact,
    lines: [
      { title: "Available", series: "Messages" },
      { title: "In flight", series: "InFlight" },
      { title: "Delayed", series: "Delayed" },
    ],
  },
  {
    title: "Age of the oldest message",
    description: "How long it has been in the queue.",
    formatValue: formatDuration,
    lines: [{ title: "Oldest message", series: "OldestAge" }],
  },
  {
    title: "Receives without a message",
    description: "Empty answers a second, and receives that wait for a message.",
    formatValue: formatCompact,
    lines: [
      { title: "Empty receives", series: "EmptyReceives", perSecond: true },
      { title: "Waiting receives", series: "WaitingReceives" },
    ],
  },
  {
    title: "Dead letters",
    description: "Messages a second that went to the dead-letter queue.",
    formatValue: formatCompact,
    lines: [{ title: "Dead-lettered", series: "DeadLettered", perSecond: true }],
  },
  {
    title: "Bytes sent",
    description: "Bytes of messages a second.",
    formatValue: formatBytes,
    lines: [{ title: "Sent", series: "SentBytes", perSecond: true }],
  },
];
