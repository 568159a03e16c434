// What is being written and not saved yet. The browser's tab keeps it, so that neither a reload nor a look at
// another page loses it; it is forgotten when somebody signs out, or another signs in.

import { Store, useStore } from "./store";

const prefix = "millrace.draft.";
const ownerKey = "millrace.draft-owner";

type Drafts = Readonly<Record<string, unknown>>;

function load(): Drafts {
  const found: Record<string, unknown> = {};
  try {
    for (const [key, text] of Object.entries(sessionStorage)) {
      if (key.startsWith(prefix)) found[key.slice(prefix.length)] = JSON.parse(String(text));
    }
  } catch {
    // Storage is switched off or holds something else: drafts then last as long as the page.
  }
  return found;
}

const drafts = new Store<Drafts>(load());

function keep(key: string, text: string | undefined): void {
  try {
    if (text === undefined) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, text);
  } catch {
    // No storage, or it is full: the draft lasts as long as the page.
  }
}

/** The draft of that name as it was set last, nothing where there is none. */
export function useDraft<Draft>(name: string): Draft | undefined {
  return useStore(drafts)[name] as Draft | undefined;
}

export function setDraft(name: string, draft: unknown): void {
  drafts.update((all) => ({ ...all, [name]: draft }));
  keep(prefix + name, JSON.stringify(draft));
}

export function forgetDraft(name: string): void {
  drafts.update(({ [name]: _forgotten, ...others }) => others);
  keep(prefix + name, undefined);
}

export function forgetDrafts(): void {
  Object.keys(drafts.get()).forEach(forgetDraft);
  keep(ownerKey, undefined);
}

/** Forgets what somebody else wrote in this tab. */
export function keepDraftsOf(owner: string): void {
  let before: string | null = owner;
  try {
    before = sessionStorage.getItem(ownerKey);
  } catch {
    // Without storage nothing is left of anybody else.
  }
  if (before !== null && before !== owner) forgetDrafts();
  keep(ownerKey, owner);
}
