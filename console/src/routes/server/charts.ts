// Which graphs the page of the server has.

import type { ServerSeriesName } from "../../api/types";
import { formatBytes, formatCompact, formatMilliseconds } from "../../lib/format";
import type { Chart } from "../../lib/metrics";

export const charts: readonly Chart<ServerSeriesName>[] = [
  {
    title: "Requests",
    description: "Answers a second, and those of them that were errors.",
    formatValue: formatCompact,
    lines: [
      { title: "Requests", series: "Requests", perSecond: true },
      { title: "Errors", series: "Errors", perSecond: true },
    ],
  },
  {
    title: "Time of a request",
    description: "Without receives, which may wait for a message.",
    formatValue: formatMilliseconds,
    lines: [
      { title: "Median", series: "RequestP50" },
      { title: "99 of 100", series: "RequestP99" },
    ],
  },
  {
    title: "Time of a commit",
    description: "Until the disk has it.",
    formatValue: formatMilliseconds,
    lines: [
      { title: "Median", series: "CommitP50" },
      { title: "99 of 100", series: "CommitP99" },
    ],
  },
  {
    title: "Connections",
    description: "Open ones, of clients and browsers.",
    formatValue: formatCompact,
    lines: [{ title: "Connections", series: "Connections" }],
  },
  {
    title: "Memory in use",
    description: "Of the whole process.",
    formatValue: formatBytes,
    lines: [{ title: "Resident", series: "ResidentBytes" }],
  },
  {
    title: "Stored on the disk",
    description: "In the data directory.",
    formatValue: formatBytes,
    lines: [{ title: "Stored", series: "StoreBytes" }],
  },
];
