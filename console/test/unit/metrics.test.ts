import { expect, test } from "vitest";
import { metricsCsv, reductionOf, valuesOf } from "../../src/lib/metrics";

const metrics = { Period: 60 as const, Start: Date.UTC(2026, 0, 2), Series: { Sent: [120, null, 0], Waiting: [3, 4] } };

test("counts of a period become rates, what is not known stays so, and what holds at a moment is as it is", () => {
  expect(valuesOf(metrics, { title: "Sent", series: "Sent", perSecond: true })).toEqual([2, null, 0]);
  expect(valuesOf(metrics, { title: "Waiting", series: "Waiting" })).toEqual([3, 4]);
});

test("rates are averaged, and of what holds at a moment the highest is kept", () => {
  expect(reductionOf({ perSecond: true })).toBe("average");
  expect(reductionOf({})).toBe("highest");
});

test("the file has a line for each time, with the values as the server counts them", () => {
  expect(metricsCsv(metrics).trim().split(/\r?\n/)).toEqual([
    "Time,Sent,Waiting",
    "2026-01-02T00:00:00.000Z,120,3",
    "2026-01-02T00:01:00.000Z,,4",
    "2026-01-02T00:02:00.000Z,0,",
  ]);
});
