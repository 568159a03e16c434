// Places queues and their arrows on a plane: every group of connected queues is a block of its own, in which
// arrows go from left to right. Blocks stand one below the other.

export interface Arrow {
  source: string;
  target: string;
}

export interface Point {
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  places: Map<string, Point>; // the upper left corner of each node
}

export interface Sizes {
  nodeWidth: number;
  nodeHeight: number;
  columnGap: number;
  rowGap: number;
  blockGap: number;
}

/** The places depend only on the names and arrows, so that live counts do not make the picture jump. */
export function layOut(names: readonly string[], arrows: readonly Arrow[], sizes: Sizes): Layout {
  const known = new Set(names);
  const drawn = arrows.filter(({ source, target }) => source !== target && known.has(source) && known.has(target));
  const places = new Map<string, Point>();
  let width = 0;
  let top = 0;
  for (const block of blocksOf([...names].sort(), drawn)) {
    const columns = orderedColumns(block, drawn);
    const rows = Math.max(...columns.map((column) => column.length));
    const rowHeight = sizes.nodeHeight + sizes.rowGap;
    columns.forEach((column, index) => {
      const first = top + ((rows - column.length) * rowHeight) / 2;
      column.forEach((name, row) => {
        places.set(name, { x: index * (sizes.nodeWidth + sizes.columnGap), y: first + row * rowHeight });
      });
    });
    width = Math.max(width, columns.length * (sizes.nodeWidth + sizes.columnGap) - sizes.columnGap);
    top += rows * rowHeight - sizes.rowGap + sizes.blockGap;
  }
  return { width, height: Math.max(0, top - sizes.blockGap), places };
}

// The groups of names that arrows connect, in any direction.
function blocksOf(names: readonly string[], arrows: readonly Arrow[]): string[][] {
  const neighbours = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const { source, target } of arrows) {
    neighbours.get(source)?.push(target);
    neighbours.get(target)?.push(source);
  }
  const seen = new Set<string>();
  const blocks: string[][] = [];
  for (const name of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    const block = [name];
    for (const member of block) {
      for (const neighbour of neighbours.get(member) ?? []) {
        if (seen.has(neighbour)) continue;
        seen.add(neighbour);
        block.push(neighbour);
      }
    }
    blocks.push(block.sort());
  }
  return blocks;
}

// Each name in the column behind those of all that point to it, and close to them in height.
function orderedColumns(block: readonly string[], arrows: readonly Arrow[]): string[][] {
  const columnOf = columnsByLongestPath(block, arrows);
  const columns: string[][] = [];
  for (const name of block) (columns[columnOf.get(name) ?? 0] ??= []).push(name);

  const rowOf = new Map<string, number>();
  const meanRowOfSources = (name: string) => {
    const rows = arrows.flatMap(({ source, target }) => (target === name ? (rowOf.get(source) ?? []) : []));
    return rows.length === 0 ? 0 : rows.reduce((sum, row) => sum + row, 0) / rows.length;
  };
  for (const column of columns) {
    const means = new Map(column.map((name) => [name, meanRowOfSources(name)]));
    column.sort((a, b) => (means.get(a) ?? 0) - (means.get(b) ?? 0) || (a < b ? -1 : 1));
    column.forEach((name, row) => rowOf.set(name, row));
  }
  return columns;
}

// Queues may be each other's dead-letter queue: the arrow that closes a circle is passed over.
function columnsByLongestPath(block: readonly string[], arrows: readonly Arrow[]): Map<string, number> {
  const sourcesOf = new Map<string, string[]>(block.map((name) => [name, []]));
  for (const { source, target } of arrows) sourcesOf.get(target)?.push(source);
  const columnOf = new Map<string, number>();
  const open = new Set<string>();
  const visit = (name: string): number => {
    const found = columnOf.get(name);
    if (found !== undefined) return found;
    open.add(name);
    const behind = (sourcesOf.get(name) ?? []).filter((source) => !open.has(source)).map(visit);
    open.delete(name);
    const column = behind.length === 0 ? 0 : Math.max(...behind) + 1;
    columnOf.set(name, column);
    return column;
  };
  block.forEach(visit);
  return columnOf;
}
