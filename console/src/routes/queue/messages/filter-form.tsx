// Which messages to show: by state, or found by what is in them.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import DateRangePicker, { type DateRangePickerProps } from "@cloudscape-design/components/date-range-picker";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import type { MessageState } from "../../../api/types";
import { emptyFilter, isSearch, type MessageFilter } from "../../../lib/message-filter";

interface FilterFormProps {
  filter: MessageFilter;
  onApply: (filter: MessageFilter) => void;
}

const secondsPerUnit: Record<string, number> = { second: 1, minute: 60, hour: 3600, day: 86400, week: 604800 };

/** It keeps what is typed to itself until "Search" is pressed, or until another filter is given. */
export function FilterForm({ filter, onApply }: FilterFormProps) {
  const [draft, setDraft] = useState(filter);
  const [given, setGiven] = useState(filter);
  // Followed here and not by a new form for each filter: the focus would be lost with the old one.
  if (JSON.stringify(given) !== JSON.stringify(filter)) {
    setGiven(filter);
    setDraft(filter);
  }
  const set = (change: Partial<MessageFilter>) => setDraft({ ...draft, ...change });
  const details = { ...draft, text: "", states: [] };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onApply(draft);
      }}
    >
      <SpaceBetween size="xs">
        <SpaceBetween size="xs" direction="horizontal">
          <SegmentedControl
            label="States of messages"
            selectedId={draft.states[0] ?? "all"}
            onChange={({ detail }) => {
              const states = detail.selectedId === "all" ? [] : [detail.selectedId as MessageState];
              set({ states });
              onApply({ ...draft, states });
            }}
            options={[
              { id: "all", text: "All" },
              { id: "available", text: "Available" },
              { id: "inFlight", text: "In flight" },
              { id: "delayed", text: "Delayed" },
            ]}
          />
          <Input
            type="search"
            value={draft.text}
            onChange={({ detail }) => set({ text: detail.value })}
            placeholder="Text in the body"
            ariaLabel="Text in the body"
            clearAriaLabel="Clear the text"
          />
          <Button formAction="submit" iconName="search">
            Search
          </Button>
          {isSearch(draft) && (
            <Button formAction="none" onClick={() => onApply({ ...emptyFilter, states: draft.states })}>
              Clear
            </Button>
          )}
        </SpaceBetween>
        <ExpandableSection headerText="Search by ID, group, attribute or time" defaultExpanded={isSearch(details)}>
          <ColumnLayout columns={3}>
            <FormField label="Message ID">
              <Input
                value={draft.messageId}
                onChange={({ detail }) => set({ messageId: detail.value })}
                spellcheck={false}
              />
            </FormField>
            <FormField label="Message group">
              <Input value={draft.group} onChange={({ detail }) => set({ group: detail.value })} spellcheck={false} />
            </FormField>
            <FormField label="Sent">
              <DateRangePicker
                value={rangeOf(draft)}
                onChange={({ detail }) => set(sentOf(detail.value))}
                relativeOptions={[
                  { key: "5-minutes", amount: 5, unit: "minute", type: "relative" },
                  { key: "1-hour", amount: 1, unit: "hour", type: "relative" },
                  { key: "1-day", amount: 1, unit: "day", type: "relative" },
                  { key: "1-week", amount: 1, unit: "week", type: "relative" },
                ]}
                isValidRange={(range) =>
                  range?.type === "absolute" && !(range.startDate && range.endDate)
                    ? { valid: false, errorMessage: "Choose the first and the last day." }
                    : { valid: true }
                }
                placeholder="At any time"
                i18nStrings={rangeTexts}
              />
            </FormField>
            <FormField label="Attribute">
              <Input
                value={draft.attributeName}
                onChange={({ detail }) => set({ attributeName: detail.value })}
                spellcheck={false}
              />
            </FormField>
            <FormField label="Value of the attribute" constraintText="Any value, when it is empty.">
              <Input
                value={draft.attributeValue}
                onChange={({ detail }) => set({ attributeValue: detail.value })}
                disabled={draft.attributeName.trim() === ""}
                spellcheck={false}
              />
            </FormField>
            <Box color="text-body-secondary" fontSize="body-s">
              A message is found when all that is filled in is true of it. Searching reads messages without receiving
              them.
            </Box>
          </ColumnLayout>
        </ExpandableSection>
      </SpaceBetween>
    </form>
  );
}

function rangeOf({ sentWithin, sentAfter, sentBefore }: MessageFilter): DateRangePickerProps.Value | null {
  const seconds = Number(sentWithin);
  if (seconds > 0) {
    const [unit, length] = Object.entries(secondsPerUnit).findLast(([, each]) => seconds % each === 0) ?? ["second", 1];
    return { type: "relative", amount: seconds / length, unit: unit as DateRangePickerProps.TimeUnit };
  }
  if (sentAfter === "" || sentBefore === "") return null;
  return { type: "absolute", startDate: sentAfter, endDate: sentBefore };
}

function sentOf(range: DateRangePickerProps.Value | null): Partial<MessageFilter> {
  const sent = { sentWithin: "", sentAfter: "", sentBefore: "" };
  if (range?.type === "relative") {
    const length = secondsPerUnit[range.unit];
    // Months and years have no fixed length; no message is as old as that.
    if (length !== undefined) sent.sentWithin = String(range.amount * length);
  } else if (range) {
    sent.sentAfter = range.startDate;
    sent.sentBefore = range.endDate;
  }
  return sent;
}

const rangeTexts: DateRangePickerProps.I18nStrings = {
  relativeModeTitle: "Until now",
  absoluteModeTitle: "From, to",
  relativeRangeSelectionHeading: "Sent within the last",
  cancelButtonLabel: "Cancel",
  clearButtonLabel: "At any time",
  applyButtonLabel: "Apply",
  customRelativeRangeOptionLabel: "Another time",
  customRelativeRangeOptionDescription: "As long as you like",
  customRelativeRangeUnitLabel: "Unit",
  customRelativeRangeDurationLabel: "How long",
  customRelativeRangeDurationPlaceholder: "How many",
  formatUnit: (unit, value) => (value === 1 ? unit : `${unit}s`),
  formatRelativeRange: ({ amount, unit }) => `Within the last ${amount} ${amount === 1 ? unit : `${unit}s`}`,
  startDateLabel: "First day",
  startTimeLabel: "From",
  endDateLabel: "Last day",
  endTimeLabel: "To",
  startMonthLabel: "First month",
  endMonthLabel: "Last month",
  dateTimeConstraintText: "Days as YYYY-MM-DD, times as 24 hours.",
  todayAriaLabel: "Today",
  nextMonthAriaLabel: "Next month",
  previousMonthAriaLabel: "Previous month",
  modeSelectionLabel: "How to say when",
};
