// A message as it is now, with its whole body.

import { useQuery } from "@tanstack/react-query";
import { call } from "../../../api/client";
import type { QueueName } from "../../../api/queries";
import type { GetMessageReply, PeekedMessage } from "../../../api/types";

/** Asked for even when the body is known whole: the state of the message may have changed since. */
export function useWholeMessage({ name, url }: QueueName, peeked: PeekedMessage) {
  const query = useQuery({
    queryKey: ["queue", name, "message", peeked.PeekId],
    queryFn: ({ signal }) => {
      const input = { QueueUrl: url, PeekId: peeked.PeekId };
      return call<GetMessageReply>("Millrace", "GetMessage", input, signal);
    },
    retry: false,
  });
  const message = query.data?.Message ?? peeked;
  return { message, bodyKnown: !message.BodyTruncated, query };
}
