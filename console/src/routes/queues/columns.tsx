// The columns of the list of queues.

import type { ListQueuesDetailedInput, QueueSummary } from "../../api/types";
import type { ListColumn } from "../../components/list-columns";
import { OldestAge } from "../../components/oldest-age";
import { QueueLink } from "../../components/queue-link";
import { Sparkline } from "../../components/sparkline";
import { queueNameOfArn } from "../../lib/arn";
import { formatNumber, formatTime } from "../../lib/format";

export interface QueueColumn extends ListColumn<QueueSummary> {
  /** What the server calls the order; a column without cannot be sorted by. */
  sortBy?: NonNullable<ListQueuesDetailedInput["SortBy"]>;
}

function figure(value: number) {
  return <span className="figures">{formatNumber(value)}</span>;
}

// Those that are shown at first fit a window of 1440 px.
const plainColumns: Omit<QueueColumn, "sortingField">[] = [
  {
    id: "name",
    header: "Name",
    sortBy: "name",
    width: 214,
    minWidth: 160,
    isRowHeader: true,
    cell: (queue) => <QueueLink name={queue.QueueName} />,
  },
  {
    id: "type",
    header: "Type",
    width: 92,
    cell: (queue) => (queue.Type === "fifo" ? "FIFO" : "Standard"),
  },
  {
    id: "messages",
    header: "Available",
    sortBy: "messages",
    width: 122,
    cell: (queue) => figure(queue.Messages),
  },
  {
    id: "inFlight",
    header: "In flight",
    sortBy: "inFlight",
    width: 108,
    cell: (queue) => figure(queue.InFlight),
  },
  {
    id: "delayed",
    header: "Delayed",
    sortBy: "delayed",
    unusual: true,
    width: 112,
    cell: (queue) => figure(queue.Delayed),
  },
  {
    id: "age",
    header: "Oldest",
    sortBy: "age",
    width: 110,
    cell: (queue) => <OldestAge seconds={queue.OldestAge} />,
  },
  {
    id: "sent",
    header: "Sent",
    width: 138,
    cell: (queue) => <Sparkline values={queue.SentRates} label="Sent" />,
  },
  {
    id: "received",
    header: "Received",
    width: 138,
    cell: (queue) => <Sparkline values={queue.ReceivedRates} label="Received" />,
  },
  {
    id: "deadLetters",
    header: "Dead-letter queue",
    width: 144,
    cell: (queue) =>
      queue.DeadLetterTargetArn === undefined ? "–" : <QueueLink name={queueNameOfArn(queue.DeadLetterTargetArn)} />,
  },
  {
    id: "encryption",
    header: "Encryption",
    unusual: true,
    width: 120,
    cell: (queue) => (queue.Encryption === "none" ? "–" : queue.Encryption),
  },
  {
    id: "sources",
    header: "Dead letters of",
    unusual: true,
    width: 140,
    cell: (queue) => (queue.DeadLetterSourceCount === 0 ? "–" : figure(queue.DeadLetterSourceCount)),
  },
  {
    id: "lastReceive",
    header: "Last receive",
    unusual: true,
    width: 200,
    cell: (queue) => (queue.LastReceive === undefined ? "–" : formatTime(queue.LastReceive)),
  },
  {
    id: "created",
    header: "Created",
    sortBy: "created",
    unusual: true,
    width: 200,
    cell: (queue) => formatTime(queue.Created),
  },
  {
    id: "modified",
    header: "Last changed",
    unusual: true,
    width: 200,
    cell: (queue) => formatTime(queue.LastModified),
  },
];

export const columns: QueueColumn[] = plainColumns.map((column) => ({ ...column, sortingField: column.sortBy }));
