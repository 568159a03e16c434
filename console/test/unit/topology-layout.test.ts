// @vitest-environment node

import { expect, test } from "vitest";
import { layOut, type Layout } from "../../src/lib/topology-layout";

const sizes = { nodeWidth: 100, nodeHeight: 40, columnGap: 50, rowGap: 10, blockGap: 30 };

function place(layout: Layout, name: string) {
  const found = layout.places.get(name);
  if (!found) throw new Error(`${name} has no place`);
  return found;
}

test("puts a dead-letter queue to the right of its sources, in the middle of them", () => {
  const layout = layOut(
    ["orders", "orders-dead", "payments"],
    [
      { source: "orders", target: "orders-dead" },
      { source: "payments", target: "orders-dead" },
    ],
    sizes,
  );
  expect(place(layout, "orders")).toEqual({ x: 0, y: 0 });
  expect(place(layout, "payments")).toEqual({ x: 0, y: 50 });
  expect(place(layout, "orders-dead")).toEqual({ x: 150, y: 25 });
  expect(layout).toMatchObject({ width: 250, height: 90 });
});

test("puts a queue behind the longest way to it", () => {
  const layout = layOut(
    ["a", "b", "c"],
    [
      { source: "a", target: "c" },
      { source: "a", target: "b" },
      { source: "b", target: "c" },
    ],
    sizes,
  );
  expect(["a", "b", "c"].map((name) => place(layout, name).x)).toEqual([0, 150, 300]);
});

test("keeps queues that are not connected in blocks of their own", () => {
  const layout = layOut(["a", "b", "c"], [{ source: "a", target: "b" }], sizes);
  expect(place(layout, "c")).toEqual({ x: 0, y: 70 });
  expect(layout.height).toBe(110);
});

test("places queues that are each other's dead-letter queues, or their own", () => {
  const layout = layOut(
    ["a", "b", "c"],
    [
      { source: "a", target: "b" },
      { source: "b", target: "a" },
      { source: "c", target: "c" },
    ],
    sizes,
  );
  expect(new Set(["a", "b"].map((name) => place(layout, name).x))).toEqual(new Set([0, 150]));
  expect(place(layout, "c").x).toBe(0);
});

test("lets no two of many queues overlap, and does not depend on the order given", () => {
  const names = Array.from({ length: 500 }, (_, index) => `queue-${index}`);
  const arrows = names.slice(50).map((source, index) => ({ source, target: `queue-${index % 50}` }));
  const layout = layOut(names, arrows, sizes);
  const corners = [...layout.places.values()].map(({ x, y }) => `${x} ${y}`);
  expect(new Set(corners).size).toBe(500);
  expect(layOut([...names].reverse(), [...arrows].reverse(), sizes).places).toEqual(layout.places);
});

test("has no size without queues", () => {
  expect(layOut([], [], sizes)).toMatchObject({ width: 0, height: 0 });
});
