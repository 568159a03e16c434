// The form of a queue: what it refuses, what it sends, and how it is filled from a queue.

import { describe, expect, it } from "vitest";
import {
  findChanges,
  findProblems,
  initialSettings,
  nameProblem,
  policyProblem,
  type QueueSettings,
  toAttributes,
  toCreation,
  toDurationText,
  toSettings,
} from "../../src/lib/queue-settings";

const good: QueueSettings = { ...initialSettings, name: "orders" };

describe("names", () => {
  it.each([
    ["orders-2_b", "standard"],
    ["orders.fifo", "fifo"],
    ["a".repeat(80), "standard"],
  ] as const)("%s is good for a %s queue", (name, type) => {
    expect(nameProblem(name, type)).toBeUndefined();
  });

  it.each([
    ["", "standard"],
    ["orders", "fifo"],
    [".fifo", "fifo"],
    ["orders.fifo", "standard"],
    ["a.b", "standard"],
    ["ä", "standard"],
    ["a".repeat(81), "standard"],
  ] as const)("“%s” is refused for a %s queue", (name, type) => {
    expect(nameProblem(name, type)).toBeTypeOf("string");
  });
});

describe("ranges", () => {
  it("the initial settings are good but for the name", () => {
    expect(Object.keys(findProblems(initialSettings))).toEqual(["name"]);
    expect(findProblems(good)).toEqual({});
  });

  it.each([
    ["visibility", { value: "12", unit: "h" }, { value: "43201", unit: "s" }],
    ["visibility", { value: "0", unit: "s" }, { value: "-1", unit: "s" }],
    ["delay", { value: "15", unit: "min" }, { value: "901", unit: "s" }],
    ["retention", { value: "14", unit: "d" }, { value: "15", unit: "d" }],
    ["retention", { value: "1", unit: "min" }, { value: "59", unit: "s" }],
    ["receiveWait", "20", "21"],
    ["receiveWait", "0", ""],
    ["messageSize", "1", "0"],
    ["messageSize", "1024", "1025"],
    ["messageSize", "1.5", "1.0001"],
  ] as const)("%s takes %o and refuses %o", (field, inside, outside) => {
    expect(findProblems({ ...good, [field]: inside })).toEqual({});
    expect(Object.keys(findProblems({ ...good, [field]: outside }))).toEqual([field]);
  });

  it("what is not chosen is not checked", () => {
    expect(findProblems({ ...good, maxReceives: "0", kmsKey: "" })).toEqual({});
    expect(Object.keys(findProblems({ ...good, deadLetters: "existing", maxReceives: "0" })).sort()).toEqual([
      "deadLetterArn",
      "maxReceives",
    ]);
    expect(Object.keys(findProblems({ ...good, encryption: "SSE-KMS" }))).toEqual(["kmsKey"]);
  });

  it("a new dead-letter queue needs another name than its source", () => {
    const settings: QueueSettings = { ...good, deadLetters: "new", newDeadLetterName: "orders" };
    expect(Object.keys(findProblems(settings))).toEqual(["newDeadLetterName"]);
  });

  it("a limit per message group needs deduplication per message group", () => {
    const fifo: QueueSettings = { ...good, type: "fifo", name: "orders.fifo", throughputLimit: "perMessageGroupId" };
    expect(Object.keys(findProblems(fifo))).toEqual(["throughputLimit"]);
    expect(findProblems({ ...fifo, deduplicationScope: "messageGroup" })).toEqual({});
  });
});

describe("policies", () => {
  it("are JSON objects of at most 8,192 bytes", () => {
    expect(policyProblem("")).toBeUndefined();
    expect(policyProblem('{"Version":"2012-10-17"}')).toBeUndefined();
    expect(policyProblem("[]")).toBeTypeOf("string");
    expect(policyProblem("{")).toContain("not JSON");
    expect(policyProblem(JSON.stringify({ Id: "ä".repeat(4100) }))).toContain("8192");
  });
});

describe("attributes", () => {
  it("say what the form says", () => {
    expect(toAttributes({ ...good, deadLetters: "existing", deadLetterArn: "arn:d", maxReceives: "3" })).toEqual({
      VisibilityTimeout: "30",
      DelaySeconds: "0",
      MessageRetentionPeriod: "345600",
      ReceiveMessageWaitTimeSeconds: "0",
      MaximumMessageSize: "1048576",
      KmsMasterKeyId: "",
      SqsManagedSseEnabled: "true",
      RedrivePolicy: '{"deadLetterTargetArn":"arn:d","maxReceiveCount":3}',
      RedriveAllowPolicy: "",
      Policy: "",
    });
  });

  it("of a new queue leave out what is not set", () => {
    const fifo = toCreation({ ...good, type: "fifo", name: "orders.fifo" });
    expect(fifo.FifoQueue).toBe("true");
    expect(fifo).not.toHaveProperty("RedrivePolicy");
    expect(fifo).not.toHaveProperty("KmsMasterKeyId");
    expect(toCreation(good)).not.toHaveProperty("FifoQueue");
  });

  it("come back from a queue as they were sent", () => {
    const settings: QueueSettings = {
      ...good,
      type: "fifo",
      name: "orders.fifo",
      encryption: "SSE-KMS",
      kmsKey: "alias/shop",
      redriveAllow: "byQueue",
      redriveSources: "arn:aws:sqs:us-east-1:000000000000:a.fifo, arn:aws:sqs:us-east-1:000000000000:b.fifo",
      messageSize: "1.5",
      policy: '{"Version":"2012-10-17","Statement":[]}',
    };
    const attributes = toCreation(settings);
    expect(toCreation(toSettings("orders.fifo", attributes))).toEqual({
      ...attributes,
      Policy: JSON.stringify(JSON.parse(attributes.Policy ?? ""), undefined, 2),
    });
  });

  it("that nobody touched are not changed", () => {
    const before = toSettings("orders", { ...toCreation(good), VisibilityTimeout: "90" });
    expect(findChanges(before, before)).toEqual([]);
    expect(findChanges(before, { ...before, delay: { value: "1", unit: "min" } })).toEqual([
      { name: "DelaySeconds", before: "0", after: "60" },
    ]);
  });
});

describe("durations", () => {
  it("are shown in the largest unit that fits", () => {
    expect(toDurationText(345_600)).toEqual({ value: "4", unit: "d" });
    expect(toDurationText(5400)).toEqual({ value: "90", unit: "min" });
    expect(toDurationText(0)).toEqual({ value: "0", unit: "s" });
  });
});
