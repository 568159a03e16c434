// What the list of queues shows: its filter and its order. It stands in the address, so that a reload, a
// bookmark and the browser's way back show the same. One condition of a kind counts.

import type { PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import { columns } from "./columns";
import { filteringProperties } from "./filter";

export interface View {
  tokens: readonly PropertyFilterProps.Token[];
  /** The id of the column. */
  sort: string;
  descending: boolean;
}

const usualSort = "name";

/** Takes what an address may hold, and passes over what means nothing. */
export function viewOf(parameters: { get(name: string): string | null }): View {
  const tokens = filteringProperties.flatMap(({ key, operators }) => {
    const value = parameters.get(key);
    const operator = operators?.[0];
    return value && typeof operator === "string" ? [{ propertyKey: key, operator, value }] : [];
  });
  const sort = columns.find((column) => column.sortBy && column.id === parameters.get("sort"));
  return { tokens, sort: sort?.id ?? usualSort, descending: parameters.get("descending") === "yes" };
}

/** Only what is not as usual; the same view comes back from viewOf(). */
export function viewParameters({ tokens, sort, descending }: View): Record<string, string> {
  return {
    // A word without a property is a part of the name.
    ...Object.fromEntries(tokens.map(({ propertyKey = "name", value }) => [propertyKey, String(value)])),
    ...(sort !== usualSort && { sort }),
    ...(descending && { descending: "yes" }),
  };
}

/** A view as text, the same for the same view. */
export function viewText(view: View): string {
  const parameters = new URLSearchParams(viewParameters(view));
  parameters.sort();
  return parameters.toString();
}
