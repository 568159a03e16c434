// What one wants to know of a queue at a glance.

import Container from "@cloudscape-design/components/container";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import type { QueueSummary } from "../../api/types";
import { Copyable } from "../../components/copyable";
import { OldestAge } from "../../components/oldest-age";
import { QueueLink } from "../../components/queue-link";
import { Sparkline } from "../../components/sparkline";
import { queueNameOfArn } from "../../lib/arn";
import { formatNumber, formatTime } from "../../lib/format";

export function QueueDetails({ summary }: { summary: QueueSummary }) {
  const figure = (value: number) => <span className="figures">{formatNumber(value)}</span>;
  return (
    <Container>
      <KeyValuePairs
        columns={4}
        items={[
          { label: "Messages available", value: figure(summary.Messages) },
          { label: "In flight", value: figure(summary.InFlight) },
          { label: "Delayed", value: figure(summary.Delayed) },
          { label: "Oldest message", value: <OldestAge seconds={summary.OldestAge} /> },
          { label: "URL", value: <Copyable text={summary.QueueUrl} what="the URL" /> },
          { label: "ARN", value: <Copyable text={summary.QueueArn} what="the ARN" /> },
          { label: "Sent", value: <Sparkline values={summary.SentRates} label="Sent" /> },
          { label: "Received", value: <Sparkline values={summary.ReceivedRates} label="Received" /> },
          { label: "Type", value: summary.Type === "fifo" ? "FIFO" : "Standard" },
          {
            label: "Dead-letter queue",
            value:
              summary.DeadLetterTargetArn === undefined ? (
                "–"
              ) : (
                <QueueLink name={queueNameOfArn(summary.DeadLetterTargetArn)} />
              ),
          },
          { label: "Created", value: formatTime(summary.Created) },
          { label: "Last receive", value: summary.LastReceive === undefined ? "–" : formatTime(summary.LastReceive) },
        ]}
      />
    </Container>
  );
}
