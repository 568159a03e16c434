// Chooses one queue of any number: the server finds those whose names contain what is typed.

import Select, { type SelectProps } from "@cloudscape-design/components/select";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { describeError } from "../api/errors";
import { queuesQuery } from "../api/queries";
import type { ListQueuesDetailedInput, QueueSummary } from "../api/types";
import { queueNameOfArn } from "../lib/arn";
import { formatNumber } from "../lib/format";

const shown = 25;

interface Properties {
  /** The ARN of the chosen queue, "" when none is. */
  arn: string;
  choose: (queue: QueueSummary) => void;
  /** What all offered queues have in common. */
  filter?: ListQueuesDetailedInput;
  /** The ARN of a queue that is not offered. */
  except?: string;
  disabled?: boolean;
  ariaLabel?: string;
}

export function QueuePicker({ arn, choose, filter, except, disabled, ariaLabel }: Properties) {
  const [text, setText] = useState("");
  const found = useQuery({
    ...queuesQuery({ ...filter, NameContains: text || undefined, SortBy: "name", MaxResults: shown }),
    enabled: !disabled,
  });
  const queues = (found.data?.Queues ?? []).filter((queue) => queue.QueueArn !== except);
  const options: SelectProps.Option[] = queues.map((queue) => ({
    value: queue.QueueArn,
    label: queue.QueueName,
    description: `${queue.Type === "fifo" ? "FIFO" : "Standard"}, ${formatNumber(queue.Messages)} available`,
  }));
  const more = (found.data?.MatchingCount ?? 0) > shown;
  return (
    <Select
      selectedOption={arn === "" ? null : { value: arn, label: queueNameOfArn(arn) }}
      options={options}
      onChange={({ detail }) => {
        const queue = queues.find((one) => one.QueueArn === detail.selectedOption.value);
        if (queue) choose(queue);
      }}
      filteringType="manual"
      onLoadItems={({ detail }) => setText(detail.filteringText)}
      filteringPlaceholder="A part of the name"
      filteringAriaLabel="Find a queue"
      placeholder="Choose a queue"
      statusType={found.isError ? "error" : found.isFetching && !found.data ? "loading" : "finished"}
      loadingText="Loading the queues"
      errorText={found.error ? describeError(found.error) : undefined}
      finishedText={
        more
          ? `The first ${shown} of ${formatNumber(found.data?.MatchingCount ?? 0)}: type more of the name.`
          : undefined
      }
      empty="No queue fits."
      disabled={disabled}
      ariaLabel={ariaLabel}
      virtualScroll
    />
  );
}
