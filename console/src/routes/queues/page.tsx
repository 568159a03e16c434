// All queues of the account, filtered, ordered and paged by the server.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import PropertyFilter from "@cloudscape-design/components/property-filter";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queuesQuery, useInterval } from "../../api/queries";
import { useWriting } from "../../api/session";
import { Failure } from "../../components/failure";
import { Lazily } from "../../components/lazily";
import { useListColumns } from "../../components/list-columns";
import { Live } from "../../components/live";
import { DeleteQueues, PurgeQueues } from "../../components/queue-actions";
import { formatNumber } from "../../lib/format";
import { address, navigate, useLocation } from "../../lib/router";
import { useSettings } from "../../lib/settings";
import { useFirstRows } from "../../lib/use-first-rows";
import { usePages } from "../../lib/use-pages";
import { columns } from "./columns";
import { filteringOptions, filteringProperties, toFilter } from "./filter";
import { SavedViews } from "./saved-views";
import { type View, viewOf, viewParameters, viewText } from "./view";

/** Its editor is large, and the list is what is loaded first. */
const loadAddTags = () => import("./add-tags");

type Dialog = "delete" | "purge" | "tag";

export default function QueuesPage() {
  const settings = useSettings();
  const writing = useWriting();
  const { query } = useLocation();
  const view = viewOf(query);
  const viewed = viewText(view);
  const { page, token, goTo } = usePages(`${viewed} ${settings.pageSize}`);
  /** ARNs. */
  const [chosenArns, setChosenArns] = useState<ReadonlySet<string>>(new Set());
  const [dialog, setDialog] = useState<Dialog>();

  const sorting = columns.find((column) => column.id === view.sort);
  const queues = useQuery({
    ...queuesQuery({
      ...toFilter(view.tokens),
      SortBy: sorting?.sortBy,
      Descending: view.descending,
      MaxResults: settings.pageSize,
      NextToken: token,
    }),
    refetchInterval: useInterval(5),
  });
  const table = useListColumns("queues", columns, { options: [20, 50, 100], what: "queues" });

  function show(changed: Partial<View>) {
    navigate(address("queues", viewParameters({ ...view, ...changed })));
  }

  const list = queues.data;
  const rows = useFirstRows(list?.Queues ?? []);
  const next = list?.NextToken;
  const selected = list?.Queues.filter((queue) => chosenArns.has(queue.QueueArn)) ?? [];
  const chosen = selected.map((queue) => ({ name: queue.QueueName, url: queue.QueueUrl }));
  const only = selected.length === 1 ? selected[0] : undefined;
  const filtered = view.tokens.length > 0;
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
        {...table}
        items={rows}
        trackBy="QueueArn"
        loading={queues.isPending}
        loadingText="Loading the queues"
        selectionType="multi"
        selectedItems={selected}
        onSelectionChange={({ detail }) => setChosenArns(new Set(detail.selectedItems.map((queue) => queue.QueueArn)))}
        sortingColumn={sorting}
        sortingDescending={view.descending}
        onSortingChange={({ detail }) => {
          const column = columns.find((one) => one.sortBy === detail.sortingColumn.sortingField);
          show({ sort: column?.id, descending: detail.isDescending ?? false });
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
          <SpaceBetween size="xs">
            <PropertyFilter
              // The server joins conditions with "and".
              query={{ tokens: view.tokens, operation: "and" }}
              onChange={({ detail }) => show({ tokens: detail.tokens })}
              filteringProperties={filteringProperties}
              filteringOptions={filteringOptions}
              hideOperations
              filteringPlaceholder="Find queues by name, type, tag, age…"
              filteringAriaLabel="Find queues"
              countText={list ? `${formatNumber(list.MatchingCount)} found` : ""}
              customControl={<SavedViews view={view} show={show} />}
            />
            {queues.error && (
              <Failure what="The queues cannot be listed" error={queues.error} retry={() => void queues.refetch()} />
            )}
          </SpaceBetween>
        }
        pagination={
          <Pagination
            currentPageIndex={page}
            pagesCount={next === undefined ? page : page + 1}
            openEnd={next !== undefined}
            onChange={({ detail }) => goTo(detail.currentPageIndex, next)}
            ariaLabels={{
              nextPageLabel: "Next page",
              previousPageLabel: "Previous page",
              pageLabel: (number) => `Page ${number}`,
            }}
          />
        }
        empty={
          queues.error ? (
            <Box textAlign="center">The list could not be read.</Box>
          ) : filtered ? (
            <Box textAlign="center">
              <SpaceBetween size="s">
                <Box>No queue fits the filter.</Box>
                <Button onClick={() => show({ tokens: [] })}>Clear the filter</Button>
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
        <DeleteQueues queues={chosen} close={() => setDialog(undefined)} done={() => setChosenArns(new Set())} />
      )}
      {dialog === "purge" && <PurgeQueues queues={chosen} close={() => setDialog(undefined)} />}
      {dialog === "tag" && (
        <Lazily load={loadAddTags} properties={{ queues: chosen, close: () => setDialog(undefined) }} />
      )}
    </>
  );
}
