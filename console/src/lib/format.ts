// Figures as a person reads them.

const numbers = new Intl.NumberFormat("en");
const rates = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export function formatNumber(value: number): string {
  return numbers.format(value);
}

const compact = new Intl.NumberFormat("en", { maximumFractionDigits: 2, notation: "compact" });

/** "12.5K": as short as it stands beside a graph. */
export function formatCompact(value: number): string {
  return compact.format(value);
}

export function formatMilliseconds(value: number): string {
  return `${formatNumber(value)} ms`;
}

/** "12.5/s". */
export function formatRate(value: number): string {
  return `${rates.format(value)}/s`;
}

/** "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${rates.format(value)} ${units[unit]}`;
}

/** "2 d 3 h", "4 min", "0 s": the two largest units. */
export function formatDuration(seconds: number): string {
  const units: [string, number][] = [
    ["d", 86400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

const times = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A moment in the zone of the browser, to the second. */
export function formatTime(milliseconds: number): string {
  return times.format(milliseconds);
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export function formatClock(milliseconds: number): string {
  return clock.format(milliseconds);
}

/** "1 message", "2 messages". */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}
