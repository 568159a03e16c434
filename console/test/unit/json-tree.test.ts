// @vitest-environment node

import { expect, test } from "vitest";
import { indentJson, JsonError, parseJson } from "../../src/lib/json-tree";

test("indents what it read", () => {
  expect(indentJson('{"a":[1,{"b":null}],"c":{},"d":[]}')).toBe(
    '{\n  "a": [\n    1,\n    {\n      "b": null\n    }\n  ],\n  "c": {},\n  "d": []\n}',
  );
});

test("keeps numbers, escapes and repeated keys as they were sent", () => {
  expect(indentJson('{"id":12345678901234567890,"id":1.0e+2,"t":"\\u003cb\\u003e"}')).toBe(
    '{\n  "id": 12345678901234567890,\n  "id": 1.0e+2,\n  "t": "\\u003cb\\u003e"\n}',
  );
});

test.each(["", "{", "[1,]", '{"a" 1}', "{a:1}", '"a', '"\n"', "01", "1 2", "nul", '{"a":1,}', '"\\x"', "-", "1."])(
  "takes %j for no JSON, as JSON.parse does",
  (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow();
    expect(() => parseJson(text)).toThrow(JsonError);
    expect(indentJson(text)).toBeUndefined();
  },
);

test("says where the fault is", () => {
  const text = '{\n  "a": 1\n  "b": 2\n}';
  try {
    parseJson(text);
    expect.unreachable();
  } catch (error) {
    expect((error as JsonError).position).toBe(text.indexOf('"b"'));
  }
});

test("refuses a million brackets instead of overflowing the stack", () => {
  expect(() => parseJson("[".repeat(1_000_000))).toThrow(/nested/);
});

test("knows where values stand", () => {
  const text = ' {"key": "value"} ';
  const tree = parseJson(text);
  expect(text.slice(tree.from, tree.to)).toBe('{"key": "value"}');
  const value = tree.kind === "object" ? tree.members[0]?.value : undefined;
  expect(value && text.slice(value.from, value.to)).toBe('"value"');
});
