// Where this queue's dead letters go, which queues send theirs here, and the tasks that move them out.

import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { deadLetterSourcesQuery, moveTasksQuery, useInterval } from "../../api/queries";
import type { QueueSummary } from "../../api/types";
import { Failure } from "../../components/failure";
import { Live } from "../../components/live";
import { QueueLink } from "../../components/queue-link";
import { RedriveTasks } from "../../components/redrive-tasks";
import { StartRedrive } from "../../components/start-redrive";
import { queueNameOfArn, queueNameOfUrl } from "../../lib/arn";
import { formatNumber } from "../../lib/format";
import { fromMoveTask } from "../../lib/redrive-task";
import type { TabProps } from "./tabs";

function Target({ summary }: { summary: QueueSummary }) {
  return (
    <Container header={<Header variant="h2">Dead letters of this queue</Header>}>
      {summary.DeadLetterTargetArn === undefined ? (
        <Box>
          This queue has no dead-letter queue: a message that cannot be processed is handed out again until its
          retention period ends. Choose one with Edit.
        </Box>
      ) : (
        <KeyValuePairs
          columns={2}
          items={[
            {
              label: "Go to",
              value: <QueueLink name={queueNameOfArn(summary.DeadLetterTargetArn)} tab="dead-letters" />,
            },
            { label: "Maximum receives", value: formatNumber(summary.MaxReceiveCount ?? 0) },
          ]}
        />
      )}
    </Container>
  );
}

export default function DeadLettersTab({ queue, summary }: TabProps) {
  const [starting, setStarting] = useState(false);
  const sources = useQuery({ ...deadLetterSourcesQuery(queue), refetchInterval: useInterval(10) });
  const tasks = useQuery({
    ...moveTasksQuery({ name: queue.name, arn: summary.QueueArn }),
    refetchInterval: useInterval(2),
  });
  return (
    <SpaceBetween size="l">
      <Target summary={summary} />
      {sources.error ? (
        <Failure what="The source queues cannot be listed" error={sources.error} retry={() => void sources.refetch()} />
      ) : (
        <Table
          variant="container"
          enableKeyboardNavigation
          loading={sources.isPending}
          loadingText="Loading the source queues"
          items={sources.data ?? []}
          ariaLabels={{ tableLabel: "Source queues" }}
          header={
            <Header
              variant="h2"
              counter={sources.data && `(${formatNumber(sources.data.length)})`}
              description="Queues whose dead letters come here."
            >
              Source queues
            </Header>
          }
          columnDefinitions={[
            {
              id: "name",
              header: "Name",
              isRowHeader: true,
              cell: (url) => <QueueLink name={queueNameOfUrl(url)} />,
            },
          ]}
          empty={<Box textAlign="center">No queue sends its dead letters here.</Box>}
        />
      )}
      {tasks.error ? (
        <Failure what="The redrive tasks cannot be listed" error={tasks.error} retry={() => void tasks.refetch()} />
      ) : (
        <RedriveTasks
          variant="container"
          title="Redrive tasks"
          tasks={(tasks.data ?? []).map(fromMoveTask)}
          loading={tasks.isPending}
          start={() => setStarting(true)}
          live={<Live query={tasks} />}
        />
      )}
      {starting && <StartRedrive sourceArn={summary.QueueArn} close={() => setStarting(false)} />}
    </SpaceBetween>
  );
}
