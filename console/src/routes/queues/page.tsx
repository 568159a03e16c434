// All queues of the account.

import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Table from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { queuesQuery, useInterval } from "../../api/queries";
import { Failure } from "../../components/failure";
import { address, follow } from "../../lib/router";

export default function QueuesPage() {
  const queues = useQuery({ ...queuesQuery({ MaxResults: 50 }), refetchInterval: useInterval(5) });
  if (queues.error) {
    return <Failure what="The queues could not be listed" error={queues.error} retry={() => void queues.refetch()} />;
  }
  return (
    <Table
      variant="full-page"
      header={<Header variant="awsui-h1-sticky">Queues</Header>}
      loading={queues.isPending}
      loadingText="Loading the queues"
      items={queues.data?.Queues ?? []}
      trackBy="QueueArn"
      columnDefinitions={[
        {
          id: "name",
          header: "Name",
          cell: (queue) => (
            <Link href={address("queue", queue.QueueName)} onFollow={follow}>
              {queue.QueueName}
            </Link>
          ),
        },
      ]}
    />
  );
}
