// Sends messages to a queue and receives from it as a consumer does.

import SpaceBetween from "@cloudscape-design/components/space-between";
import type { TabProps } from "../tabs";
import { ReceivePanel } from "./receive-panel";
import { SendForm } from "./send-form";

export default function SendReceiveTab({ queue, summary }: TabProps) {
  return (
    <SpaceBetween size="l">
      <SendForm queue={queue} fifo={summary.Type === "fifo"} />
      <ReceivePanel queue={queue} fifo={summary.Type === "fifo"} />
    </SpaceBetween>
  );
}
