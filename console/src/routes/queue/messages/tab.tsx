// The messages of a queue, looked at without receiving them: paged through, searched, deleted, moved, and
// taken over into the form that sends.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { describeError } from "../../../api/errors";
import { queryClient, refreshQueue } from "../../../api/queries";
import { useWriting } from "../../../api/session";
import type { PeekedMessage } from "../../../api/types";
import { Failure } from "../../../components/failure";
import { useListPages } from "../../../components/list-pagination";
import { countOf, formatNumber } from "../../../lib/format";
import { setMessageDraft, toAttributeDrafts } from "../../../lib/message-draft";
import { filterOf, filterParameters, isSearch, searchCriteria } from "../../../lib/message-filter";
import { notify, notifyError } from "../../../lib/notifications";
import { address, navigate, useLocation } from "../../../lib/router";
import { usePages } from "../../../lib/use-pages";
import type { TabProps } from "../tabs";
import type { Outcome } from "./act-on-messages";
import { DeleteMessages, MoveMessages } from "./dialogs";
import { FilterForm } from "./filter-form";
import { MessageTable } from "./message-table";
import { type MessageAct, MessageViewer } from "./message-viewer";
import { excerptBytes, messageQuery, messagesPerPage, peekQuery } from "./queries";
import { type Search, useSearch } from "./use-search";

export default function MessagesTab({ queue, summary }: TabProps) {
  const writing = useWriting();
  const { query } = useLocation();
  const filter = filterOf(query);
  const question = JSON.stringify(filterParameters(filter));
  const searching = isSearch(filter);
  const { page, token, goTo } = usePages(`${queue.url} ${question}`);
  const peek = useQuery({ ...peekQuery(queue, filter.states, token), enabled: !searching });
  const { search, start, stop, reset, forget, continueSearch } = useSearch();
  const [selected, setSelected] = useState<readonly PeekedMessage[]>([]);
  const [opened, setOpened] = useState<PeekedMessage>();
  const [act, setAct] = useState<{ kind: "delete" | "move"; messages: readonly PeekedMessage[] }>();

  const startSearch = () =>
    start({
      QueueUrl: queue.url,
      ...searchCriteria(filter, Date.now()),
      States: filter.states.length === 0 ? undefined : [...filter.states],
      MaxBodyBytes: excerptBytes,
    });
  useEffect(() => {
    setSelected([]);
    if (searching) startSearch();
    else reset();
  }, [queue.url, question]);

  const refresh = () => {
    setSelected([]);
    if (searching) startSearch();
    else void peek.refetch();
  };

  const finish = ({ done, failed }: Outcome, text: string) => {
    if (done.length > 0) notify({ type: "success", content: `${countOf(done.length, "message")} ${text}.` });
    const [first] = failed;
    if (first) {
      notify({
        type: "error",
        header: `${countOf(failed.length, "message")} could not be ${text}`,
        content: `${first.Message} Refresh the list to see which messages are still there.`,
      });
    }
    setOpened(undefined);
    setSelected([]);
    forget(new Set(done));
    refreshQueue(queue.name);
  };

  const sendAgain = async (message: PeekedMessage) => {
    try {
      const whole = await queryClient.fetchQuery(messageQuery(queue, message.PeekId));
      setMessageDraft(queue.name, {
        body: whole.Body,
        attributes: toAttributeDrafts(whole.MessageAttributes),
        delay: "",
        groupId: whole.MessageGroupId ?? "",
        // The server drops what has the deduplication ID of the last five minutes, so the old one is not kept.
        deduplicationId: "",
      });
      navigate(address("queue", queue.name, "send-receive"));
    } catch (error) {
      notifyError("The message cannot be edited", error);
    }
  };

  const perform = (kind: MessageAct, chosen: readonly PeekedMessage[]) => {
    if (kind !== "resend") setAct({ kind, messages: chosen });
    else if (chosen[0]) void sendAgain(chosen[0]);
  };

  const messages = searching ? search.messages : (peek.data?.Messages ?? []);
  const nextToken = peek.data?.NextToken;
  const found = useListPages(question, "messages found", search.messages, messagesPerPage);
  // By its id and not by its place: the list may change while a message is open.
  const openedAt = messages.findIndex(({ PeekId }) => PeekId === opened?.PeekId);
  return (
    <>
      <MessageTable
        messages={searching ? found.shown : messages}
        selected={selected}
        onSelect={setSelected}
        onOpen={setOpened}
        loading={searching ? search.status === "running" && messages.length === 0 : peek.isPending}
        header={
          <Header
            variant="h2"
            description="Looking changes nothing: no receive count goes up, no message is hidden from consumers."
            counter={selected.length > 0 ? `(${selected.length} chosen)` : undefined}
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
                      disabledReason: "Choose a single message.",
                    },
                    { id: "move", text: "Move to another queue", ...writing },
                    { id: "delete", text: "Delete", ...writing },
                  ]}
                  onItemClick={({ detail }) => perform(detail.id as MessageAct, selected)}
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
            <FilterForm
              filter={filter}
              onApply={(changed) => navigate(address("queue", queue.name, "messages", filterParameters(changed)))}
            />
            {searching && <Progress search={search} onStop={stop} onContinue={() => void continueSearch()} />}
            {!searching && peek.error && (
              <Failure what="The messages cannot be shown" error={peek.error} retry={refresh} />
            )}
          </SpaceBetween>
        }
        empty={
          <Box textAlign="center" padding="s">
            {searching ? "No message that was looked at is like this." : "The queue has no message in this state."}
          </Box>
        }
        pagination={
          searching ? (
            found.pagination
          ) : (
            <Pagination
              currentPageIndex={page}
              pagesCount={page + (nextToken === undefined ? 0 : 1)}
              openEnd={nextToken !== undefined}
              onChange={({ detail }) => {
                setSelected([]);
                goTo(detail.currentPageIndex, nextToken);
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
      {opened && !act && (
        <MessageViewer
          queue={queue}
          message={opened}
          index={openedAt}
          count={messages.length}
          onIndex={(index) => setOpened(messages[index])}
          onAct={(kind, message) => perform(kind, [message])}
          onClose={() => setOpened(undefined)}
        />
      )}
      {act?.kind === "delete" && (
        <DeleteMessages summary={summary} messages={act.messages} onDone={finish} onClose={() => setAct(undefined)} />
      )}
      {act?.kind === "move" && (
        <MoveMessages summary={summary} messages={act.messages} onDone={finish} onClose={() => setAct(undefined)} />
      )}
    </>
  );
}

function Progress({ search, onStop, onContinue }: { search: Search; onStop: () => void; onContinue: () => void }) {
  const found = `${countOf(search.messages.length, "message")} found`;
  const looked = `${formatNumber(search.scanned)} of ${formatNumber(search.total)} looked at`;
  if (search.status === "failed") {
    return (
      <Alert type="error" header="The search was interrupted" action={<Button onClick={onContinue}>Go on</Button>}>
        {describeError(search.error)}
      </Alert>
    );
  }
  if (search.status === "done") return <div role="status">{`${found}; the whole queue was looked at.`}</div>;
  return (
    <SpaceBetween direction="horizontal" size="s" alignItems="center">
      <ProgressBar
        value={search.total === 0 ? 0 : Math.min(100, (100 * search.scanned) / search.total)}
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
