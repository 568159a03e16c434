// All queues of the account, filtered, ordered and paged by the server.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import CollectionPreferences from "@cloudscape-design/components/collection-preferences";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import PropertyFilter, { type PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queuesQuery, useInterval } from "../../api/queries";
import { useWriting } from "../../api/session";
import type { QueueSummary } from "../../api/types";
import { Failure } from "../../components/failure";
import { Live } from "../../components/live";
import { DeleteQueues, PurgeQueues } from "../../components/queue-actions";
import { formatNumber } from "../../lib/format";
import { address, navigate } from "../../lib/router";
import { changeSettings, useSettings } from "../../lib/settings";
import { AddTags } from "./add-tags";
import { columns } from "./columns";
import { filteringOptions, filteringProperties, toFilter } from "./filter";

type Dialog = "delete" | "purge" | "tag";

const tableName = "queues";
const usualColumns = columns.filter((column) => column.usual).map((column) => column.id);
const nothing: PropertyFilterProps.Query = { tokens: [], operation: "and" };

export default function QueuesPage() {
  const settings = useSettings();
  const writing = useWriting();
  const [query, setQuery] = useState(nothing);
  const [order, setOrder] = useState<{ column: string; descending: boolean }>({ column: "name", descending: false });
  /** The tokens of the pages up to the shown one; the first page has none. */
  const [tokens, setTokens] = useState<(string | undefined)[]>([undefined]);
  const [selected, setSelected] = useState<QueueSummary[]>([]);
  const [dialog, setDialog] = useState<Dialog>();

  const sorting = columns.find((column) => column.id === order.column);
  const queues = useQuery({
    ...queuesQuery({
      ...toFilter(query.tokens),
      SortBy: sorting?.sortBy,
      Descending: order.descending,
      MaxResults: settings.pageSize,
      NextToken: tokens.at(-1),
    }),
    refetchInterval: useInterval(5),
  });

  function showFirstPage() {
    setTokens([undefined]);
    setSelected([]);
  }

  if (queues.error && !queues.data) {
    return <Failure what="The queues cannot be listed" error={queues.error} retry={() => void queues.refetch()} />;
  }

  const list = queues.data;
  const next = list?.NextToken;
  const chosen = selected.map((queue) => ({ name: queue.QueueName, url: queue.QueueUrl }));
  const only = selected.length === 1 ? selected[0] : undefined;
  const filtered = query.tokens.length > 0;
  const createQueue = (
    <Button {...writing} variant="primary" onClick={() => navigate(address("create-queue"))}>
      Create queue
    </Button>
  );

  return (
    <>
      <Table
        variant="full-page"
        stickyHeader
        enableKeyboardNavigation
        resizableColumns
        columnDefinitions={columns}
        columnDisplay={(settings.columns[tableName] ?? usualColumns).map((id) => ({ id, visible: true }))}
        items={list?.Queues ?? []}
        trackBy="QueueArn"
        loading={queues.isPending}
        loadingText="Loading the queues"
        selectionType="multi"
        selectedItems={selected}
        onSelectionChange={({ detail }) => setSelected(detail.selectedItems)}
        sortingColumn={sorting}
        sortingDescending={order.descending}
        onSortingChange={({ detail }) => {
          const column = columns.find((one) => one.sortBy === detail.sortingColumn.sortingField);
          setOrder({ column: column?.id ?? "name", descending: detail.isDescending ?? false });
          showFirstPage();
        }}
        ariaLabels={{
          tableLabel: "Queues",
          selectionGroupLabel: "Choose queues",
          allItemsSelectionLabel: () => "Choose all queues of this page",
          itemSelectionLabel: (_selection, queue) => `Choose ${queue.QueueName}`,
          resizerRoleDescription: "Changes the width of the column",
        }}
        header={
          <Header
            variant="awsui-h1-sticky"
            counter={
              list &&
              (filtered
                ? `(${formatNumber(list.MatchingCount)} of ${formatNumber(list.TotalCount)})`
                : `(${formatNumber(list.TotalCount)})`)
            }
            actions={
              <SpaceBetween direction="horizontal" size="xs" alignItems="center">
                <Live query={queues} />
                <Button
                  {...writing}
                  disabled={writing.disabled || !only}
                  onClick={() => only && navigate(address("edit-queue", only.QueueName))}
                >
                  Edit
                </Button>
                <Button
                  {...writing}
                  disabled={writing.disabled || selected.length === 0}
                  onClick={() => setDialog("delete")}
                >
                  Delete
                </Button>
                <Button
                  disabled={!only}
                  onClick={() => only && navigate(address("queue", only.QueueName, "send-receive"))}
                >
                  Send and receive
                </Button>
                <ButtonDropdown
                  disabled={selected.length === 0}
                  items={[
                    { id: "purge", text: "Purge", ...writing },
                    { id: "tag", text: "Add tags", ...writing },
                    {
                      id: "redrive",
                      text: "Start DLQ redrive",
                      disabled: only === undefined || only.DeadLetterSourceCount === 0,
                    },
                  ]}
                  onItemClick={({ detail }) => {
                    if (detail.id !== "redrive") setDialog(detail.id as Dialog);
                    else if (only) navigate(address("queue", only.QueueName, "dead-letters"));
                  }}
                >
                  Actions
                </ButtonDropdown>
                {createQueue}
              </SpaceBetween>
            }
          >
            Queues
          </Header>
        }
        filter={
          <PropertyFilter
            query={query}
            onChange={({ detail }) => {
              // The server joins conditions with "and".
              setQuery({ ...detail, operation: "and" });
              showFirstPage();
            }}
            filteringProperties={filteringProperties}
            filteringOptions={filteringOptions}
            hideOperations
            filteringPlaceholder="Find queues by name, type, tag, age…"
            filteringAriaLabel="Find queues"
            countText={list ? `${formatNumber(list.MatchingCount)} found` : ""}
          />
        }
        pagination={
          <Pagination
            currentPageIndex={tokens.length}
            pagesCount={next === undefined ? tokens.length : tokens.length + 1}
            openEnd={next !== undefined}
            onChange={({ detail }) => {
              setSelected([]);
              if (detail.currentPageIndex <= tokens.length) setTokens(tokens.slice(0, detail.currentPageIndex));
              else if (next !== undefined) setTokens([...tokens, next]);
            }}
            ariaLabels={{
              nextPageLabel: "Next page",
              previousPageLabel: "Previous page",
              pageLabel: (page) => `Page ${page}`,
            }}
          />
        }
        preferences={
          <CollectionPreferences
            title="Preferences"
            confirmLabel="Keep"
            cancelLabel="Cancel"
            preferences={{
              pageSize: settings.pageSize,
              contentDisplay: columns.map(({ id }) => ({
                id,
                visible: (settings.columns[tableName] ?? usualColumns).includes(id),
              })),
            }}
            pageSizePreference={{
              title: "Queues on a page",
              options: [20, 50, 100].map((value) => ({ value, label: `${value} queues` })),
            }}
            contentDisplayPreference={{
              title: "Columns",
              options: columns.map(({ id, header }) => ({ id, label: header, alwaysVisible: id === "name" })),
            }}
            onConfirm={({ detail }) => {
              const shown = detail.contentDisplay?.filter((column) => column.visible).map((column) => column.id);
              changeSettings({
                pageSize: detail.pageSize ?? settings.pageSize,
                columns: { ...settings.columns, [tableName]: shown ?? usualColumns },
              });
              showFirstPage();
            }}
          />
        }
        empty={
          filtered ? (
            <Box textAlign="center">
              <SpaceBetween size="s">
                <Box>No queue fits the filter.</Box>
                <Button onClick={() => setQuery(nothing)}>Clear the filter</Button>
              </SpaceBetween>
            </Box>
          ) : (
            <Box textAlign="center">
              <SpaceBetween size="s">
                <Box>There are no queues yet.</Box>
                {createQueue}
              </SpaceBetween>
            </Box>
          )
        }
      />
      {dialog === "delete" && (
        <DeleteQueues queues={chosen} close={() => setDialog(undefined)} done={() => setSelected([])} />
      )}
      {dialog === "purge" && <PurgeQueues queues={chosen} close={() => setDialog(undefined)} />}
      {dialog === "tag" && <AddTags queues={chosen} close={() => setDialog(undefined)} />}
    </>
  );
}
