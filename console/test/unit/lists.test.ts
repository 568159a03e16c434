// @vitest-environment jsdom
// The small things that lists and charts are drawn from.

import { describe, expect, it } from "vitest";
import { sparklinePath } from "../../src/components/sparkline";
import { tagsAreGood, toTagRecord, toTags } from "../../src/components/tag-editor";
import { formatBytes, formatDuration } from "../../src/lib/format";
import { toPoints } from "../../src/lib/series";
import { toFilter } from "../../src/routes/queues/filter";

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
    expect(path).toBe("M0.0 19.0L36.0 10.0L72.0 1.0");
    expect(sparklinePath([0, 0])).toBe("M0.0 19.0L72.0 19.0");
  });
});

describe("series", () => {
  it("leave out what is unknown and keep their times", () => {
    expect(toPoints([null, 2, null, 4], 1000, 1)).toEqual([
      { x: new Date(2000), y: 2 },
      { x: new Date(4000), y: 4 },
    ]);
  });

  it("keep the peaks of what is too long to draw", () => {
    const values = Array.from({ length: 900 }, (_value, index) => (index === 451 ? 100 : 1));
    const points = toPoints(values, 0, 1);
    expect(points.length).toBe(300);
    expect(points.find((point) => point.y === 100)?.x).toEqual(new Date(450_000));
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
