// Access keys that are made, used, disabled and deleted in the browser.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { useConsole } from "./console";
import type { Credentials } from "./server";
import { fillIn, root, signInto } from "./sign-in";

const millrace = useConsole({ root, credentialsFile: true });

let made: Credentials;

async function openKeys(): Promise<Page> {
  const page = await signInto(millrace(), root);
  await page.getByRole("link", { name: "Access keys" }).click();
  await page.getByText("The account itself (root)").waitFor();
  return page;
}

function rowOf(page: Page, key: Credentials) {
  return page.getByRole("row").filter({ hasText: key.accessKeyId });
}

async function signInIsRefused(key: Credentials, reason: string) {
  millrace().expectedStatuses.add(401);
  const page = await millrace().open("");
  await fillIn(page, key);
  millrace().expectedStatuses.add(403);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText(reason).first().waitFor();
}

test("a new key's secret is shown once, and only a button takes it away", async () => {
  const page = await openKeys();
  await millrace().look(page, "access-keys-writable");
  await page.getByRole("button", { name: "Create access key" }).click();
  const dialog = page.getByRole("dialog");
  expect(await dialog.getByRole("button", { name: "Create" }).isDisabled()).toBe(true);
  await dialog.getByRole("combobox", { name: "User" }).fill("grace");
  // Takes the name, and with it away the suggestions that hang over the buttons.
  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Create" }).click();
  await dialog.getByText("The secret is shown now and never again").waitFor();
  await millrace().look(page, "access-key-made");
  await page.keyboard.press("Escape");
  const texts = await dialog.innerText();
  made = {
    accessKeyId: /Access key ID\s+(\S+)/.exec(texts)?.[1] ?? "",
    secretAccessKey: /Secret access key\s+(\S+)/.exec(texts)?.[1] ?? "",
  };
  expect(made.secretAccessKey.length).toBeGreaterThanOrEqual(16);
  await dialog.getByRole("button", { name: "I have kept the secret" }).click();
  await dialog.waitFor({ state: "detached" });
  await rowOf(page, made).getByText("grace").waitFor();
  expect(await page.content()).not.toContain(made.secretAccessKey);
  await page.reload();
  await rowOf(page, made).waitFor();
  expect(await page.content()).not.toContain(made.secretAccessKey);
});

test("somebody can sign in with it, and sees what its user may", async () => {
  // A new user may do nothing yet, not even list the queues.
  millrace().expectedStatuses.add(403);
  const page = await signInto(millrace(), made);
  await page.getByRole("button", { name: "grace" }).waitFor();
  await page.getByRole("link", { name: "Access keys" }).click();
  await page.getByText("The access keys cannot be listed").waitFor();
});

test("a disabled key is refused until it is enabled again", async () => {
  const page = await openKeys();
  await rowOf(page, made).getByRole("radio").check();
  await page.getByRole("button", { name: "Disable" }).click();
  const dialog = page.getByRole("dialog");
  expect(await dialog.getByRole("button", { name: "Disable" }).isDisabled()).toBe(true);
  await dialog.getByRole("textbox").fill(made.accessKeyId);
  await dialog.getByRole("button", { name: "Disable" }).click();
  await rowOf(page, made).getByText("Inactive").waitFor();
  await signInIsRefused(made, "it may have been disabled or deleted");

  const again = await openKeys();
  await rowOf(again, made).getByRole("radio").check();
  await again.getByRole("button", { name: "Enable" }).click();
  await again.getByRole("dialog").getByRole("button", { name: "Enable" }).click();
  await rowOf(again, made).getByText("Active", { exact: true }).waitFor();
  millrace().expectedStatuses.add(403);
  await signInto(millrace(), made);
});

test("a deleted key is gone", async () => {
  const page = await openKeys();
  await rowOf(page, made).getByRole("radio").check();
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill(made.accessKeyId);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText(`Deleted the access key ${made.accessKeyId}.`).waitFor();
  await rowOf(page, made).waitFor({ state: "detached" });
  await signInIsRefused(made, "it may have been disabled or deleted");
});
