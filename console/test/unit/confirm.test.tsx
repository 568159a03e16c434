// @vitest-environment jsdom
// The dialog that asks before something that cannot be undone.

import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import createWrapper from "@cloudscape-design/components/test-utils/dom";
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "../../src/api/errors";
import { Confirm } from "../../src/components/confirm";

let root: Root;
const deed = vi.fn<() => Promise<void>>();
const close = vi.fn<() => void>();

beforeEach(() => {
  deed.mockReset();
  close.mockReset();
  root = createRoot(document.body.appendChild(document.createElement("div")));
  act(() =>
    root.render(
      <I18nProvider locale="en" messages={[messages]}>
        <Confirm header="Delete the queue orders" verb="Delete" typed="orders" act={deed} close={close}>
          <p>It cannot be undone.</p>
        </Confirm>
      </I18nProvider>,
    ),
  );
});

afterEach(() => {
  act(() => root.unmount());
  document.body.replaceChildren();
});

function dialog() {
  const modal = createWrapper(document.body).findModal();
  if (!modal) throw new Error("There is no dialog.");
  const [cancel, button] = modal.findFooter()?.findAllButtons() ?? [];
  return { input: modal.findContent().findInput(), cancel, button, text: () => modal.getElement().textContent };
}

async function type(text: string) {
  await act(async () => dialog().input?.setInputValue(text));
}

async function press() {
  await act(async () => dialog().button?.click());
}

it("does nothing until the name was typed", async () => {
  expect(dialog().button?.isDisabled()).toBe(true);
  await type("order");
  await press();
  expect(deed).not.toHaveBeenCalled();
  deed.mockResolvedValue(undefined);
  await type("orders");
  await press();
  expect(deed).toHaveBeenCalledOnce();
  expect(close).toHaveBeenCalledOnce();
});

it("stays open and says why when it fails", async () => {
  deed.mockRejectedValue(new ApiError("QueueDoesNotExist", "No such queue.", 400));
  await type("orders");
  await press();
  expect(close).not.toHaveBeenCalled();
  expect(dialog().text()).toContain("No such queue. It may have been deleted meanwhile");
});
