// What a page of graphs shows: which graphs there are, what each value of them means, and the values as a file.

import type { Metrics } from "../api/types";
import { csvText } from "./csv";
import type { Reduction, Values } from "./downsample";

export interface ChartLine<Name extends string> {
  title: string;
  series: Name;
  /** The server's values are counts of a period, and are shown for each second of it. Others are of a moment. */
  perSecond?: boolean;
}

export interface Chart<Name extends string> {
  title: string;
  description: string;
  formatValue: (value: number) => string;
  lines: readonly ChartLine<Name>[];
}

/** The values of a line as they are drawn. */
export function valuesOf<Name extends string>(metrics: Metrics<Name>, { series, perSecond }: ChartLine<Name>): Values {
  const values = metrics.Series[series];
  return perSecond ? values.map((value) => value && value / metrics.Period) : values;
}

/** How values become fewer: counts are averaged, and of what holds at a moment the highest is what matters. */
export function reductionOf({ perSecond }: Pick<ChartLine<string>, "perSecond">): Reduction {
  return perSecond ? "average" : "highest";
}

/** All values as the server keeps them: a line for each time. */
export function metricsCsv<Name extends string>({ Start, Period, Series }: Metrics<Name>): string {
  const names = Object.keys(Series) as Name[];
  const length = Math.max(0, ...names.map((name) => Series[name].length));
  const lines = Array.from({ length }, (_, index) => [
    new Date(Start + index * Period * 1000).toISOString(),
    ...names.map((name) => Series[name][index] ?? null),
  ]);
  return csvText([["Time", ...names], ...lines]);
}
