// In which state a message is, and until when.

import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { PeekedMessage } from "../../../api/types";
import { formatClock } from "../../../lib/format";

export function MessageStateText({
  state,
  visibleAt,
}: {
  state: PeekedMessage["State"];
  visibleAt?: number | undefined;
}) {
  const until = visibleAt === undefined ? "" : ` until ${formatClock(visibleAt)}`;
  if (state === "inFlight") return <StatusIndicator type="in-progress">In flight{until}</StatusIndicator>;
  if (state === "delayed") return <StatusIndicator type="pending">Delayed{until}</StatusIndicator>;
  return <StatusIndicator type="success">Available</StatusIndicator>;
}
