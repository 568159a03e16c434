// What is looked for, kept in the address.

import { type MessageFilter, filterOf, filterParameters } from "../../../lib/message-filter";
import { address, navigate, useLocation } from "../../../lib/router";

export function useFilter(): [MessageFilter, (filter: MessageFilter) => void] {
  const { segments, query } = useLocation();
  return [filterOf(query), (filter) => navigate(address(...segments, filterParameters(filter)))];
}
