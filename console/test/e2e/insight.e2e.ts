// What the browser shows of the work of queues: graphs, groups, consumers, the topology, and the search.

import { expect, test } from "vitest";
import { useConsole } from "./console";

const millrace = useConsole();

test("the graphs of a queue can be read as tables and downloaded", async () => {
  const url = await millrace().server.createQueue("measured");
  await millrace().server.sqs("SendMessage", { QueueUrl: url, MessageBody: "one" });
  const page = await millrace().open("#/queue/measured/monitoring");
  await page.getByRole("heading", { name: "Traffic" }).waitFor();
  await millrace().look(page, "monitoring");
  for (const range of ["24 hours", "30 days", "15 minutes"]) {
    await page.getByRole("button", { name: range }).click();
    await page.getByRole("heading", { name: "Traffic" }).waitFor();
  }
  await page.getByRole("button", { name: "Tables" }).click();
  await page.getByRole("columnheader", { name: "Received" }).waitFor();
  await millrace().look(page, "monitoring-tables");
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download CSV" }).click();
  expect((await downloading).suggestedFilename()).toBe("measured-quarterHour.csv");
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("button", { name: "Paused", exact: true }).waitFor();
});

test("a group with a message in flight is locked", async () => {
  const url = await millrace().server.createQueue("steps.fifo", {
    FifoQueue: "true",
    ContentBasedDeduplication: "true",
  });
  for (const body of ["first", "second"]) {
    await millrace().server.sqs("SendMessage", { QueueUrl: url, MessageBody: body, MessageGroupId: "order-7" });
  }
  const page = await millrace().open("#/queue/steps.fifo/groups");
  await page.getByRole("link", { name: "order-7" }).waitFor();
  await page.getByText("Free").waitFor();
  await millrace().server.sqs("ReceiveMessage", { QueueUrl: url });
  await page.getByText(/^Locked/).waitFor();
  await millrace().look(page, "groups");
  await page.getByRole("link", { name: "order-7" }).click();
  await page.getByText(/messages found; the whole queue was looked at\./).waitFor();
});

test("who receives is shown", async () => {
  const url = await millrace().server.createQueue("listened-to");
  await millrace().server.sqs("ReceiveMessage", { QueueUrl: url });
  const page = await millrace().open("#/queue/listened-to/consumers");
  await page.getByText("Nobody waits now.").waitFor();
  await page.getByRole("rowheader", { name: /^127\.0\.0\.1/ }).waitFor();
  await millrace().look(page, "consumers");
});

test("the topology shows queues and their dead-letter queues, and leads to them", async () => {
  await millrace().server.createQueue("work-dead");
  const policy = { deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:work-dead", maxReceiveCount: 3 };
  await millrace().server.createQueue("work", { RedrivePolicy: JSON.stringify(policy) });
  const page = await millrace().open("#/topology");
  const picture = page.getByRole("region", { name: "Picture of the queues" });
  await picture.getByText("3 receives").waitFor();
  await millrace().look(page, "topology");
  await picture.getByRole("link", { name: /^work-dead/ }).click();
  await page.getByRole("heading", { name: "work-dead", exact: true }).waitFor();
});

test("Ctrl+K finds a queue from anywhere", async () => {
  await millrace().server.createQueue("somewhere-else");
  const page = await millrace().open("#/topology");
  await page.getByRole("heading", { name: "Topology" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: "Search" }).waitFor();
  await page.keyboard.type("where-el");
  await page.getByRole("option", { name: /^somewhere-else/ }).waitFor();
  await millrace().look(page, "global-search");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "somewhere-else", exact: true }).waitFor();
});
