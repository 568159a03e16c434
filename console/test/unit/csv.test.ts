// @vitest-environment node

import { expect, test } from "vitest";
import { csvText } from "../../src/lib/csv";

test("quotes what needs it", () => {
  expect(
    csvText([
      ["a", 'b "c"'],
      ["1,2", "x\ny"],
    ]),
  ).toBe('a,"b ""c"""\r\n"1,2","x\ny"\r\n');
});

test("writes numbers as they are and leaves unknown ones empty", () => {
  expect(csvText([[1.5, -2, null]])).toBe("1.5,-2,\r\n");
});

test("keeps a spreadsheet from running a text as a formula", () => {
  expect(csvText([['=HYPERLINK("x")'], ["-1+1"], ["@a"]])).toBe('"\'=HYPERLINK(""x"")"\r\n\'-1+1\r\n\'@a\r\n');
});
