// @vitest-environment jsdom
// What is being written, over a reload of the page and a change of who is signed in.

import { act } from "react";
import { createRoot } from "react-dom/client";
import { beforeEach, describe, expect, it, vi } from "vitest";

/** The module as a page that was just loaded has it. */
async function load() {
  vi.resetModules();
  return import("../../src/lib/drafts");
}

type Drafts = Awaited<ReturnType<typeof load>>;

/** The draft as a component sees it. */
async function seen({ useDraft }: Drafts, name: string): Promise<unknown> {
  let draft: unknown;
  function Reader() {
    draft = useDraft(name);
    return null;
  }
  const root = createRoot(document.createElement("div"));
  await act(async () => root.render(<Reader />));
  await act(async () => root.unmount());
  return draft;
}

beforeEach(() => sessionStorage.clear());

describe("a draft", () => {
  it("outlives a reload, until it is forgotten", async () => {
    (await load()).setDraft("tags orders", { team: "shop" });
    const reloaded = await load();
    expect(await seen(reloaded, "tags orders")).toEqual({ team: "shop" });
    reloaded.forgetDraft("tags orders");
    expect(await seen(reloaded, "tags orders")).toBeUndefined();
    expect(await seen(await load(), "tags orders")).toBeUndefined();
  });

  it("is there for the same person and for nobody else", async () => {
    const drafts = await load();
    drafts.keepDraftsOf("arn:ada");
    drafts.setDraft("message orders", "secret");
    const again = await load();
    again.keepDraftsOf("arn:ada");
    expect(await seen(again, "message orders")).toBe("secret");
    const other = await load();
    other.keepDraftsOf("arn:bob");
    expect(await seen(other, "message orders")).toBeUndefined();
    expect(JSON.stringify({ ...sessionStorage })).not.toContain("secret");
  });

  it("lasts as long as the page where the browser has no room for it", async () => {
    const drafts = await load();
    const full = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    drafts.setDraft("create-queue", "long");
    full.mockRestore();
    expect(await seen(drafts, "create-queue")).toBe("long");
  });
});
