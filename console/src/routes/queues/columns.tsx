// The columns of the list of queues.

import type { TableProps } from "@cloudscape-design/components/table";
import type { ListQueuesDetailedInput, QueueSummary } from "../../api/types";
import { OldestAge } from "../../components/oldest-age";
import { QueueLink } from "../../components/queue-link";
import { Sparkline } from "../../components/sparkline";
import { queueNameOfArn } from "../../lib/arn";
import { formatNumber, formatTime } from "../../lib/format";

export interface QueueColumn extends TableProps.ColumnDefinition<QueueSummary> {
  id: string;
  header: string;
  /** What the server calls the order; a column without cannot be sorted by. */
  sortBy?: NonNullable<ListQueuesDetailedInput["SortBy"]>;
  /** Shown until somebody chooses other columns. */
  usual: boolean;
}

function figure(value: number) {
  return <span className="figures">{formatNumber(value)}</span>;
}

const plainColumns: Omit<QueueColumn, "sortingField">[] = [
  {
    id: "name",
    header: "Name",
    sortBy: "name",
    usual: true,
    width: 260,
    minWidth: 160,
    isRowHeader: true,
    cell: (queue) => <QueueLink name={queue.QueueName} />,
  },
  {
    id: "type",
    header: "Type",
    usual: true,
    width: 110,
    cell: (queue) => (queue.Type === "fifo" ? "FIFO" : "Standard"),
  },
  {
    id: "messages",
    header: "Available",
    sortBy: "messages",
    usual: true,
    width: 120,
    cell: (queue) => figure(queue.Messages),
  },
  {
    id: "inFlight",
    header: "In flight",
    sortBy: "inFlight",
    usual: true,
    width: 110,
    cell: (queue) => figure(queue.InFlight),
  },
  {
    id: "delayed",
    header: "Delayed",
    sortBy: "delayed",
    usual: true,
    width: 110,
    cell: (queue) => figure(queue.Delayed),
  },
  {
    id: "age",
    header: "Oldest",
    sortBy: "age",
    usual: true,
    width: 130,
    cell: (queue) => <OldestAge seconds={queue.OldestAge} />,
  },
  {
    id: "sent",
    header: "Sent",
    usual: true,
    width: 165,
    cell: (queue) => <Sparkline values={queue.SentRates} label="Sent" />,
  },
  {
    id: "received",
    header: "Received",
    usual: true,
    width: 165,
    cell: (queue) => <Sparkline values={queue.ReceivedRates} label="Received" />,
  },
  {
    id: "deadLetters",
    header: "Dead-letter queue",
    usual: true,
    width: 200,
    cell: (queue) =>
      queue.DeadLetterTargetArn === undefined ? "–" : <QueueLink name={queueNameOfArn(queue.DeadLetterTargetArn)} />,
  },
  {
    id: "encryption",
    header: "Encryption",
    usual: true,
    width: 120,
    cell: (queue) => (queue.Encryption === "none" ? "–" : queue.Encryption),
  },
  {
    id: "sources",
    header: "Dead letters of",
    usual: false,
    width: 140,
    cell: (queue) => (queue.DeadLetterSourceCount === 0 ? "–" : figure(queue.DeadLetterSourceCount)),
  },
  {
    id: "lastReceive",
    header: "Last receive",
    usual: false,
    width: 200,
    cell: (queue) => (queue.LastReceive === undefined ? "–" : formatTime(queue.LastReceive)),
  },
  {
    id: "created",
    header: "Created",
    sortBy: "created",
    usual: false,
    width: 200,
    cell: (queue) => formatTime(queue.Created),
  },
  { id: "modified", header: "Last changed", usual: false, width: 200, cell: (queue) => formatTime(queue.LastModified) },
];

export const columns: QueueColumn[] = plainColumns.map((column) => ({ ...column, sortingField: column.sortBy }));
