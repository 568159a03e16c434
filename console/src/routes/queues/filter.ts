// The filter of the list of queues: the words of the filter bar as members of ListQueuesDetailed. The
// server does the filtering, so that ten thousand queues are no more work for the page than ten.

import type { PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import type { ListQueuesDetailedInput } from "../../api/types";

export const filteringProperties: PropertyFilterProps.FilteringProperty[] = [
  { key: "name", propertyLabel: "Name", groupValuesLabel: "Names", operators: [":"] },
  { key: "type", propertyLabel: "Type", groupValuesLabel: "Types", operators: ["="] },
  { key: "hasDeadLetterQueue", propertyLabel: "Has a dead-letter queue", groupValuesLabel: "Values", operators: ["="] },
  { key: "isDeadLetterQueue", propertyLabel: "Is a dead-letter queue", groupValuesLabel: "Values", operators: ["="] },
  { key: "messages", propertyLabel: "Messages", groupValuesLabel: "Numbers", operators: [">="] },
  { key: "age", propertyLabel: "Oldest message, seconds", groupValuesLabel: "Seconds", operators: [">="] },
  { key: "tagKey", propertyLabel: "Tag key", groupValuesLabel: "Keys", operators: ["="] },
  { key: "tagValue", propertyLabel: "Tag value", groupValuesLabel: "Values", operators: ["="] },
];

export const filteringOptions: PropertyFilterProps.FilteringOption[] = [
  { propertyKey: "type", value: "standard" },
  { propertyKey: "type", value: "fifo" },
  { propertyKey: "hasDeadLetterQueue", value: "yes" },
  { propertyKey: "hasDeadLetterQueue", value: "no" },
  { propertyKey: "isDeadLetterQueue", value: "yes" },
  { propertyKey: "isDeadLetterQueue", value: "no" },
];

function whole(text: string): number | undefined {
  const value = Number(text);
  return Number.isInteger(value) && value >= 0 ? value : undefined;
}

/** One condition of a kind counts, the last; a word without a property is a part of the name. */
export function toFilter(tokens: readonly PropertyFilterProps.Token[]): ListQueuesDetailedInput {
  const filter: ListQueuesDetailedInput = {};
  for (const { propertyKey, value } of tokens) {
    const text = String(value);
    switch (propertyKey) {
      case "type":
        if (text === "standard" || text === "fifo") filter.Type = text;
        break;
      case "hasDeadLetterQueue":
        filter.HasDeadLetterQueue = text === "yes";
        break;
      case "isDeadLetterQueue":
        filter.IsDeadLetterQueue = text === "yes";
        break;
      case "messages":
        filter.MinimumMessages = whole(text);
        break;
      case "age":
        filter.MinimumAge = whole(text);
        break;
      case "tagKey":
        filter.TagKey = text;
        break;
      case "tagValue":
        filter.TagValue = text;
        break;
      default:
        filter.NameContains = text;
    }
  }
  return filter;
}
