// The questions that pages ask of the server, each with the key under which TanStack Query keeps the
// answer. All that is about one queue has a key that begins with ["queue", name], so that an action can
// say what it made stale: `refreshQueue`.

import { keepPreviousData, queryOptions, QueryClient } from "@tanstack/react-query";
import { useSettings } from "../lib/settings";
import { call } from "./client";
import { ApiError, isMissingQueue, isSignedOut } from "./errors";
import type {
  DescribeQueueReply,
  GetQueueMetricsReply,
  GetServerInformationReply,
  GetServerMetricsReply,
  GetTopologyReply,
  ListAccessKeysReply,
  ListQueuesDetailedInput,
  ListQueuesDetailedReply,
  ListSessionsReply,
  MessageMoveTask,
  Period,
  QueueAttributes,
  QueueSummary,
} from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1000,
      // The server's own no is final; a lost connection may come back at once.
      retry: (failures, error) => !(error instanceof ApiError && error.status < 500) && failures < 2,
    },
  },
});

/** A queue as pages and tabs know it. */
export interface QueueName {
  name: string;
  url: string;
}

/** The interval of a live query, for `refetchInterval`: none while figures are paused. */
export function useInterval(seconds: number): (query: { state: { error: unknown } }) => number | false {
  const { paused } = useSettings();
  return ({ state }) => (paused || isMissingQueue(state.error) || isSignedOut(state.error) ? false : seconds * 1000);
}

export function refreshQueue(name: string): void {
  void queryClient.invalidateQueries({ queryKey: ["queue", name] });
  void queryClient.invalidateQueries({ queryKey: ["queues"] });
}

export const queuesQuery = (input: ListQueuesDetailedInput) =>
  queryOptions({
    queryKey: ["queues", input],
    queryFn: ({ signal }) => call<ListQueuesDetailedReply>("Millrace", "ListQueuesDetailed", input, signal),
    placeholderData: keepPreviousData,
  });

/** What the lists that were shown know of a queue. */
function listed(name: string): QueueSummary | undefined {
  return queryClient
    .getQueriesData<ListQueuesDetailedReply>({ queryKey: ["queues"] })
    .flatMap(([, list]) => list?.Queues ?? [])
    .find((queue) => queue.QueueName === name);
}

// A queue that a list has shown is there at once, and what is newer of it comes after.
export const queueUrlQuery = (name: string) =>
  queryOptions({
    queryKey: ["queue", name, "url"],
    queryFn: async ({ signal }) =>
      (await call<{ QueueUrl: string }>("AmazonSQS", "GetQueueUrl", { QueueName: name }, signal)).QueueUrl,
    initialData: () => listed(name)?.QueueUrl,
    staleTime: Infinity,
  });

export const queueQuery = ({ name, url }: QueueName) =>
  queryOptions({
    queryKey: ["queue", name, "summary"],
    queryFn: async ({ signal }) =>
      (await call<DescribeQueueReply>("Millrace", "DescribeQueue", { QueueUrl: url }, signal)).Queue,
    placeholderData: () => listed(name),
  });

export const attributesQuery = ({ name, url }: QueueName) =>
  queryOptions({
    queryKey: ["queue", name, "attributes"],
    queryFn: async ({ signal }) => {
      const reply = await call<{ Attributes?: QueueAttributes }>(
        "AmazonSQS",
        "GetQueueAttributes",
        { QueueUrl: url, AttributeNames: ["All"] },
        signal,
      );
      return reply.Attributes ?? {};
    },
  });

export const tagsQuery = ({ name, url }: QueueName) =>
  queryOptions({
    queryKey: ["queue", name, "tags"],
    queryFn: async ({ signal }) => {
      const reply = await call<{ Tags?: Record<string, string> }>(
        "AmazonSQS",
        "ListQueueTags",
        { QueueUrl: url },
        signal,
      );
      return reply.Tags ?? {};
    },
  });

export const queueMetricsQuery = ({ name, url }: QueueName, period: Period) =>
  queryOptions({
    queryKey: ["queue", name, "metrics", period],
    queryFn: ({ signal }) =>
      call<GetQueueMetricsReply>("Millrace", "GetQueueMetrics", { QueueUrl: url, Period: period }, signal),
  });

/** The addresses of the queues that have this one as their dead-letter queue, all of them. */
export const deadLetterSourcesQuery = ({ name, url }: QueueName) =>
  queryOptions({
    queryKey: ["queue", name, "deadLetterSources"],
    queryFn: async ({ signal }) => {
      const urls: string[] = [];
      let token: string | undefined;
      do {
        // The server leaves out a list that is empty.
        const reply: { queueUrls?: string[]; NextToken?: string } = await call(
          "AmazonSQS",
          "ListDeadLetterSourceQueues",
          { QueueUrl: url, MaxResults: 1000, NextToken: token },
          signal,
        );
        urls.push(...(reply.queueUrls ?? []));
        token = reply.NextToken;
      } while (token !== undefined);
      return urls;
    },
  });

export const moveTasksQuery = ({ name, arn }: { name: string; arn: string }) =>
  queryOptions({
    queryKey: ["queue", name, "moveTasks"],
    queryFn: async ({ signal }) => {
      const input = { SourceArn: arn, MaxResults: 10 };
      return (
        (await call<{ Results?: MessageMoveTask[] }>("AmazonSQS", "ListMessageMoveTasks", input, signal)).Results ?? []
      );
    },
  });

export const topologyQuery = () =>
  queryOptions({
    queryKey: ["topology"],
    queryFn: ({ signal }) => call<GetTopologyReply>("Millrace", "GetTopology", {}, signal),
  });

export const serverInformationQuery = () =>
  queryOptions({
    queryKey: ["server", "information"],
    queryFn: ({ signal }) => call<GetServerInformationReply>("Millrace", "GetServerInformation", {}, signal),
  });

export const serverMetricsQuery = (period: Period) =>
  queryOptions({
    queryKey: ["server", "metrics", period],
    queryFn: ({ signal }) => call<GetServerMetricsReply>("Millrace", "GetServerMetrics", { Period: period }, signal),
  });

export const accessKeysQuery = () =>
  queryOptions({
    queryKey: ["accessKeys"],
    queryFn: ({ signal }) => call<ListAccessKeysReply>("Millrace", "ListAccessKeys", {}, signal),
  });

export const sessionsQuery = () =>
  queryOptions({
    queryKey: ["sessions"],
    queryFn: ({ signal }) => call<ListSessionsReply>("Millrace", "ListSessions", {}, signal),
  });
