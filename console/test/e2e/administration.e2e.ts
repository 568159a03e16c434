// Signing in, the pages of who runs the server, and the look of the console.

import { expect, test } from "vitest";
import { useConsole } from "./console";
import { root, signInto } from "./sign-in";

const millrace = useConsole({ root });

const signIn = (readOnly = false) => signInto(millrace(), root, readOnly);

test("a wrong secret is refused, and no secret crosses the wire", async () => {
  millrace().expectedStatuses.add(401);
  const page = await millrace().open("");
  const sent: string[] = [];
  page.on("request", (request) => sent.push(JSON.stringify([request.url(), request.headers(), request.postData()])));
  await page.getByLabel("Access key ID").waitFor();
  await millrace().look(page, "sign-in");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Enter the ID of an access key of this server.").first().waitFor();
  await page.getByLabel("Access key ID").fill(root.accessKeyId);
  await page.getByLabel("Secret access key").fill("wrong");
  millrace().expectedStatuses.add(403);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Check the secret access key.").first().waitFor();
  await page.getByLabel("Secret access key").fill(root.secretAccessKey);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Queues", level: 1 }).waitFor();
  expect(sent.some((request) => request.includes(root.accessKeyId))).toBe(true);
  expect(sent.filter((request) => request.includes(root.secretAccessKey))).toEqual([]);
  await page.reload();
  await page.getByRole("heading", { name: "Queues", level: 1 }).waitFor();
});

test("a session that ends keeps what was typed", async () => {
  const page = await signIn();
  await page.goto(`${millrace().server.url}/console/#/create-queue`);
  await page.getByLabel("Name", { exact: true }).fill("typed");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Create queue" }).click();
  await page.getByRole("heading", { name: "The session has ended" }).waitFor();
  await millrace().look(page, "sign-in-again");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Access key ID").fill(root.accessKeyId);
  await dialog.getByLabel("Secret access key").fill(root.secretAccessKey);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("typed");
  await page.getByRole("button", { name: "Create queue" }).click();
  await page.getByText("Created the queue typed.").waitFor();
});

test("a session that may only look has nothing to press", async () => {
  const page = await signIn(true);
  expect(await page.getByRole("button", { name: "Create queue" }).first().getAttribute("aria-disabled")).toBe("true");
  await page.getByRole("link", { name: "Sessions" }).click();
  const end = page.getByRole("button", { name: /End the session/ }).first();
  await end.waitFor();
  expect(await end.getAttribute("aria-disabled")).toBe("true");
  await end.hover();
  await page.getByRole("tooltip").getByText("This session may only look.").waitFor();
  await millrace().look(page, "sessions-read-only");
  await page.getByRole("button", { name: /read only/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Millrace" }).waitFor();
});

test("sessions are listed and can be ended", async () => {
  const page = await signIn();
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByText("This session").waitFor();
  await millrace().look(page, "sessions");
  await page
    .getByRole("row")
    .filter({ hasText: "This session" })
    .getByRole("button", { name: /End the session/ })
    .click();
  await page.getByRole("dialog").getByRole("button", { name: "End the session" }).click();
  await page.getByRole("heading", { name: "The session has ended" }).waitFor();
});

test("access keys are listed, and say why they cannot be changed", async () => {
  const page = await signIn();
  await page.getByRole("link", { name: "Access keys" }).click();
  await page.getByText(root.accessKeyId).waitFor();
  await page.getByText("Keys cannot be changed here").waitFor();
  await millrace().look(page, "access-keys");
});

test("the server tells of itself", async () => {
  const page = await signIn();
  await page.getByRole("link", { name: "Server", exact: true }).click();
  await page.getByText("Data directory").waitFor();
  await page.getByRole("application").first().waitFor();
  await millrace().look(page, "server");
  await page.getByRole("tab", { name: "Options" }).click();
  await page.getByText("root-access-key-id").first().waitFor();
  expect(await page.getByText(root.secretAccessKey).count()).toBe(0);
  await page.getByRole("tab", { name: "Limits" }).click();
  await page.getByRole("grid", { name: "Limits" }).waitFor();
  const licences = await page.request.get(`${millrace().server.url}/console/licences.txt`);
  expect(await licences.text()).toContain("Apache License");
});

test("theme and density are kept", async () => {
  const page = await signIn();
  await page.getByRole("button", { name: "Look of the console" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Dark" }).click();
  expect(await page.evaluate(() => document.body.className)).toContain("awsui-dark-mode");
  await page.reload();
  await page.getByRole("heading", { name: "Queues", level: 1 }).waitFor();
  expect(await page.evaluate(() => document.body.className)).toContain("awsui-dark-mode");
  expect(await page.evaluate(() => document.body.className)).toContain("awsui-compact-mode");
});
