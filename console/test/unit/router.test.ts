// Addresses within the console: written, read and matched.

import { describe, expect, it } from "vitest";
import { address, matchPattern, parseLocation } from "../../src/lib/router";

describe("addresses", () => {
  it("come back as they were written, whatever is in them", () => {
    const written = address("queue", "a/b ä%?#.fifo", "messages", { text: "x=1&y", empty: "" });
    const { segments, query } = parseLocation(written);
    expect(segments).toEqual(["queue", "a/b ä%?#.fifo", "messages"]);
    expect([...query]).toEqual([["text", "x=1&y"]]);
  });

  it("with a broken escape are shown as they are", () => {
    expect(parseLocation("#/queue/100%").segments).toEqual(["queue", "100%"]);
  });
});

describe("patterns", () => {
  it("name the parts of an address", () => {
    expect(matchPattern("queue/:name/:tab?", ["queue", "orders", "tags"])).toEqual({ name: "orders", tab: "tags" });
    expect(matchPattern("queue/:name/:tab?", ["queue", "orders"])).toEqual({ name: "orders" });
  });

  it("fit neither shorter, nor longer, nor other addresses", () => {
    expect(matchPattern("queue/:name/:tab?", ["queue"])).toBeUndefined();
    expect(matchPattern("queue/:name/:tab?", ["queue", "a", "b", "c"])).toBeUndefined();
    expect(matchPattern("queues", ["keys"])).toBeUndefined();
  });
});
