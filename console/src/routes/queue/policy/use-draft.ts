// A text that is being written and not saved yet. It outlives a reload of the page, not the browser's tab.

import { useState } from "react";

/** @returns the draft or nothing, how to change it, and how to be rid of it. */
export function useDraft(name: string): [string | undefined, (text: string) => void, () => void] {
  const key = `millrace.draft.${name}`;
  const [draft, setDraft] = useState(() => sessionStorage.getItem(key) ?? undefined);
  const change = (text: string) => {
    sessionStorage.setItem(key, text);
    setDraft(text);
  };
  const forget = () => {
    sessionStorage.removeItem(key);
    setDraft(undefined);
  };
  return [draft, change, forget];
}
