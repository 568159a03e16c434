// The age of a queue's oldest message, marked when it is high.

import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { formatDuration } from "../lib/format";

/** Messages that wait this long, in seconds, are marked: somebody may have stopped receiving. */
const highAge = 3600;

export function OldestAge({ seconds }: { seconds: number }) {
  if (seconds === 0) return "–";
  const text = formatDuration(seconds);
  return seconds >= highAge ? <StatusIndicator type="warning">{text}</StatusIndicator> : text;
}
