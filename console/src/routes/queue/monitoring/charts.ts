// Which graphs the Monitoring tab has, and what each value of them means.

import type { GetQueueMetricsReply, QueueSeriesName } from "../../../api/types";
import { csvText } from "../../../lib/csv";
import type { Reduction, Values } from "../../../lib/downsample";
import { formatDuration, formatBytes } from "../../../lib/format";

export interface Chart {
  title: string;
  description: string;
  perSecond: boolean; // the server's values are counts of a period, and are shown for each second of it
  reduction: Reduction;
  formatValue: (value: number) => string;
  lines: { title: string; series: QueueSeriesName }[];
}

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2, notation: "compact" });
const formatNumber = (value: number) => number.format(value);

export const charts: Chart[] = [
  {
    title: "Traffic",
    description: "Messages a second.",
    perSecond: true,
    reduction: "average",
    formatValue: formatNumber,
    lines: [
      { title: "Sent", series: "Sent" },
      { title: "Received", series: "Received" },
      { title: "Deleted", series: "Deleted" },
    ],
  },
  {
    title: "Messages in the queue",
    description: "By state, the most of each time.",
    perSecond: false,
    reduction: "highest",
    formatValue: formatNumber,
    lines: [
      { title: "Available", series: "Messages" },
      { title: "In flight", series: "InFlight" },
      { title: "Delayed", series: "Delayed" },
    ],
  },
  {
    title: "Age of the oldest message",
    description: "How long it has been in the queue.",
    perSecond: false,
    reduction: "highest",
    formatValue: formatDuration,
    lines: [{ title: "Oldest message", series: "OldestAge" }],
  },
  {
    title: "Receives without a message",
    description: "Empty answers a second, and receives that wait for a message.",
    perSecond: true,
    reduction: "average",
    formatValue: formatNumber,
    lines: [
      { title: "Empty receives", series: "EmptyReceives" },
      { title: "Waiting receives", series: "WaitingReceives" },
    ],
  },
  {
    title: "Dead letters",
    description: "Messages a second that went to the dead-letter queue.",
    perSecond: true,
    reduction: "average",
    formatValue: formatNumber,
    lines: [{ title: "Dead-lettered", series: "DeadLettered" }],
  },
  {
    title: "Bytes sent",
    description: "Bytes of messages a second.",
    perSecond: true,
    reduction: "average",
    formatValue: formatBytes,
    lines: [{ title: "Sent", series: "SentBytes" }],
  },
];

// A gauge says how many there are at a time, also in a graph of rates.
const gauges: ReadonlySet<QueueSeriesName> = new Set(["WaitingReceives"]);

/** The values of a line as they are drawn. */
export function valuesOf(metrics: GetQueueMetricsReply, chart: Chart, name: QueueSeriesName): Values {
  const values = metrics.Series[name];
  if (!chart.perSecond || gauges.has(name)) return values;
  return values.map((value) => value && value / metrics.Period);
}

/** All values as the server keeps them: a line for each time. */
export function metricsCsv({ Start, Period, Series }: GetQueueMetricsReply): string {
  const names = Object.keys(Series) as QueueSeriesName[];
  const length = Math.max(0, ...names.map((name) => Series[name].length));
  const lines = Array.from({ length }, (_, index) => [
    new Date(Start + index * Period * 1000).toISOString(),
    ...names.map((name) => Series[name][index] ?? null),
  ]);
  return csvText([["Time", ...names], ...lines]);
}
