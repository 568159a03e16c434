// Goes to any queue or page by a part of its name, from anywhere: Ctrl+K, or the button in the top bar.

import Autosuggest, { type AutosuggestProps } from "@cloudscape-design/components/autosuggest";
import Modal from "@cloudscape-design/components/modal";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { describeError } from "./api/errors";
import { queuesQuery } from "./api/queries";
import { countOf, formatNumber } from "./lib/format";
import { address, navigate } from "./lib/router";
import { Store, useStore } from "./lib/store";
import { pages } from "./routes/table";

const queuesShown = 10;

const open = new Store(false);

export function openGlobalSearch(): void {
  open.set(true);
}

export function GlobalSearch() {
  const visible = useStore(open);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey)
        return;
      // Browsers use these keys for their own search field.
      event.preventDefault();
      openGlobalSearch();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  return visible && <SearchDialog />;
}

function SearchDialog() {
  const [text, setText] = useState("");
  const field = useRef<AutosuggestProps.Ref>(null);
  // A dialog puts the focus on its first button once it is drawn; here typing is what is meant.
  useEffect(() => {
    const drawn = requestAnimationFrame(() => field.current?.focus());
    return () => cancelAnimationFrame(drawn);
  }, []);
  const queues = useQuery(queuesQuery({ NameContains: text || undefined, SortBy: "name", MaxResults: queuesShown }));
  // Until the answer for what is typed now has come, of the one before only what fits.
  const found = (queues.data?.Queues ?? []).filter((queue) => queue.QueueName.includes(text));
  const goTo = (target: string) => {
    open.set(false);
    navigate(target);
  };
  const queueOptions: AutosuggestProps.Option[] = found.map((queue) => ({
    value: address("queue", queue.QueueName),
    label: queue.QueueName,
    description: `${countOf(queue.Messages, "message")} available`,
  }));
  const pageOptions: AutosuggestProps.Option[] = pages
    .filter((page) => page.navigation?.text.toLowerCase().includes(text.toLowerCase()))
    .map((page) => ({ value: `#/${page.pattern}`, label: page.navigation?.text }));
  const options = [
    { label: "Queues", options: queueOptions },
    { label: "Pages", options: pageOptions },
  ].filter((group) => group.options.length > 0);
  const more = (queues.data?.MatchingCount ?? 0) > queuesShown;

  return (
    <Modal visible header="Search" closeAriaLabel="Close the search" onDismiss={() => open.set(false)}>
      <Autosuggest
        ref={field}
        ariaLabel="A part of the name of a queue or page"
        placeholder="A part of the name of a queue or page"
        value={text}
        onChange={({ detail }) => setText(detail.value)}
        onSelect={({ detail }) => {
          // Without a choice, Enter takes the first that was found.
          const target = detail.selectedOption?.value ?? options[0]?.options[0]?.value;
          if (target !== undefined) goTo(target);
        }}
        options={options}
        filteringType="manual"
        enteredTextLabel={(entered) => `Go to the first with "${entered}"`}
        statusType={queues.isError ? "error" : queues.isPending ? "loading" : "finished"}
        loadingText="Looking for queues"
        errorText={queues.error ? describeError(queues.error) : undefined}
        finishedText={
          more
            ? `The first ${queuesShown} of ${formatNumber(queues.data?.MatchingCount ?? 0)} queues: type more of the name.`
            : undefined
        }
        empty="Nothing has this in its name."
        clearAriaLabel="Clear the text"
      />
    </Modal>
  );
}
