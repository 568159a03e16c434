// Numbers, times and sizes as the console writes them.

const number = new Intl.NumberFormat("en");
const day = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat("sv-SE", { timeStyle: "medium" });

export function formatNumber(value: number): string {
  return number.format(value);
}

/** "2026-01-31 14:05:09", in the time zone of the browser. */
export function formatTime(milliseconds: number): string {
  return day.format(milliseconds);
}

/** "14:05:09"; with the day where it is not today's. */
export function formatClock(milliseconds: number): string {
  const today = new Date(milliseconds).toDateString() === new Date().toDateString();
  return today ? clock.format(milliseconds) : formatTime(milliseconds);
}

/** "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${value.toLocaleString("en", { maximumFractionDigits: unit === 0 ? 0 : 1 })} ${units[unit]}`;
}

/** "5 s", "3 min 20 s", "2 h 5 min", "4 d 3 h". */
export function formatAge(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const steps: [number, string, number, string][] = [
    [86_400, "d", 3600, "h"],
    [3600, "h", 60, "min"],
    [60, "min", 1, "s"],
  ];
  const [large, largeName, small, smallName] = steps.find(([each]) => whole >= each) ?? [60, "min", 1, "s"];
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${largeName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`;
}
