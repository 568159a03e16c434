// The console before many queues and a long one: what a change of page asks of the server and draws stays
// small, however much there is. How long each takes, from the click until its content is painted, is printed;
// `npm run quickness` makes that a limit, which holds only on a machine that does nothing else.
//
// CONSOLE_QUEUES and CONSOLE_BACKLOG say how much there is, CONSOLE_ROUNDS how often each change is measured.
// With MILLRACE_BENCH, the path of millrace-bench, a long backlog is sent in a fraction of the time.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { useConsole } from "./console";

const queueCount = Number(process.env.CONSOLE_QUEUES ?? 10_000);
const backlog = Number(process.env.CONSOLE_BACKLOG ?? 100_000);
const rounds = Number(process.env.CONSOLE_ROUNDS ?? 3);
/** Absent: the figures are only printed. */
const millisecondsMax = process.env.CONSOLE_QUICK_MS ? Number(process.env.CONSOLE_QUICK_MS) : Infinity;

const elementsMax = 6000;
const replyBytesMax = 300_000;
const requestsAtOnce = 32;
const setUpMilliseconds = 1_800_000;

const millrace = useConsole();

interface Change {
  name: string;
  /** Of the console's API. */
  requestsMax: number;
  /** What is pressed. */
  act: (page: Page) => Promise<void>;
  /** What stands in the page then, and did not before. */
  content: { selector: string; text: string };
}

const queueNames = Array.from({ length: queueCount }, (_, index) => `queue-${String(index).padStart(5, "0")}`);
const dead = "dead";
const long = "backlog";
/** In the order of the list. */
const allNames = [long, dead, ...queueNames];
const rowsOnPage = 50;
const messagesOnPage = 50;
const bodyOf = (index: number) => `message ${String(index).padStart(7, "0")} ${"x".repeat(180)}`;

const rowWith = (text: string) => ({ selector: "tbody tr", text });
const firstRowWith = (text: string) => ({ selector: "tbody tr:first-child", text });
/** In the page, without the time that a driver takes to move the mouse. */
const click = (what: Locator) => what.first().evaluate((element) => (element as HTMLElement).click());
const press = (role: "button" | "link" | "tab", name: string) => (page: Page) =>
  click(page.getByRole(role, { name, exact: true }));
const order = (column: string) => (page: Page) =>
  click(page.getByRole("columnheader", { name: column }).getByRole("button"));

const changes: Change[] = [
  {
    name: "queues, next page",
    requestsMax: 1,
    act: press("button", "Next page"),
    content: rowWith(allNames[rowsOnPage] ?? ""),
  },
  {
    name: "queues, page before",
    requestsMax: 1,
    act: press("button", "Previous page"),
    content: firstRowWith(long),
  },
  {
    name: "queues, in another order",
    requestsMax: 1,
    act: order("Available"),
    content: firstRowWith(dead),
  },
  {
    name: "queues, in the order of before",
    requestsMax: 1,
    act: order("Name"),
    content: firstRowWith(long),
  },
  {
    name: "queue with its messages",
    requestsMax: 2,
    act: press("link", long),
    content: rowWith(bodyOf(0).slice(0, 15)),
  },
  {
    name: "messages, next page",
    requestsMax: 1,
    act: press("button", "Next messages"),
    content: rowWith(bodyOf(messagesOnPage).slice(0, 15)),
  },
  {
    name: "send and receive",
    requestsMax: 1,
    act: press("tab", "Send and receive"),
    content: heading("Send a message"),
  },
  { name: "monitoring", requestsMax: 1, act: press("tab", "Monitoring"), content: heading("Traffic") },
  { name: "dead letters", requestsMax: 2, act: press("tab", "Dead letters"), content: heading("Source queues") },
  { name: "consumers", requestsMax: 1, act: press("tab", "Consumers"), content: heading("Received lately") },
  { name: "configuration", requestsMax: 1, act: press("tab", "Configuration"), content: heading("Configuration") },
  { name: "topology", requestsMax: 1, act: press("link", "Topology"), content: heading("Picture") },
  {
    name: "server",
    requestsMax: 2,
    act: press("link", "Server"),
    content: { selector: "body", text: "Data directory" },
  },
  { name: "queues", requestsMax: 1, act: press("link", "Queues"), content: firstRowWith(long) },
];

function heading(text: string): Change["content"] {
  return { selector: "h2, h3", text };
}

