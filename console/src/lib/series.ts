// Series of figures as charts draw them.

import type { Period, Points } from "../api/types";

/** More points than this are no easier to read and cost a chart its liveliness. */
const pointsMax = 360;

/** The known points of a series with their times; of a long one, the highest of each few. */
export function toPoints(values: Points, start: number, period: Period): { x: Date; y: number }[] {
  const step = Math.max(1, Math.ceil(values.length / pointsMax));
  const points: { x: Date; y: number }[] = [];
  for (let index = 0; index < values.length; index += step) {
    const known = values.slice(index, index + step).filter((value) => value !== null);
    if (known.length > 0) points.push({ x: new Date(start + index * period * 1000), y: Math.max(...known) });
  }
  return points;
}
