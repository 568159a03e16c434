// The times over which graphs are shown: the server keeps a history of each at steps of its own.

import type { Period } from "../api/types";

export type RangeName = "quarterHour" | "day" | "month";

export interface MetricsRange {
  text: string;
  period: Period; // seconds
  step: string;
  refreshSeconds: number;
  formatTime: (time: Date) => string;
}

const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const hour = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const metricsRanges: Record<RangeName, MetricsRange> = {
  quarterHour: {
    text: "15 minutes",
    period: 1,
    step: "a second",
    refreshSeconds: 2,
    formatTime: (date) => time.format(date),
  },
  day: {
    text: "24 hours",
    period: 60,
    step: "a minute",
    refreshSeconds: 10,
    formatTime: (date) => minute.format(date),
  },
  month: {
    text: "30 days",
    period: 3600,
    step: "an hour",
    refreshSeconds: 60,
    formatTime: (date) => hour.format(date),
  },
};
