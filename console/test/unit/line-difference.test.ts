// @vitest-environment node

import { expect, test } from "vitest";
import { lineDifference } from "../../src/lib/line-difference";

function signs(before: string, after: string) {
  const sign = { same: " ", added: "+", removed: "-" };
  return lineDifference(before, after).map(({ change, text }) => sign[change] + text);
}

test("says which lines came and went", () => {
  expect(signs("a\nb\nc\nd", "a\nx\nc\nd\ne")).toEqual([" a", "-b", "+x", " c", " d", "+e"]);
});

test("has only additions behind nothing, and only removals before nothing", () => {
  expect(signs("", "a\nb")).toEqual(["+a", "+b"]);
  expect(signs("a\nb", "")).toEqual(["-a", "-b"]);
  expect(signs("", "")).toEqual([]);
});

test("makes the new text of its same and added lines", () => {
  const before = "a\nb\na\nc\na";
  const after = "b\na\na\nd\nc";
  const kept = lineDifference(before, after).filter(({ change }) => change !== "removed");
  expect(kept.map(({ text }) => text).join("\n")).toBe(after);
});
