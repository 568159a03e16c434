// Lets a long list be there at once: the rows that a window shows are drawn first, those below them after.

import { useDeferredValue } from "react";

const rowsFirst = 20;

/** The rows that are to be drawn now: the first of them when the list comes up, and then all. */
export function useFirstRows<Row>(rows: readonly Row[]): readonly Row[] {
  const all = useDeferredValue(rows.length > rowsFirst, false);
  return all ? rows : rows.slice(0, rowsFirst);
}
