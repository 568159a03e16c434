// Queues in the browser: created, found, edited, used and deleted.

import { expect, test } from "vitest";
import { useConsole } from "./console";

const millrace = useConsole();

test("a server without queues offers to create one", async () => {
  const page = await millrace().open("");
  await page.getByText("There are no queues yet.").waitFor();
  await page.getByText("Development mode: this server asks nobody").waitFor();
  await millrace().look(page, "queues-empty");
});

test("a queue is created with its dead-letter queue in one step", async () => {
  const page = await millrace().open("#/create-queue");
  await page.getByRole("button", { name: "Create queue" }).click();
  await page.getByText("Enter a name.").first().waitFor();
  await page.getByLabel("Name", { exact: true }).fill("orders and");
  await page.getByText("Use letters, digits, - and _ only.").first().waitFor();
  await page.getByLabel("Name", { exact: true }).fill("orders");
  await page.getByRole("spinbutton", { name: "Visibility timeout" }).fill("43201");
  await page.getByText("Enter a whole number from 0 seconds to 12 hours.").first().waitFor();
  await page.getByRole("spinbutton", { name: "Visibility timeout" }).fill("60");
  await page.getByRole("radio", { name: /Go to a new queue/ }).check();
  expect(await page.getByLabel("Name of the new queue").inputValue()).toBe("orders-dead");
  await page.getByLabel("Maximum receives").fill("3");
  await page.getByRole("button", { name: "Add tag" }).click();
  await page.getByLabel("Key of tag 1").fill("team");
  await page.getByLabel("Value of tag 1").fill("shop");
  await millrace().look(page, "create-queue");
  await page.getByRole("button", { name: "Create queue" }).click();
  await page.getByRole("heading", { name: "orders", exact: true }).waitFor();
  await page.getByText("Created the queue orders.").waitFor();

  const url = (await millrace().server.sqs<{ QueueUrl: string }>("GetQueueUrl", { QueueName: "orders" })).QueueUrl;
  const reply = await millrace().server.sqs<{ Attributes: Record<string, string> }>("GetQueueAttributes", {
    QueueUrl: url,
    AttributeNames: ["All"],
  });
  expect(reply.Attributes.VisibilityTimeout).toBe("60");
  expect(JSON.parse(reply.Attributes.RedrivePolicy ?? "{}")).toMatchObject({ maxReceiveCount: 3 });
  const tags = await millrace().server.sqs("ListQueueTags", { QueueUrl: url });
  expect(tags).toEqual({ Tags: { team: "shop" } });
});

test("a FIFO queue needs its suffix and keeps its type", async () => {
  const page = await millrace().open("#/create-queue");
  await page.getByRole("radio", { name: /FIFO/ }).check();
  await page.getByLabel("Name", { exact: true }).fill("steps");
  await page.getByText("The name of a FIFO queue ends in .fifo.").first().waitFor();
  await page.getByLabel("Name", { exact: true }).fill("steps.fifo");
  await page.getByRole("checkbox", { name: "Content-based deduplication" }).check();
  await page.getByRole("button", { name: "Create queue" }).click();
  await page.getByRole("heading", { name: "steps.fifo", exact: true }).waitFor();
  await page.getByRole("tab", { name: "Configuration" }).click();
  await page.getByText("Content-based deduplication").waitFor();
});

test("the list is filtered and ordered by the server", async () => {
  const page = await millrace().open("#/queues");
  await page.getByRole("link", { name: "orders", exact: true }).first().waitFor();
  await millrace().look(page, "queues");
  const search = page.getByRole("combobox", { name: "Find queues" });
  await search.fill("steps");
  await search.press("Enter");
  await page.getByText("(1 of 3)").waitFor();
  await page.getByRole("link", { name: "steps.fifo" }).waitFor();
  expect(await page.getByRole("link", { name: "orders", exact: true }).count()).toBe(0);
});

