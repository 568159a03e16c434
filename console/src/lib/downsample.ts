// Makes a long series of a queue's metrics short enough to draw: a chart of more than a few hundred points
// is slow, and no screen shows them.

export type Values = readonly (number | null)[];

/** How a bucket of values becomes one: counts are averaged, and of gauges the highest is what matters. */
export type Reduction = "average" | "highest";

/** How many values become one, so that at most `pointsMax` are left. */
export function bucketSize(length: number, pointsMax: number): number {
  return Math.max(1, Math.ceil(length / pointsMax));
}

/**
 * One value for each `size` values, in their order; the last bucket may be smaller. Values that are not known
 * (null) are left out, and a bucket of nothing else is null.
 */
export function downsample(values: Values, size: number, reduction: Reduction): (number | null)[] {
  const result: (number | null)[] = [];
  for (let start = 0; start < values.length; start += size) {
    const known = values.slice(start, start + size).filter((value) => value !== null);
    if (known.length === 0) result.push(null);
    else if (reduction === "highest") result.push(Math.max(...known));
    else result.push(known.reduce((sum, value) => sum + value, 0) / known.length);
  }
  return result;
}
