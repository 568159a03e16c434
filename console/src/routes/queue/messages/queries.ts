// What the Messages tab asks of the server.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call } from "../../../api/client";
import type { QueueName } from "../../../api/queries";
import type {
  GetMessageReply,
  MessageState,
  PeekedMessage,
  PeekMessagesInput,
  PeekMessagesReply,
} from "../../../api/types";

/** Of a body in a list; a message that is opened is asked for whole. */
export const excerptBytes = 4096;

export const messagesPerPage = 50;

/** @param token of the page; the first has none. */
export const peekQuery = ({ name, url }: QueueName, states: readonly MessageState[], token: string | undefined) =>
  queryOptions({
    queryKey: ["queue", name, "peek", states, token],
    queryFn: ({ signal }) => {
      const input: PeekMessagesInput = {
        QueueUrl: url,
        States: states.length === 0 ? undefined : [...states],
        MaxResults: messagesPerPage,
        MaxBodyBytes: excerptBytes,
        NextToken: token,
      };
      return call<PeekMessagesReply>("Millrace", "PeekMessages", input, signal);
    },
    placeholderData: keepPreviousData,
  });

/** A message as it is now, with its whole body. */
export const messageQuery = ({ name, url }: QueueName, peekId: string) =>
  queryOptions({
    queryKey: ["queue", name, "message", peekId],
    queryFn: async ({ signal }): Promise<PeekedMessage> => {
      const input = { QueueUrl: url, PeekId: peekId };
      return (await call<GetMessageReply>("Millrace", "GetMessage", input, signal)).Message;
    },
  });
