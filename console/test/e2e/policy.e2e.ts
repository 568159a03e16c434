// The access policy in the browser: written, checked, saved, and asked about.

import { expect, test } from "vitest";
import { useConsole } from "./console";

const millrace = useConsole();

test("a statement is added, reviewed and saved", async () => {
  const url = await millrace().server.createQueue("guarded");
  const page = await millrace().open("#/queue/guarded/policy");
  await page.getByText("The queue has no policy: only its own account can use it.").waitFor();
  await page.getByRole("button", { name: "Add statement" }).click();
  await page.getByRole("textbox", { name: "Accounts" }).fill("4444");
  await page.getByRole("button", { name: "Add to the editor" }).click();
  await page.getByText("An account has twelve digits; 4444 has not.").waitFor();
  await page.getByRole("textbox", { name: "Accounts" }).fill("444455556666");
  await page.getByRole("button", { name: "Add to the editor" }).click();
  await page.getByText("Nothing is wrong with this policy.").waitFor();
  await millrace().look(page, "policy");
  await page.reload();
  await page.getByText("Nothing is wrong with this policy.").waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("added:").first().waitFor({ state: "attached" });
  await millrace().look(page, "policy-review");
  await page.getByRole("button", { name: "Save policy" }).click();
  await page.getByText("The access policy is saved.").waitFor();
  const input = { QueueUrl: url, AttributeNames: ["Policy"] };
  const reply = await millrace().server.sqs<{ Attributes: { Policy: string } }>("GetQueueAttributes", input);
  expect(JSON.parse(reply.Attributes.Policy)).toMatchObject({
    Statement: [{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::444455556666:root" } }],
  });
});

test("what is wrong is marked, and cannot be saved", async () => {
  await millrace().server.createQueue("mistaken");
  const page = await millrace().open("#/queue/mistaken/policy");
  const editor = page.getByRole("textbox", { name: "Access policy as JSON" });
  await editor.click();
  await page.keyboard.insertText('{"Version": "2012-10-17",\n"Statement": {"Effect": "allow"}}');
  await page.getByText('Effect is "Allow" or "Deny", written so.').waitFor();
  await page.locator(".cm-lint-marker-error").first().waitFor();
  expect(await page.getByRole("button", { name: "Save", exact: true }).isDisabled()).toBe(true);
  await millrace().look(page, "policy-mistakes");
  await page
    .getByRole("link", { name: "Line 2" })
    .first()
    .or(page.getByRole("button", { name: "Line 2" }).first())
    .click();
  expect(await editor.evaluate((element) => (element.getRootNode() as ShadowRoot).activeElement === element)).toBe(
    true,
  );
});

test("the server says who may do what, also by a policy that is not saved", async () => {
  await millrace().server.createQueue("asked-about");
  const page = await millrace().open("#/queue/asked-about/policy");
  await page.getByRole("button", { name: "Add statement" }).click();
  await page.getByRole("textbox", { name: "Accounts" }).fill("444455556666");
  await page.getByRole("button", { name: "Add to the editor" }).click();
  await page.getByLabel("Account number or ARN").fill("444455556666");
  await page.getByRole("button", { name: "Ask the server" }).click();
  const row = (action: string) => page.getByRole("row").filter({ hasText: action });
  await row("DeleteQueue").getByText("Not allowed by any statement").waitFor();
  await row("SendMessage").getByText('Allow by statement "AllowSend"').waitFor();
  await millrace().look(page, "policy-tester");
});
