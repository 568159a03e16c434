// A search through the messages of a queue, in steps of what the server looks through in one request.

import { useCallback, useEffect, useRef, useState } from "react";
import { call } from "../../../api/client";
import type { PeekedMessage, SearchMessagesInput, SearchMessagesReply } from "../../../api/types";

export interface Search {
  /** "paused" when it was stopped, or has found enough for now; continueSearch() goes on. */
  status: "idle" | "running" | "paused" | "done" | "failed";
  messages: readonly PeekedMessage[];
  scanned: number;
  total: number;
  error?: unknown;
}

type Question = Omit<SearchMessagesInput, "NextToken">;

const idle: Search = { status: "idle", messages: [], scanned: 0, total: 0 };

// Nobody reads more than this, and the server has other things to do.
const foundBeforePause = 100;

export function useSearch() {
  const [search, setSearch] = useState(idle);
  const place = useRef<{ question: Question; token?: string | undefined } | null>(null);
  const running = useRef<AbortController | null>(null);

  const run = useCallback(async () => {
    running.current?.abort();
    const mine = (running.current = new AbortController());
    setSearch((found) => ({ ...found, status: "running", error: undefined }));
    let foundNow = 0;
    while (place.current) {
      const { question, token } = place.current;
      let reply: SearchMessagesReply;
      try {
        reply = await call<SearchMessagesReply>(
          "Millrace",
          "SearchMessages",
          { ...question, NextToken: token },
          mine.signal,
        );
      } catch (error) {
        if (!mine.signal.aborted) setSearch((found) => ({ ...found, status: "failed", error }));
        return;
      }
      if (mine.signal.aborted) return;
      foundNow += reply.Messages.length;
      place.current = { question, token: reply.NextToken };
      const status = reply.NextToken === undefined ? "done" : foundNow >= foundBeforePause ? "paused" : "running";
      setSearch((found) => ({
        status,
        messages: [...found.messages, ...reply.Messages],
        scanned: found.scanned + reply.Scanned,
        total: reply.Total,
      }));
      if (status !== "running") return;
    }
  }, []);

  const start = useCallback(
    (question: Question) => {
      place.current = { question };
      setSearch(idle);
      void run();
    },
    [run],
  );

  const stop = useCallback(() => {
    running.current?.abort();
    setSearch((found) => (found.status === "running" ? { ...found, status: "paused" } : found));
  }, []);

  const reset = useCallback(() => {
    running.current?.abort();
    place.current = null;
    setSearch(idle);
  }, []);

  const forget = useCallback((peekIds: ReadonlySet<string>) => {
    setSearch((found) => ({ ...found, messages: found.messages.filter(({ PeekId }) => !peekIds.has(PeekId)) }));
  }, []);

  useEffect(() => () => running.current?.abort(), []);

  return { search, start, stop, reset, forget, continueSearch: run };
}
