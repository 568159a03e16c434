// A line of the last figures, small enough for a table. The latest figure stands beside it as text.

import { formatRate } from "../lib/format";

const width = 60;
const height = 20;

export function sparklinePath(values: number[]): string {
  const top = Math.max(...values, Number.MIN_VALUE);
  const step = width / Math.max(values.length - 1, 1);
  return values
    .map(
      (value, index) =>
        `${index === 0 ? "M" : "L"}${(index * step).toFixed(1)} ${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`,
    )
    .join("");
}

export function Sparkline({ values = [], label }: { values?: number[]; label: string }) {
  const latest = formatRate(values.at(-1) ?? 0);
  return (
    <span className="sparkline">
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${label}, last 15 minutes, now ${latest}`}
      >
        {values.length > 1 && <path d={sparklinePath(values)} fill="none" stroke="currentColor" strokeWidth="1.5" />}
      </svg>
      <span aria-hidden="true">{latest}</span>
    </span>
  );
}
