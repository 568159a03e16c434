// A message that is being written: what is refused and what is sent.

import { describe, expect, it } from "vitest";
import {
  attributeNameProblem,
  attributeValueProblem,
  describeBody,
  emptyDraft,
  findDraftProblems,
  toAttributeDrafts,
  toSendInput,
} from "../../src/lib/message-draft";

const written = { ...emptyDraft, body: "hello" };

describe("a draft", () => {
  it("needs a body, and in a FIFO queue a group and what tells duplicates apart", () => {
    expect(findDraftProblems(written, false, false)).toEqual({});
    expect(Object.keys(findDraftProblems(emptyDraft, false, false))).toEqual(["body"]);
    expect(Object.keys(findDraftProblems(written, true, false))).toEqual(["groupId", "deduplicationId"]);
    expect(Object.keys(findDraftProblems(written, true, true))).toEqual(["groupId"]);
  });

  it.each(["-1", "901", "1.5", "x"])("refuses a delay of %s", (delay) => {
    expect(Object.keys(findDraftProblems({ ...written, delay }, false, false))).toEqual(["delay"]);
  });

  it("refuses tokens with spaces or of more than 128 characters", () => {
    expect(findDraftProblems({ ...written, groupId: "a-1!" }, false, false)).toEqual({});
    expect(Object.keys(findDraftProblems({ ...written, groupId: "a b" }, false, false))).toEqual(["groupId"]);
    expect(Object.keys(findDraftProblems({ ...written, groupId: "a".repeat(129) }, false, false))).toEqual(["groupId"]);
  });
});

describe("attributes", () => {
  it.each(["", "a b", ".a", "a.", "a..b", "AWS.x", "Amazon.x", "a".repeat(257)])("refuse the name “%s”", (name) => {
    const attribute = { name, type: "String", value: "x" };
    expect(attributeNameProblem(attribute, [attribute])).toBeTypeOf("string");
  });

  it("refuse a name that is there twice", () => {
    const attribute = { name: "a", type: "String", value: "x" };
    expect(attributeNameProblem(attribute, [attribute, { ...attribute }])).toBeTypeOf("string");
    expect(attributeNameProblem(attribute, [attribute])).toBeUndefined();
  });

  it("know numbers and base64", () => {
    for (const value of ["1", "-1.5", "+.5e-3", "7."]) {
      expect(attributeValueProblem({ name: "a", type: "Number.price", value })).toBeUndefined();
    }
    for (const value of ["12,5", "1e", "0x1"]) {
      expect(attributeValueProblem({ name: "a", type: "Number", value })).toBeTypeOf("string");
    }
    expect(attributeValueProblem({ name: "a", type: "Binary", value: "aGk=" })).toBeUndefined();
    expect(attributeValueProblem({ name: "a", type: "Binary", value: "aGk" })).toBeTypeOf("string");
  });

  it("are sent by their kind and come back as they were", () => {
    const attributes = [
      { name: "n", type: "Number", value: "1" },
      { name: "b", type: "Binary.png", value: "aGk=" },
    ];
    const input = toSendInput({ ...written, attributes, delay: "5", groupId: "tenant" }, false);
    expect(input).toEqual({
      MessageBody: "hello",
      MessageAttributes: {
        n: { DataType: "Number", StringValue: "1" },
        b: { DataType: "Binary.png", BinaryValue: "aGk=" },
      },
      DelaySeconds: 5,
      MessageGroupId: "tenant",
    });
    expect(toAttributeDrafts((input as { MessageAttributes: never }).MessageAttributes)).toEqual(attributes);
  });
});

describe("a body", () => {
  it("is told apart", () => {
    expect(describeBody("").kind).toBe("empty");
    expect(describeBody('{"a":1}').kind).toBe("json");
    expect(describeBody("hello").kind).toBe("text");
    expect(describeBody('{"a":').kind).toBe("broken");
  });
});
