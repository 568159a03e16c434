// The body of a message to read: indented when it is JSON, as the text it is, or byte by byte.
//
// Bodies are whatever senders put into them: they are only ever the text of a text node.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Pagination from "@cloudscape-design/components/pagination";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo, useState } from "react";
import * as colors from "../lib/colors";
import { formatNumber } from "../lib/format";
import { bytesPerRow, hexRows } from "../lib/hex";
import { indentJson } from "../lib/json-tree";
import "./message-body.css";

type View = "json" | "text" | "hex";

// More than this is drawn only when asked for: a megabyte of text takes a browser seconds to lay out.
const charactersAtFirst = 100_000;
const hexRowsPerPage = 128;

export function MessageBody({ body }: { body: string }) {
  const indented = useMemo(() => indentJson(body), [body]);
  const [chosen, setChosen] = useState<View>("json");
  const view = chosen === "json" && indented === undefined ? "text" : chosen;
  return (
    <SpaceBetween size="xs">
      <SegmentedControl
        label="Show the body as"
        selectedId={view}
        onChange={({ detail }) => setChosen(detail.selectedId as View)}
        options={[
          {
            id: "json",
            text: "JSON",
            disabled: indented === undefined,
            disabledReason: "The body is not JSON.",
          },
          { id: "text", text: "Text" },
          { id: "hex", text: "Bytes" },
        ]}
      />
      {view === "hex" ? (
        <HexView body={body} />
      ) : (
        <TextView key={view} text={view === "json" ? (indented ?? body) : body} />
      )}
    </SpaceBetween>
  );
}

function TextView({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  if (text === "") return <Box color="text-body-secondary">The body is empty.</Box>;
  const shown = whole ? text : text.slice(0, charactersAtFirst);
  return (
    <SpaceBetween size="xs">
      <Frame label="Body of the message" text={shown} />
      {shown.length < text.length && (
        <Button onClick={() => setWhole(true)}>Show all {formatNumber(text.length)} characters</Button>
      )}
    </SpaceBetween>
  );
}

function HexView({ body }: { body: string }) {
  const bytes = useMemo(() => new TextEncoder().encode(body), [body]);
  const [page, setPage] = useState(1);
  const pages = Math.max(1, Math.ceil(bytes.length / bytesPerRow / hexRowsPerPage));
  const rows = hexRows(bytes, (page - 1) * hexRowsPerPage, hexRowsPerPage);
  return (
    <SpaceBetween size="xs">
      {pages > 1 && (
        <Pagination
          currentPageIndex={page}
          pagesCount={pages}
          onChange={({ detail }) => setPage(detail.currentPageIndex)}
          ariaLabels={{
            nextPageLabel: "Next bytes",
            previousPageLabel: "Previous bytes",
            pageLabel: (number) => `Page ${number} of the bytes`,
          }}
        />
      )}
      <Frame
        label="Bytes of the message"
        text={rows.map((row) => `${row.offset}  ${row.bytes.padEnd(49)}  ${row.text}`).join("\n")}
        unbroken
      />
    </SpaceBetween>
  );
}

// It scrolls, so it must be reachable with the keyboard.
function Frame({ label, text, unbroken = false }: { label: string; text: string; unbroken?: boolean }) {
  return (
    <pre
      className={unbroken ? "message-body message-body-unbroken" : "message-body"}
      role="region"
      aria-label={label}
      tabIndex={0}
      style={{
        color: colors.text,
        backgroundColor: colors.ground,
        borderColor: colors.line,
        outlineColor: colors.focus,
      }}
    >
      {text}
    </pre>
  );
}
