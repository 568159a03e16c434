// Messages in the browser: looked at, searched, opened, moved, sent again and deleted.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { useConsole } from "./console";

const millrace = useConsole();

const hostile = '<img src="x" onerror="document.title = 1">';

async function sendAll(url: string, bodies: string[]): Promise<void> {
  for (const body of bodies) {
    await millrace().server.sqs("SendMessage", {
      QueueUrl: url,
      MessageBody: body,
      MessageAttributes: { kind: { DataType: "String", StringValue: "test" } },
    });
  }
}

async function countOfMessages(url: string): Promise<number> {
  const input = { QueueUrl: url, AttributeNames: ["ApproximateNumberOfMessages"] };
  const reply = await millrace().server.sqs<{ Attributes: Record<string, string> }>("GetQueueAttributes", input);
  return Number(reply.Attributes.ApproximateNumberOfMessages);
}

const openLinks = (page: Page) => page.getByRole("link", { name: /^Open message/ });

test("messages are looked at without being received", async () => {
  const url = await millrace().server.createQueue("looked-at");
  await sendAll(url, ['{"order":12345678901234567890,"paid":true}', hostile, "plain text"]);
  const page = await millrace().open("#/queue/looked-at/messages");
  await openLinks(page).nth(2).waitFor();
  await page.getByText(hostile).waitFor();
  await millrace().look(page, "messages");

  await openLinks(page).first().click();
  await page.getByText('"order": 12345678901234567890').waitFor();
  await millrace().look(page, "message");
  await page.getByRole("button", { name: "Bytes" }).click();
  await page.getByText(/^00000000 {2}7b 22 6f 72 64 65 72 22/).waitFor();
  await page.getByRole("tab", { name: "Attributes (1)" }).click();
  await page.getByRole("cell", { name: "test" }).waitFor();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.getByText("0 times").waitFor();
  await page.getByRole("tab", { name: "Body" }).click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download body" }).click();
  expect((await downloading).suggestedFilename()).toMatch(/^[0-9a-f-]{36}\.json$/);
  await page.getByRole("button", { name: "Close", exact: true }).click();

  const reply = await millrace().server.sqs<{ Messages: { Attributes: Record<string, string> }[] }>("ReceiveMessage", {
    QueueUrl: url,
    AttributeNames: ["All"],
  });
  expect(reply.Messages[0]?.Attributes.ApproximateReceiveCount).toBe("1");
  await page.getByRole("button", { name: "In flight" }).click();
  await page.getByText(/^In flight until/).waitFor();
  expect(await openLinks(page).count()).toBe(1);
});

test("a search finds what is in a body, and stays in the address", async () => {
  const url = await millrace().server.createQueue("searched");
  await sendAll(url, ["an apple", "a pear", "another apple"]);
  const page = await millrace().open("#/queue/searched/messages");
  await page.getByLabel("Text in the body").fill("apple");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByText("2 messages found; the whole queue was looked at.").waitFor();
  expect(await openLinks(page).count()).toBe(2);
  expect(page.url()).toContain("text=apple");
  await page.reload();
  await page.getByText("2 messages found; the whole queue was looked at.").waitFor();
  await page.getByRole("button", { name: "Search by ID, group, attribute or time" }).click();
  await page.getByLabel("Attribute", { exact: true }).fill("nothing");
  await millrace().look(page, "message-search");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByText("0 messages found; the whole queue was looked at.").waitFor();
});

test("chosen messages are moved to another queue", async () => {
  const from = await millrace().server.createQueue("moved-from");
  const to = await millrace().server.createQueue("moved-to");
  await sendAll(from, ["one", "two", "three"]);
  const page = await millrace().open("#/queue/moved-from/messages");
  await page
    .getByRole("checkbox", { name: /^Choose message/ })
    .first()
    .check();
  await page.getByRole("button", { name: "Actions", exact: true }).last().click();
  await page.getByRole("menuitem", { name: "Move to another queue" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: /^To which queue/ }).click();
  await page.getByLabel("Find a queue").fill("moved-to");
  await page.getByRole("option", { name: /^moved-to/ }).click();
  await millrace().look(page, "message-move");
  await dialog.getByRole("button", { name: "Move", exact: true }).click();
  await page.getByText("1 message moved to moved-to.").waitFor();
  expect(await countOfMessages(from)).toBe(2);
  expect(await countOfMessages(to)).toBe(1);
});

test("many messages are deleted only when that was typed", async () => {
  const url = await millrace().server.createQueue("deleted-from");
  await sendAll(url, ["1", "2", "3", "4", "5"]);
  const page = await millrace().open("#/queue/deleted-from/messages");
  await page.getByRole("checkbox", { name: "Choose all messages on this page" }).check();
  await page.getByRole("button", { name: "Actions", exact: true }).last().click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  const button = page.getByRole("dialog").getByRole("button", { name: "Delete" });
  expect(await button.isDisabled()).toBe(true);
  await page.getByRole("dialog").getByRole("textbox").fill("delete");
  await button.click();
  await page.getByText("5 messages deleted.").waitFor();
  await page.getByText("The queue has no message in this state.").waitFor();
  expect(await countOfMessages(url)).toBe(0);
});

test("a message is taken over into the form that sends", async () => {
  const url = await millrace().server.createQueue("sent-again");
  await sendAll(url, ['{"try":1}']);
  const page = await millrace().open("#/queue/sent-again/messages");
  await openLinks(page).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Actions" }).click();
  await page.getByRole("menuitem", { name: "Edit and send again" }).click();
  await page.waitForURL(/send-receive/);
  expect(await page.locator("textarea").first().inputValue()).toBe('{"try":1}');
});
