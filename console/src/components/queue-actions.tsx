// The dialogs that delete and purge queues, of one or of many.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import { call } from "../api/client";
import { queryClient, type QueueName, refreshQueue } from "../api/queries";
import { countOf } from "../lib/format";
import { notify, notifyError } from "../lib/notifications";
import { Confirm } from "./confirm";

interface Properties {
  queues: QueueName[];
  close: () => void;
  /** Called when all were done. */
  done?: () => void;
}

interface Act {
  header: (what: string) => string;
  verb: string;
  typed: string;
  warning: string;
  action: string;
  result: (what: string) => string;
  failure: (name: string) => string;
}

const deletion: Act = {
  header: (what) => `Delete ${what}`,
  verb: "Delete",
  typed: "delete",
  warning:
    "All messages go with it, and programs that use it get errors. This cannot be undone; the name can be used again after a minute.",
  action: "DeleteQueue",
  result: (what) => `Deleted ${what}.`,
  failure: (name) => `The queue ${name} was not deleted`,
};

const purge: Act = {
  header: (what) => `Purge ${what}`,
  verb: "Purge",
  typed: "purge",
  warning: "Every message is deleted, those in flight and delayed too. This cannot be undone.",
  action: "PurgeQueue",
  result: (what) => `Purged ${what}. Messages may still be seen for up to a minute.`,
  failure: (name) => `The queue ${name} was not purged`,
};

function ActOnQueues({ act, queues, close, done }: Properties & { act: Act }) {
  const only = queues.length === 1 ? queues[0] : undefined;
  const what = only ? `the queue ${only.name}` : countOf(queues.length, "queue");

  async function run() {
    const failed: QueueName[] = [];
    for (const queue of queues) {
      try {
        await call("AmazonSQS", act.action, { QueueUrl: queue.url });
        if (act === deletion) queryClient.removeQueries({ queryKey: ["queue", queue.name] });
        refreshQueue(queue.name);
      } catch (error) {
        if (only) throw error;
        failed.push(queue);
        notifyError(act.failure(queue.name), error);
      }
    }
    const count = queues.length - failed.length;
    if (count > 0) notify({ type: "success", content: act.result(only ? what : countOf(count, "queue")) });
    if (failed.length === 0) done?.();
  }

  return (
    <Confirm header={act.header(what)} verb={act.verb} typed={only ? only.name : act.typed} act={run} close={close}>
      <Alert type="warning">{act.warning}</Alert>
      {!only && (
        <Box>
          <ul>
            {queues.map((queue) => (
              <li key={queue.name}>{queue.name}</li>
            ))}
          </ul>
        </Box>
      )}
    </Confirm>
  );
}

export function DeleteQueues(properties: Properties) {
  return <ActOnQueues act={deletion} {...properties} />;
}

export function PurgeQueues(properties: Properties) {
  return <ActOnQueues act={purge} {...properties} />;
}
