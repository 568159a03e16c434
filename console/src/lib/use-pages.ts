// Where a list is that the server gives out page by page, each with a token for the next one.

import { useState } from "react";

interface Pages {
  /** From 1. */
  page: number;
  /** Of the page; the first has none. */
  token: string | undefined;
  /** Goes to a page that was seen, or to the one after those. */
  goTo: (page: number, nextToken: string | undefined) => void;
}

/** @param list names what is listed: another list begins with its first page. */
export function usePages(list: string): Pages {
  const [seen, setSeen] = useState<{ list: string; tokens: (string | undefined)[] }>({ list, tokens: [undefined] });
  const tokens = seen.list === list ? seen.tokens : [undefined];
  return {
    page: tokens.length,
    token: tokens.at(-1),
    goTo: (page, nextToken) =>
      setSeen({ list, tokens: page > tokens.length ? [...tokens, nextToken] : tokens.slice(0, page) }),
  };
}
