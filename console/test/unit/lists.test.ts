// @vitest-environment jsdom
// The small things that lists are drawn from.

import { describe, expect, it } from "vitest";
import { sparklinePath } from "../../src/components/sparkline";
import { tagsAreGood, toTagRecord, toTags } from "../../src/components/tag-editor";
import { formatBytes, formatDuration } from "../../src/lib/format";
import { toFilter } from "../../src/routes/queues/filter";
import { viewOf, viewParameters, viewText } from "../../src/routes/queues/view";

describe("the filter of queues", () => {
  it("becomes what the server is asked", () => {
    const filter = toFilter([
      { operator: ":", value: "ord" },
      { propertyKey: "type", operator: "=", value: "fifo" },
      { propertyKey: "isDeadLetterQueue", operator: "=", value: "no" },
      { propertyKey: "messages", operator: ">=", value: "10" },
      { propertyKey: "tagKey", operator: "=", value: "team" },
    ]);
    expect(filter).toEqual({
      NameContains: "ord",
      Type: "fifo",
      IsDeadLetterQueue: false,
      MinimumMessages: 10,
      TagKey: "team",
    });
  });

  it("leaves out what is no number and no type", () => {
    const filter = toFilter([
      { propertyKey: "age", operator: ">=", value: "old" },
      { propertyKey: "type", operator: "=", value: "lifo" },
    ]);
    expect(filter).toEqual({ MinimumAge: undefined });
  });
});

describe("the view of the list of queues", () => {
  it("comes back from the address", () => {
    const parameters = { name: "ord", type: "fifo", messages: "10", sort: "age", descending: "yes" };
    const view = viewOf(new URLSearchParams(parameters));
    expect(view).toEqual({
      tokens: [
        { propertyKey: "name", operator: ":", value: "ord" },
        { propertyKey: "type", operator: "=", value: "fifo" },
        { propertyKey: "messages", operator: ">=", value: "10" },
      ],
      sort: "age",
      descending: true,
    });
    expect(viewParameters(view)).toEqual(parameters);
  });

  it("takes a word for a part of the name, and the last condition of a kind", () => {
    const tokens = ["a", "b"].map((value) => ({ operator: ":" as const, value }));
    expect(viewText({ tokens, sort: "name", descending: false })).toBe("name=b");
  });

  it("passes over what an address cannot mean", () => {
    const view = viewOf(new URLSearchParams({ sort: "encryption", descending: "perhaps", colour: "red" }));
    expect(view).toEqual({ tokens: [], sort: "name", descending: false });
    expect(viewText(view)).toBe("");
  });
});

describe("figures", () => {
  it("are in the units of people", () => {
    expect(formatBytes(1536)).toBe("1.5 KiB");
    expect(formatBytes(5)).toBe("5 B");
    expect(formatDuration(0)).toBe("0 s");
    expect(formatDuration(93_784)).toBe("1 d 2 h");
    expect(formatDuration(3605)).toBe("1 h");
  });

  it("make a line that stays within its frame", () => {
    const path = sparklinePath([0, 5, 10]);
    expect(path).toBe("M0.0 19.0L30.0 10.0L60.0 1.0");
    expect(sparklinePath([0, 0])).toBe("M0.0 19.0L60.0 19.0");
  });
});

describe("tags", () => {
  it("have keys, once each, that are not reserved", () => {
    const record = { team: "shop", stage: "" };
    expect(toTagRecord(toTags(record))).toEqual(record);
    expect(tagsAreGood(toTags(record))).toBe(true);
    expect(tagsAreGood([{ key: "", value: "x" }])).toBe(false);
    expect(tagsAreGood([{ key: "AWS:x", value: "x" }])).toBe(false);
    expect(tagsAreGood([...toTags(record), { key: "team", value: "y" }])).toBe(false);
    expect(tagsAreGood([{ key: "k", value: "v".repeat(257) }])).toBe(false);
  });
});
