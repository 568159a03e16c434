// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, test } from "vitest";
import { useFirstRows } from "../../src/lib/use-first-rows";

test("a list that comes up is drawn with its first rows, then with all", async () => {
  const drawn: number[] = [];
  function List({ rows }: { rows: number[] }) {
    drawn.push(useFirstRows(rows).length);
    return null;
  }
  const root = createRoot(document.createElement("div"));
  await act(async () => root.render(<List rows={[]} />));
  await act(async () => root.render(<List rows={Array.from({ length: 50 }, (_, index) => index)} />));
  expect([...new Set(drawn)]).toEqual([0, 20, 50]);
});
