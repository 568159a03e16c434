// The pages of a queue's messages, read without receiving them.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../../api/client";
import type { QueueName } from "../../../api/queries";
import type { MessageState, PeekMessagesInput, PeekMessagesReply } from "../../../api/types";

const messagesPerPage = 50;
const excerptBytes = 4096;

export function usePeek({ name, url }: QueueName, states: readonly MessageState[], enabled: boolean) {
  // The token of each page that was seen; the first page has none. Other states begin anew.
  const key = `${url} ${states.join()}`;
  const [pages, setPages] = useState<{ key: string; tokens: (string | undefined)[] }>({ key, tokens: [undefined] });
  const tokens = pages.key === key ? pages.tokens : [undefined];
  const token = tokens.at(-1);

  const query = useQuery({
    queryKey: ["queue", name, "peek", states, token],
    queryFn: ({ signal }) => {
      const input: PeekMessagesInput = {
        QueueUrl: url,
        ...(states.length > 0 && { States: [...states] }),
        MaxResults: messagesPerPage,
        MaxBodyBytes: excerptBytes,
        NextToken: token,
      };
      return call<PeekMessagesReply>("Millrace", "PeekMessages", input, signal);
    },
    placeholderData: keepPreviousData,
    enabled,
  });
  const nextToken = query.data?.NextToken;
  return {
    query,
    page: tokens.length,
    more: nextToken !== undefined,
    next: () => nextToken !== undefined && setPages({ key, tokens: [...tokens, nextToken] }),
    goTo: (page: number) => setPages({ key, tokens: tokens.slice(0, page) }),
  };
}