/** Milliseconds from the click that `act` makes until `content` has been painted. */
async function measure(page: Page, { act, content }: Change): Promise<number> {
  const painted = page.evaluate(
    ({ selector, text }) =>
      new Promise<number>((resolve) => {
        const isShown = () => [...document.querySelectorAll(selector)].some((one) => one.textContent?.includes(text));
        window.addEventListener(
          "click",
          ({ timeStamp }) => {
            const look = () => {
              if (!isShown()) return;
              observer.disconnect();
              // The frame with it is drawn after this callback, and done with before the next task.
              requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - timeStamp)));
            };
            const observer = new MutationObserver(look);
            observer.observe(document.body, { childList: true, subtree: true, characterData: true });
          },
          { capture: true, once: true },
        );
      }),
    content,
  );
  const [time] = await Promise.all([painted, act(page)]);
  return time;
}

function median(values: number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Does all of `items`, so many at the same time. */
async function each<Item>(items: Iterable<Item>, act: (item: Item) => Promise<unknown>): Promise<void> {
  const source = items[Symbol.iterator]();
  const work = async () => {
    for (let next = source.next(); !next.done; next = source.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, work));
}

async function fill(): Promise<void> {
  const { server } = millrace();
  await server.createQueue(dead);
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${dead}`,
    maxReceiveCount: "5",
  });
  await each(queueNames.entries(), ([index, name]) =>
    server.createQueue(name, index % Math.ceil(queueCount / 50) === 0 ? { RedrivePolicy } : {}),
  );
  const QueueUrl = await server.createQueue(long);
  const send = (start: number) => {
    const bodies = Array.from({ length: Math.min(10, backlog - start) }, (_, index) => bodyOf(start + index));
    const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    return server.sqs("SendMessageBatch", { QueueUrl, Entries });
  };
  // The first pages one by one, so that it is known what they show.
  const starts = Array.from({ length: Math.ceil(backlog / 10) }, (_, index) => index * 10);
  const known = (2 * messagesOnPage) / 10;
  for (const start of starts.slice(0, known)) await send(start);
  const bench = process.env.MILLRACE_BENCH;
  if (bench === undefined) await each(starts.slice(known), send);
  else {
    const count = String(backlog - 10 * known);
    const load = ["--case", "send", "--batch", "10", "--size", "200", "--queue", long, "--count", count];
    await promisify(execFile)(bench, ["--endpoint", server.url, "--warmup", "0", ...load]);
  }
}

test(
  "a change of page asks for a page and draws a page, however much there is",
  async () => {
    await fill();
    const page = await millrace().open("#/queues");
    // Without figures that run, whatever is asked is asked by the change.
    await page.evaluate(() => localStorage.setItem("millrace.settings", JSON.stringify({ paused: true })));
    await page.reload();
    await page.getByText(`(${new Intl.NumberFormat("en").format(allNames.length)})`).waitFor();
    let requests: string[] = [];
    let largest = 0;
    page.on("request", (request) => {
      if (request.url().includes("/console/api/")) requests.push(request.headers()["x-amz-target"] ?? request.url());
    });
    page.on("response", (response) => {
      if (!response.url().includes("/console/api/")) return;
      largest = Math.max(largest, Number(response.headers()["content-length"]));
    });
    const times = new Map<string, number[]>(changes.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds + 1; ++round) {
      for (const change of changes) {
        requests = [];
        largest = 0;
        const time = await measure(page, change);
        await page.waitForLoadState("networkidle");
        const elements = await page.evaluate(() => document.querySelectorAll("*").length);
        // The first round loads the code of the pages.
        if (round > 0) times.get(change.name)?.push(time);
        else
          console.log(
            `${change.name}: first ${Math.round(time)} ms; ${requests.length} requests (${requests.join(", ")}), largest ${largest} B, ${elements} elements`,
          );
        expect(requests.length, `${change.name}: ${requests.join(", ")}`).toBeLessThanOrEqual(change.requestsMax);
        expect(largest, `bytes of a reply to ${change.name}`).toBeLessThan(replyBytesMax);
        expect(elements, `elements of ${change.name}`).toBeLessThan(elementsMax);
      }
    }

    await millrace().look(page, "queues-many");

    const medians = [...times].map(([name, values]) => ({ name, time: Math.round(median(values)), values }));
    console.log(
      [`${queueCount} queues, one with ${backlog} messages; medians of ${rounds}, in ms:`]
        .concat(
          medians.map(({ name, time, values }) => `${name.padEnd(32)} ${time}  (${values.map(Math.round).join(", ")})`),
        )
        .join("\n"),
    );
    expect(medians.filter(({ time }) => time > millisecondsMax)).toEqual([]);
  },
  setUpMilliseconds,
);
