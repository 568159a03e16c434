// What lines a text lost and gained: the shortest such list, from their longest common subsequence.

export interface DifferenceLine {
  change: "same" | "added" | "removed";
  text: string;
}

/** The texts are policies, of some hundred lines at most: the table of all pairs is small. */
export function lineDifference(before: string, after: string): DifferenceLine[] {
  const old = before === "" ? [] : before.split("\n");
  const now = after === "" ? [] : after.split("\n");
  const width = now.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  const commonFrom = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; --i) {
    for (let j = now.length - 1; j >= 0; --j) {
      common[i * width + j] =
        old[i] === now[j] ? commonFrom(i + 1, j + 1) + 1 : Math.max(commonFrom(i + 1, j), commonFrom(i, j + 1));
    }
  }
  const lines: DifferenceLine[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    const gone = old[i];
    const come = now[j];
    if (gone !== undefined && gone === come) {
      lines.push({ change: "same", text: gone });
      ++i;
      ++j;
    } else if (gone !== undefined && (come === undefined || commonFrom(i + 1, j) >= commonFrom(i, j + 1))) {
      lines.push({ change: "removed", text: gone });
      ++i;
    } else if (come !== undefined) {
      lines.push({ change: "added", text: come });
      ++j;
    }
  }
  return lines;
}
