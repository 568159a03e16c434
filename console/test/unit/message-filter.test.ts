// @vitest-environment node

import { expect, test } from "vitest";
import { emptyFilter, filterOf, filterParameters, isSearch, searchCriteria } from "../../src/lib/message-filter";

const now = Date.UTC(2026, 0, 2);

test("asks for nothing that is not set", () => {
  expect(searchCriteria(emptyFilter, now)).toEqual({});
  expect(isSearch(emptyFilter)).toBe(false);
  expect(isSearch({ ...emptyFilter, states: ["delayed"] })).toBe(false);
});

test("asks for all that is set", () => {
  const filter = {
    ...emptyFilter,
    text: " paid ",
    messageId: " 1b2 ",
    group: "g",
    attributeName: "kind",
    attributeValue: "x",
    sentAfter: "2026-01-01T00:00:00+00:00",
    sentBefore: "2026-01-01T01:00:00+01:00",
  };
  expect(searchCriteria(filter, now)).toEqual({
    Text: " paid ",
    MessageId: "1b2",
    MessageGroupId: "g",
    AttributeName: "kind",
    AttributeValue: "x",
    SentAfter: Date.UTC(2026, 0, 1),
    SentBefore: Date.UTC(2026, 0, 1),
  });
  expect(isSearch(filter)).toBe(true);
});

test('counts "within" from now', () => {
  expect(searchCriteria({ ...emptyFilter, sentWithin: "60", sentAfter: "x" }, now)).toEqual({
    SentAfter: now - 60_000,
  });
});

test("leaves out the value of an attribute without a name, and dates that are none", () => {
  const filter = { ...emptyFilter, attributeValue: "x", sentAfter: "soon", sentWithin: "-1" };
  expect(searchCriteria(filter, now)).toEqual({});
});

test("comes back from the address as it was", () => {
  const filter = { ...emptyFilter, states: ["inFlight", "delayed"] as const, text: "a=b&c", sentWithin: "60" };
  const address = new URLSearchParams(filterParameters(filter)).toString();
  expect(filterOf(new URLSearchParams(address))).toEqual(filter);
  expect(filterParameters(emptyFilter)).toEqual({});
  expect(filterOf(new URLSearchParams("states=lost,delayed")).states).toEqual(["delayed"]);
});
