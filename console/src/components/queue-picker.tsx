// Chooses one queue of many: the server filters by what is typed, so that ten thousand are as quick as ten.

import Select from "@cloudscape-design/components/select";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../api/client";
import type { ListQueuesDetailedReply, QueueSummary } from "../api/types";

interface QueuePickerProps {
  value: QueueSummary | null;
  onChange: (queue: QueueSummary) => void;
  /** Only queues of this type. */
  type?: QueueSummary["Type"];
  /** A queue that cannot be chosen, by its URL. */
  except?: string;
}

const shownMax = 50;

export function QueuePicker({ value, onChange, type, except }: QueuePickerProps) {
  const [text, setText] = useState("");
  const queues = useQuery({
    queryKey: ["queues", "picker", type, text],
    queryFn: () =>
      call<ListQueuesDetailedReply>("Millrace", "ListQueuesDetailed", {
        ...(text !== "" && { NameContains: text }),
        ...(type && { Type: type }),
        MaxResults: shownMax,
      }),
    placeholderData: keepPreviousData,
  });
  const found = queues.data?.Queues.filter(({ QueueUrl }) => QueueUrl !== except) ?? [];
  const more = (queues.data?.MatchingCount ?? 0) > shownMax;
  return (
    <Select
      selectedOption={value && { value: value.QueueUrl, label: value.QueueName }}
      options={found.map((queue) => ({
        value: queue.QueueUrl,
        label: queue.QueueName,
        labelTag: `${queue.Messages.toLocaleString("en")} available`,
      }))}
      filteringType="manual"
      filteringPlaceholder="Part of its name"
      filteringAriaLabel="Part of the queue's name"
      onLoadItems={({ detail }) => setText(detail.filteringText)}
      onChange={({ detail }) => {
        const chosen = found.find(({ QueueUrl }) => QueueUrl === detail.selectedOption.value);
        if (chosen) onChange(chosen);
      }}
      placeholder="Choose a queue"
      empty={text === "" ? "There is no other queue of this type." : "No queue has this in its name."}
      statusType={queues.isError ? "error" : queues.isPending ? "loading" : "finished"}
      loadingText="Looking for queues"
      errorText="The queues could not be listed."
      recoveryText="Try again"
      finishedText={more ? "There are more: type a part of the name." : ""}
    />
  );
}
