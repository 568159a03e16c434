// What the Messages tab looks for: kept in the address, so that a reload or a link shows the same, and
// turned into what the server is asked.

import type { MessageState, SearchMessagesInput } from "../api/types";

const messageStates: readonly MessageState[] = ["available", "inFlight", "delayed"];

export interface MessageFilter {
  states: readonly MessageState[]; // empty: all
  text: string;
  messageId: string;
  group: string;
  attributeName: string;
  attributeValue: string;
  sentAfter: string; // ISO 8601 with an offset, or empty
  sentBefore: string;
  sentWithin: string; // seconds until now, or empty; instead of the two above
}

export const emptyFilter: MessageFilter = {
  states: [],
  text: "",
  messageId: "",
  group: "",
  attributeName: "",
  attributeValue: "",
  sentAfter: "",
  sentBefore: "",
  sentWithin: "",
};

export type SearchCriteria = Omit<SearchMessagesInput, "QueueUrl">;

/** @param now in milliseconds since the epoch: "within the last hour" is meant from then on. */
export function searchCriteria(filter: MessageFilter, now: number): SearchCriteria {
  const criteria: SearchCriteria = {};
  if (filter.text !== "") criteria.Text = filter.text;
  if (filter.messageId.trim() !== "") criteria.MessageId = filter.messageId.trim();
  if (filter.group !== "") criteria.MessageGroupId = filter.group;
  if (filter.attributeName.trim() !== "") {
    criteria.AttributeName = filter.attributeName.trim();
    if (filter.attributeValue !== "") criteria.AttributeValue = filter.attributeValue;
  }
  const within = Number(filter.sentWithin);
  const after = within > 0 ? now - within * 1000 : Date.parse(filter.sentAfter);
  const before = within > 0 ? NaN : Date.parse(filter.sentBefore);
  if (Number.isFinite(after)) criteria.SentAfter = after;
  if (Number.isFinite(before)) criteria.SentBefore = before;
  return criteria;
}

/** Whether messages must be searched for; states alone are a matter of paging. */
export function isSearch(filter: MessageFilter): boolean {
  return Object.keys(searchCriteria(filter, 0)).length > 0;
}

/** Only what is set; the same filter comes back from filterOf(). */
export function filterParameters(filter: MessageFilter): Record<string, string> {
  const { states, ...texts } = filter;
  const parameters = Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== ""));
  if (states.length > 0) parameters["states"] = states.join(",");
  return parameters;
}

/** Takes what an address may hold, and passes over what means nothing. */
export function filterOf(parameters: { get(name: string): string | null }): MessageFilter {
  const filter = { ...emptyFilter };
  for (const name of Object.keys(emptyFilter) as (keyof MessageFilter)[]) {
    const value = parameters.get(name) ?? "";
    if (name === "states") filter.states = messageStates.filter((state) => value.split(",").includes(state));
    else filter[name] = value;
  }
  return filter;
}
