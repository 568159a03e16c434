// The question for the message groups of a queue.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../../../api/client";
import type { QueueName } from "../../../api/queries";
import type { ListMessageGroupsReply } from "../../../api/types";

const groupsPerPage = 50;

/** @param token of the page; the first has none. */
export const groupsQuery = ({ name, url }: QueueName, token: string | undefined) =>
  queryOptions({
    queryKey: ["queue", name, "groups", token],
    queryFn: ({ signal }) => {
      const input = { QueueUrl: url, MaxResults: groupsPerPage, NextToken: token };
      return call<ListMessageGroupsReply>("Millrace", "ListMessageGroups", input, signal);
    },
    placeholderData: keepPreviousData,
  });
