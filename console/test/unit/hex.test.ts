// @vitest-environment node

import { expect, test } from "vitest";
import { hexRows } from "../../src/lib/hex";

const bytes = new TextEncoder().encode("Grüße, \u0000 and a second row");

test("shows sixteen bytes a row, and dots for what cannot be printed", () => {
  expect(hexRows(bytes, 0, 10)).toEqual([
    { offset: "00000000", bytes: "47 72 c3 bc c3 9f 65 2c  20 00 20 61 6e 64 20 61", text: "Gr....e, . and a" },
    { offset: "00000010", bytes: "20 73 65 63 6f 6e 64 20  72 6f 77", text: " second row" },
  ]);
});

test("shows the rows asked for", () => {
  expect(hexRows(bytes, 1, 1).map((row) => row.offset)).toEqual(["00000010"]);
  expect(hexRows(bytes, 2, 1)).toEqual([]);
  expect(hexRows(new Uint8Array(), 0, 1)).toEqual([]);
});