test("a view of the list stays over a reload, and under a name", async () => {
  const page = await millrace().open("#/queues");
  const search = page.getByRole("combobox", { name: "Find queues" });
  await search.fill("steps");
  await search.press("Enter");
  await page.getByText("(1 of 3)").waitFor();
  // The head that stays while the list scrolls lies over the one that is read out, and takes the click for it.
  await page.getByRole("button", { name: "Available" }).first().click({ force: true });
  await page.waitForURL(/#\/queues\?name=steps&sort=messages$/);
  await page.reload();
  await page.getByText("(1 of 3)").waitFor();
  await page.getByRole("button", { name: "Views", exact: true }).click();
  await page.getByRole("menuitem", { name: "Save this view" }).click();
  await page.getByLabel("Name of the view").fill("My steps");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Views: My steps" }).waitFor();
  await page.goBack();
  await page.goBack();
  await page.getByText("(3)").waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Views", exact: true }).click();
  await page.getByRole("menuitemcheckbox", { name: "My steps" }).click();
  await page.getByText("(1 of 3)").waitFor();
  await millrace().look(page, "queues-view");
  await page.getByRole("button", { name: "Views: My steps" }).click();
  await page.getByRole("menuitem", { name: "Remove the view My steps" }).click();
  await page.getByRole("button", { name: "Views", exact: true }).waitFor();
});

test("the columns of a list stay as they were chosen", async () => {
  const page = await millrace().open("#/queues");
  await page.getByRole("button", { name: "Preferences" }).click();
  await millrace().look(page, "preferences");
  await page.getByRole("dialog").getByLabel("20 queues").check();
  await page.getByRole("dialog").getByRole("checkbox", { name: "In flight" }).uncheck();
  await page.getByRole("dialog").getByRole("checkbox", { name: "Created" }).check();
  await page.getByRole("button", { name: "Keep" }).click();
  await page.reload();
  await page.getByRole("columnheader", { name: "Created" }).waitFor();
  expect(await page.getByRole("columnheader", { name: "In flight" }).count()).toBe(0);
});

test("what is typed into a new queue outlives a reload, and ends with Cancel", async () => {
  const page = await millrace().open("#/create-queue");
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("half-typed");
  await page.reload();
  await name.waitFor();
  expect(await name.inputValue()).toBe("half-typed");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("heading", { name: "Queues", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Create queue" }).first().click();
  await name.waitFor();
  expect(await name.inputValue()).toBe("");
});

test("a message is sent with attributes, received, hidden for longer and deleted", async () => {
  const page = await millrace().open("#/queue/orders/send-receive");
  await page.getByRole("textbox", { name: "Body" }).fill('{"order": 7, "text": "<img src=x onerror=alert(1)>"');
  await page.getByText("Not good JSON").waitFor();
  await page.getByRole("textbox", { name: "Body" }).fill('{"order": 7, "text": "<img src=x onerror=alert(1)>"}');
  await page.getByText("Good JSON.").waitFor();
  await page.getByRole("button", { name: "Message attributes" }).click();
  await page.getByRole("button", { name: "Add attribute" }).click();
  await page.getByLabel("Name of attribute 1").fill("price");
  await page.getByRole("combobox", { name: "Type", exact: true }).fill("Number");
  await page.getByLabel("Value of attribute 1").fill("12,5");
  await page.getByText("Enter a number, such as 12.5 or -3e4.").first().waitFor();
  await page.getByLabel("Value of attribute 1").fill("12.5");
  await page.getByRole("button", { name: "Send message" }).click();
  await page.getByText(/Sent the message/).waitFor();

  await page.getByRole("button", { name: "Polling settings" }).click();
  await page.getByRole("spinbutton", { name: "Messages", exact: true }).fill("1");
  await page.getByRole("button", { name: "Poll for messages" }).click();
  const row = page.getByRole("row").filter({ hasText: '{"order": 7' });
  await row.waitFor();
  await page.getByRole("button", { name: "Poll for messages" }).waitFor();
  await millrace().look(page, "send-receive");
  await row.getByRole("button").first().click();
  await page.getByText("price (Number)").waitFor();
  await millrace().look(page, "received-message");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await row.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Change visibility" }).click();
  await page.getByLabel("Hide for, in seconds").fill("600");
  await page.getByRole("dialog").getByRole("button", { name: "Change", exact: true }).click();
  await page.getByText("Changed the visibility of 1 message.").waitFor();
  await page.getByRole("checkbox", { name: /Choose the message/ }).check();
  await page.getByRole("button", { name: "Delete", exact: true }).last().click();
  await page.getByText("Deleted 1 message.").waitFor();
  await page.getByText("Nothing was received yet.").waitFor();
});

test("an edit shows what will change, and changes that alone", async () => {
  const page = await millrace().open("#/edit-queue/orders");
  await page.getByRole("spinbutton", { name: "Delivery delay" }).fill("5");
  await page.getByRole("button", { name: "Save" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("DelaySeconds").waitFor();
  expect(await dialog.getByRole("row").count()).toBe(2);
  await millrace().look(page, "edit-queue");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("Changed the queue orders.").waitFor();

  await page.getByRole("button", { name: "Edit" }).first().click();
  const delay = page.getByRole("spinbutton", { name: "Delivery delay" });
  await delay.waitFor();
  expect(await delay.inputValue()).toBe("5");
});

test("the tabs of a queue say what it is set to", async () => {
  const page = await millrace().open("#/queue/orders/configuration");
  await page.getByText("Redrive allow policy").waitFor();
  await millrace().look(page, "configuration");
  await page.getByRole("tab", { name: "Encryption" }).click();
  await page.getByText("A key that the server manages (SSE-SQS)").waitFor();
  await millrace().look(page, "encryption");
  await page.getByRole("tab", { name: "Tags" }).click();
  await page.getByRole("button", { name: "Add tag" }).click();
  await page.getByLabel("Key of tag 2").fill("stage");
  await page.getByLabel("Value of tag 2").fill("test");
  await millrace().look(page, "tags");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Changed the tags of orders.").waitFor();
});

test("dead letters go back to where they came from", async () => {
  const { server } = millrace();
  const url = (await server.sqs<{ QueueUrl: string }>("GetQueueUrl", { QueueName: "orders" })).QueueUrl;
  await server.sqs("SetQueueAttributes", { QueueUrl: url, Attributes: { DelaySeconds: "0" } });
  await server.sqs("SendMessage", { QueueUrl: url, MessageBody: "poison" });
  for (let receive = 0; receive < 4; ++receive)
    await server.sqs("ReceiveMessage", { QueueUrl: url, VisibilityTimeout: 0 });

  const page = await millrace().open("#/queue/orders-dead/dead-letters");
  await page.getByRole("link", { name: "orders", exact: true }).waitFor();
  await page.getByRole("button", { name: "Start redrive" }).click();
  await millrace().look(page, "start-redrive");
  await page.getByRole("dialog").getByRole("button", { name: "Start redrive" }).click();
  await page.getByText("Completed").waitFor();
  await millrace().look(page, "dead-letters");
  await page.goto(`${server.url}/console/#/redrive-tasks`);
  await page.getByRole("heading", { name: "Redrive tasks" }).waitFor();
  await page.getByText("Completed").waitFor();
  await millrace().look(page, "redrive-tasks");
});

test("purging and deleting ask for the name", async () => {
  const page = await millrace().open("#/queue/orders");
  await page.getByRole("button", { name: "Purge" }).click();
  const dialog = page.getByRole("dialog");
  expect(await dialog.getByRole("button", { name: "Purge" }).isDisabled()).toBe(true);
  await dialog.getByRole("textbox").fill("orders");
  await dialog.getByRole("button", { name: "Purge" }).click();
  await page.getByText("Purged the queue orders.").waitFor();

  await page.getByRole("button", { name: "Delete", exact: true }).first().click();
  await dialog.getByRole("textbox").fill("order");
  expect(await dialog.getByRole("button", { name: "Delete" }).isDisabled()).toBe(true);
  await dialog.getByRole("textbox").fill("orders");
  await millrace().look(page, "delete-queue");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Deleted the queue orders.").waitFor();
  await page.getByRole("heading", { name: "Queues", level: 1 }).waitFor();
  await page.getByText("(2)").waitFor();
});

test("an address of no page and of no queue say what to do", async () => {
  millrace().expectedStatuses.add(400);
  const page = await millrace().open("#/nowhere");
  await page.getByText("There is no such page").waitFor();
  await page.goto(`${millrace().server.url}/console/#/queue/missing`);
  await page.getByText("The queue missing cannot be shown").waitFor();
  await millrace().look(page, "missing-queue");
});
