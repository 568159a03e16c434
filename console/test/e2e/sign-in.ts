// Signing in, as the tests of servers with credentials begin.

import type { Page } from "playwright-core";
import type { Console } from "./console";
import type { Credentials } from "./server";

export const root: Credentials = {
  accessKeyId: "AKIAROOTOFTHETESTS00",
  secretAccessKey: "secret/of+the/tests0123456789",
};

/** Types a key into the page that asks for one. */
export async function fillIn(page: Page, { accessKeyId, secretAccessKey }: Credentials): Promise<void> {
  await page.getByLabel("Access key ID").fill(accessKeyId);
  await page.getByLabel("Secret access key").fill(secretAccessKey);
}

/** A browser that was just opened and signed in. */
export async function signInto(millrace: Console, key: Credentials, readOnly = false): Promise<Page> {
  millrace.expectedStatuses.add(401);
  const page = await millrace.open("");
  await fillIn(page, key);
  if (readOnly) await page.getByRole("checkbox", { name: "Read only" }).check();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Queues", level: 1 }).waitFor();
  return page;
}
