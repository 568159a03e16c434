// The settings of a queue, to be read; the form that changes them is a page of its own.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs, { type KeyValuePairsProps } from "@cloudscape-design/components/key-value-pairs";
import { useQuery } from "@tanstack/react-query";
import { attributesQuery } from "../../api/queries";
import { useWriting } from "../../api/session";
import type { QueueAttributes } from "../../api/types";
import { Failure } from "../../components/failure";
import { Loading } from "../../components/loading";
import { formatBytes, formatDuration, formatTime } from "../../lib/format";
import { formatJson } from "../../lib/queue-settings";
import { address, navigate } from "../../lib/router";
import type { TabProps } from "./tabs";

function fifoItems(attributes: QueueAttributes): KeyValuePairsProps.Item[] {
  if (attributes.FifoQueue !== "true") return [];
  return [
    { label: "Content-based deduplication", value: attributes.ContentBasedDeduplication === "true" ? "On" : "Off" },
    {
      label: "Deduplication scope",
      value: attributes.DeduplicationScope === "messageGroup" ? "Message group" : "Queue",
    },
    {
      label: "Throughput limit",
      value: attributes.FifoThroughputLimit === "perMessageGroupId" ? "Per message group" : "Per queue",
    },
  ];
}

export default function ConfigurationTab({ queue }: TabProps) {
  const writing = useWriting();
  const query = useQuery(attributesQuery(queue));
  if (query.error && !query.data) {
    return <Failure what="The settings cannot be shown" error={query.error} retry={() => void query.refetch()} />;
  }
  if (!query.data) return <Loading what="Loading the settings" />;
  const attributes = query.data;
  const duration = (name: keyof QueueAttributes) => formatDuration(Number(attributes[name]));
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Button {...writing} onClick={() => navigate(address("edit-queue", queue.name))}>
              Edit
            </Button>
          }
        >
          Configuration
        </Header>
      }
    >
      <KeyValuePairs
        columns={3}
        items={[
          { label: "Visibility timeout", value: duration("VisibilityTimeout") },
          { label: "Message retention period", value: duration("MessageRetentionPeriod") },
          { label: "Delivery delay", value: duration("DelaySeconds") },
          { label: "Receive message wait time", value: duration("ReceiveMessageWaitTimeSeconds") },
          { label: "Maximum message size", value: formatBytes(Number(attributes.MaximumMessageSize)) },
          { label: "Last changed", value: formatTime(Number(attributes.LastModifiedTimestamp) * 1000) },
          ...fifoItems(attributes),
          {
            label: "Redrive allow policy",
            value: attributes.RedriveAllowPolicy ? (
              <Box variant="code">
                <span className="wrapped">{formatJson(attributes.RedriveAllowPolicy)}</span>
              </Box>
            ) : (
              "All queues of the account"
            ),
          },
        ]}
      />
    </Container>
  );
}
