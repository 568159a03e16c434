// A page of messages, to choose from.

import Box from "@cloudscape-design/components/box";
import Link from "@cloudscape-design/components/link";
import Table from "@cloudscape-design/components/table";
import type { ReactNode } from "react";
import type { PeekedMessage } from "../../../api/types";
import { type ListColumn, useListColumns } from "../../../components/list-columns";
import { formatBytes, formatTime } from "../../../lib/format";
import { useFirstRows } from "../../../lib/use-first-rows";
import { MessageStateText } from "./message-state";

interface MessageTableProps {
  messages: readonly PeekedMessage[];
  selected: readonly PeekedMessage[];
  onSelect: (messages: readonly PeekedMessage[]) => void;
  onOpen: (message: PeekedMessage) => void;
  header: ReactNode;
  filter: ReactNode;
  empty: ReactNode;
  pagination?: ReactNode;
  footer?: ReactNode;
  loading: boolean;
}

const excerptMax = 200;

export function MessageTable({ messages, selected, onSelect, onOpen, ...rest }: MessageTableProps) {
  const grouped = messages.some((message) => message.MessageGroupId !== undefined);
  const rows = useFirstRows(messages);
  const table = useListColumns("messages", columns(onOpen, grouped));
  return (
    <Table
      {...rest}
      items={rows}
      trackBy="PeekId"
      selectionType="multi"
      selectedItems={[...selected]}
      onSelectionChange={({ detail }) => onSelect(detail.selectedItems)}
      {...table}
      variant="container"
      enableKeyboardNavigation
      loadingText="Reading messages"
      ariaLabels={{
        tableLabel: "Messages",
        selectionGroupLabel: "Choose messages",
        allItemsSelectionLabel: () => "Choose all messages on this page",
        itemSelectionLabel: (_, message) => `Choose message ${message.MessageId}`,
      }}
    />
  );
}

function columns(onOpen: (message: PeekedMessage) => void, grouped: boolean): ListColumn<PeekedMessage>[] {
  return [
    {
      id: "body",
      header: "Body",
      width: 300,
      minWidth: 160,
      isRowHeader: true,
      cell: (message) => (
        <Link
          href="#"
          onFollow={(event) => {
            event.preventDefault();
            onOpen(message);
          }}
          ariaLabel={`Open message: ${excerptOf(message)}`}
        >
          <bdi>{excerptOf(message)}</bdi>
        </Link>
      ),
    },
    {
      id: "state",
      header: "State",
      width: 220,
      cell: (message) => <MessageStateText state={message.State} visibleAt={message.VisibleAt} />,
    },
    { id: "sent", header: "Sent", width: 205, cell: ({ SentTimestamp }) => formatTime(SentTimestamp) },
    {
      id: "group",
      header: "Group",
      unusual: !grouped,
      width: 120,
      cell: ({ MessageGroupId }) => <bdi>{MessageGroupId ?? "–"}</bdi>,
    },
    { id: "receives", header: "Receives", width: 104, cell: ({ ReceiveCount }) => ReceiveCount },
    { id: "size", header: "Size", width: 90, cell: ({ BodySize }) => formatBytes(BodySize) },
    {
      id: "id",
      header: "Message ID",
      unusual: true,
      width: 320,
      cell: ({ MessageId }) => <Box variant="span">{MessageId}</Box>,
    },
  ];
}

function excerptOf({ Body, BodySize }: PeekedMessage): string {
  if (BodySize === 0) return "(empty)";
  const excerpt = Body.slice(0, excerptMax).replace(/\s+/g, " ").trim();
  return excerpt === "" ? "(blank)" : excerpt;
}
