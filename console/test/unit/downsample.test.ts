// @vitest-environment node

import { expect, test } from "vitest";
import { bucketSize, downsample } from "../../src/lib/downsample";

test("a quarter hour of seconds, a day of minutes and a month of hours fit in a chart", () => {
  for (const length of [900, 1440, 720]) {
    const values = Array.from({ length }, (_, index) => index);
    expect(downsample(values, bucketSize(length, 360), "average").length).toBeLessThanOrEqual(360);
  }
  expect(bucketSize(300, 360)).toBe(1);
});

test("averages counts and keeps the peaks of gauges", () => {
  expect(downsample([1, 3, 10, 20, 7], 2, "average")).toEqual([2, 15, 7]);
  expect(downsample([1, 3, 10, 20, 7], 2, "highest")).toEqual([3, 20, 7]);
});

test("takes what is not known for neither zero nor a peak", () => {
  expect(downsample([null, 4, null, null], 2, "average")).toEqual([4, null]);
  expect(downsample([null, -4, null, null], 2, "highest")).toEqual([-4, null]);
});
