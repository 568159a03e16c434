// @vitest-environment node

import { expect, test } from "vitest";
import { matchesWildcards } from "../../src/lib/wildcard";

test.each([
  ["*", "", true],
  ["", "", true],
  ["", "a", false],
  ["send*", "SendMessage", true],
  ["*message", "SendMessage", true],
  ["s?nd*ss*", "SendMessage", true],
  ["s?nd", "SendMessage", false],
  ["*x*", "SendMessage", false],
  ["a*b*c", "aXbYbZc", true],
  ["a.c", "abc", false],
])("%j and %j: %j", (pattern, text, matches) => {
  expect(matchesWildcards(pattern, text)).toBe(matches);
});

test("is done at once also with a pattern of many stars", () => {
  expect(matchesWildcards("*a".repeat(2000), "a".repeat(1000) + "b")).toBe(false);
});
