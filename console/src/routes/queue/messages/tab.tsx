// The messages of a queue, looked at without receiving them: paged through, searched, deleted, moved, sent again.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { describeError } from "../../../api/errors";
import { refreshQueue } from "../../../api/queries";
import type { PeekedMessage, QueueSummary } from "../../../api/types";
import { Failure } from "../../../components/failure";
import { filterParameters, isSearch, searchCriteria } from "../../../lib/message-filter";
import { notify } from "../../../lib/notifications";
import type { TabProps } from "../tabs";
import { deleteMessages, moveMessages } from "./act-on-messages";
import { counted } from "./counted";
import { DeleteMessages } from "./delete-messages";
import { FilterForm } from "./filter-form";
import { MessageTable } from "./message-table";
import { type MessageAct, MessageViewer } from "./message-viewer";
import { MoveMessages } from "./move-messages";
import { ResendMessage } from "./resend-message";
import { useFilter } from "./use-filter";
import { usePeek } from "./use-peek";
import { type Search, useSearch } from "./use-search";

export default function MessagesTab({ queue, summary }: TabProps) {
  const [filter, setFilter] = useFilter();
  const searching = isSearch(filter);
  const peek = usePeek(queue, filter.states, !searching);
  const { search, start, stop, reset, forget, continueSearch } = useSearch();
  const [selected, setSelected] = useState<readonly PeekedMessage[]>([]);
  const [opened, setOpened] = useState<number | null>(null);
  const [act, setAct] = useState<{ kind: MessageAct; messages: readonly PeekedMessage[] } | null>(null);

  const startSearch = () => {
    setSelected([]);
    start({
      QueueUrl: queue.url,
      ...searchCriteria(filter, Date.now()),
      ...(filter.states.length > 0 && { States: [...filter.states] }),
      MaxBodyBytes: 4096,
    });
  };
  const question = JSON.stringify(filterParameters(filter));
  useEffect(() => {
    if (searching) startSearch();
    else reset();
  }, [queue.url, question]);

  const refresh = () => {
    setSelected([]);
    if (searching) startSearch();
    else void peek.query.refetch();
  };
  const finish = (text: string, gone: readonly string[]) => {
    notify({ type: "success", content: text });
    setAct(null);
    setOpened(null);
    setSelected([]);
    forget(new Set(gone));
    refreshQueue(queue.name);
  };

  const deletion = useMutation({
    mutationFn: (ids: string[]) => deleteMessages(queue.url, ids),
    onSuccess: ({ done, refusal }) => {
      if (refusal === undefined) finish(`${counted(done.length)} deleted.`, done);
      else forget(new Set(done));
    },
  });
  const move = useMutation({
    mutationFn: ({ ids, to }: { ids: string[]; to: QueueSummary }) => moveMessages(queue.url, to.QueueUrl, ids),
    onSuccess: ({ done, refusal }, { to }) => {
      if (refusal === undefined) finish(`${counted(done.length)} moved to ${to.QueueName}.`, done);
      else forget(new Set(done));
    },
  });
  const ask = (kind: MessageAct, messages: readonly PeekedMessage[]) => {
    deletion.reset();
    move.reset();
    setAct({ kind, messages });
  };
  const closeAct = () => {
    setAct(null);
    if (deletion.data?.refusal ?? move.data?.refusal) refresh();
  };

  const messages = searching ? search.messages : (peek.query.data?.Messages ?? []);
  const shown = opened === null ? undefined : messages[opened];
  const ids = act?.messages.map(({ PeekId }) => PeekId) ?? [];
  const only = act?.messages[0];

  return (
    <>
      <MessageTable
        messages={messages}
        selected={selected}
        onSelect={setSelected}
        onOpen={(message) => setOpened(messages.indexOf(message))}
        loading={searching ? search.status === "running" && messages.length === 0 : peek.query.isPending}
        header={
          <Header
            variant="h2"
            description="Reading here changes nothing: no receive count goes up, and no message is hidden from consumers."
            counter={selected.length > 0 ? `(${selected.length} chosen)` : ""}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Read the messages again" onClick={refresh} />
                <ButtonDropdown
                  disabled={selected.length === 0}
                  items={[
                    {
                      id: "resend",
                      text: "Edit and send again",
                      disabled: selected.length !== 1,
                      disabledReason: "Choose one message.",
                    },
                    { id: "move", text: "Move to another queue" },
                    { id: "delete", text: "Delete" },
                  ]}
                  onItemClick={({ detail }) => ask(detail.id as MessageAct, selected)}
                >
                  Actions
                </ButtonDropdown>
              </SpaceBetween>
            }
          >
            Messages
          </Header>
        }
        filter={
          <SpaceBetween size="xs">
            <FilterForm key={question} filter={filter} onApply={setFilter} />
            {searching && <Progress search={search} onStop={stop} onContinue={() => void continueSearch()} />}
            {!searching && peek.query.error && (
              <Failure what="The messages cannot be shown" error={peek.query.error} retry={refresh} />
            )}
          </SpaceBetween>
        }
        empty={
          <Box textAlign="center" padding="s">
            {searching ? "No message found yet is like this." : "The queue has no message in this state."}
          </Box>
        }
        pagination={
          !searching && (
            <Pagination
              currentPageIndex={peek.page}
              pagesCount={peek.page + (peek.more ? 1 : 0)}
              openEnd={peek.more}
              onChange={({ detail }) => {
                setSelected([]);
                if (detail.currentPageIndex > peek.page) peek.next();
                else peek.goTo(detail.currentPageIndex);
              }}
              ariaLabels={{
                nextPageLabel: "Next messages",
                previousPageLabel: "Previous messages",
                pageLabel: (number) => `Page ${number} of the messages`,
              }}
            />
          )
        }
      />
      {shown && act === null && (
        <MessageViewer
          queue={queue}
          message={shown}
          index={opened ?? 0}
          count={messages.length}
          onIndex={setOpened}
          onAct={(kind, message) => ask(kind, [message])}
          onClose={() => setOpened(null)}
        />
      )}
      {act?.kind === "delete" && (
        <DeleteMessages
          count={act.messages.length}
          deleting={deletion.isPending}
          error={deletion.isError ? describeError(deletion.error) : deletion.data?.refusal}
          onDelete={() => deletion.mutate(ids)}
          onClose={closeAct}
        />
      )}
      {act?.kind === "move" && (
        <MoveMessages
          queue={summary}
          count={act.messages.length}
          moving={move.isPending}
          error={move.isError ? describeError(move.error) : move.data?.refusal}
          onMove={(to) => move.mutate({ ids, to })}
          onClose={closeAct}
        />
      )}
      {act?.kind === "resend" && only && (
        <ResendMessage
          queue={queue}
          summary={summary}
          message={only}
          onSent={(to) => finish(`Sent to ${to.QueueName}.`, [])}
          onClose={closeAct}
        />
      )}
    </>
  );
}

function Progress({ search, onStop, onContinue }: { search: Search; onStop: () => void; onContinue: () => void }) {
  const found = `${counted(search.messages.length)} found`;
  const looked = `${search.scanned.toLocaleString("en")} of ${search.total.toLocaleString("en")} looked at`;
  if (search.status === "failed") {
    return (
      <Alert type="error" header="The search was interrupted" action={<Button onClick={onContinue}>Go on</Button>}>
        {describeError(search.error)}
      </Alert>
    );
  }
  if (search.status === "done") return <div role="status">{`${found}; all ${looked}.`}</div>;
  return (
    <SpaceBetween direction="horizontal" size="s" alignItems="center">
      <ProgressBar
        value={search.total === 0 ? 0 : (100 * search.scanned) / search.total}
        label={search.status === "paused" ? "Search paused" : "Searching"}
        additionalInfo={`${found}; ${looked}`}
      />
      {search.status === "running" ? (
        <Button onClick={onStop}>Stop</Button>
      ) : (
        <Button onClick={onContinue}>Continue</Button>
      )}
    </SpaceBetween>
  );
}
