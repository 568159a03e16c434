// The console in a browser, watched: whatever the page should never do fails the test that did it.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { Server, type ServerOptions } from "./server";

const screenshots = join(import.meta.dirname, "../../../build/console-screenshots");
const wide = { width: 1440, height: 900 };
const narrow = { width: 390, height: 844 };

interface Finding {
  id: string;
  help: string;
  targets: string[];
}

export class Console {
  readonly problems: string[] = [];
  private context: BrowserContext | undefined;

  constructor(
    readonly server: Server,
    private readonly browser: Browser,
  ) {}

  /** Opens an address ("#/queues") in a browser that knows nothing yet. */
  async open(address: string): Promise<Page> {
    await this.close();
    this.context = await this.browser.newContext({ viewport: wide, colorScheme: "light" });
    await this.context.exposeFunction("tellViolation", (text: string) => this.problems.push(text));
    await this.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        const tell = (window as unknown as { tellViolation: (text: string) => void }).tellViolation;
        tell(`Content-Security-Policy: ${event.violatedDirective} refused ${event.blockedURI} (${event.sample})`);
      });
    });
    const page = await this.context.newPage();
    this.watch(page);
    await page.goto(`${this.server.url}/console/${address}`);
    return page;
  }

  /** What a test expects to be refused is no problem: tell the statuses that it provokes. */
  readonly expectedStatuses = new Set<number>();

  private watch(page: Page): void {
    page.on("pageerror", (error) => this.problems.push(`Error in the page: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      if ([...this.expectedStatuses].some((status) => message.text().includes(`status of ${status}`))) return;
      this.problems.push(`Console: ${message.text()}`);
    });
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      const own = origin === this.server.url || protocol === "data:" || protocol === "blob:";
      if (!own) this.problems.push(`Request to another server: ${request.url()}`);
    });
  }

  /**
   * Looks at a page as it stands: axe in both modes, no list that scrolls sideways at 1440 px, no page that
   * does at 390 px, and a picture of each in build/console-screenshots.
   */
  async look(page: Page, name: string): Promise<void> {
    await mkdir(screenshots, { recursive: true });
    for (const list of await this.findWideLists(page)) {
      this.problems.push(`${name} has a list that is too wide at ${wide.width} px: ${list}`);
    }
    for (const mode of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: mode, reducedMotion: "reduce" });
      await page.waitForFunction(
        (dark) => document.body.classList.contains("awsui-dark-mode") === dark,
        mode === "dark",
      );
      await page.screenshot({ path: join(screenshots, `${name}-${mode}.png`) });
      this.problems.push(
        ...(await this.findBarriers(page)).map((one) => `axe, ${name}, ${mode}: ${JSON.stringify(one)}`),
      );
    }
    await page.setViewportSize(narrow);
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await page.waitForFunction((width) => document.documentElement.clientWidth <= width, narrow.width);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (overflow > 0) this.problems.push(`${name} is ${overflow} px too wide at ${narrow.width} px.`);
    await page.screenshot({ path: join(screenshots, `${name}-narrow.png`) });
    await page.setViewportSize(wide);
  }

  /** The lists of which a part stands outside of what they lie in. */
  private findWideLists(page: Page): Promise<string[]> {
    return page.evaluate(() =>
      [...document.querySelectorAll("table")].flatMap((table) => {
        const excess = table.offsetWidth - (table.parentElement?.clientWidth ?? table.offsetWidth);
        return excess > 1 ? [`${table.ariaLabel ?? "a list without a name"}, by ${excess} px`] : [];
      }),
    );
  }

  private async findBarriers(page: Page): Promise<Finding[]> {
    // Through the debugger's door and not as a script element: the page's policy would refuse that.
    await page.evaluate(axe.source);
    return page.evaluate(async () => {
      const engine = (window as unknown as { axe: typeof axe }).axe;
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
      const { violations } = await engine.run(document, { runOnly: tags });
      return violations.map(({ id, help, nodes }) => ({
        id,
        help,
        targets: nodes.slice(0, 3).map((node) => String(node.target)),
      }));
    });
  }

  async close(): Promise<void> {
    await this.context?.close();
    this.context = undefined;
  }
}

/**
 * A server and a browser for the tests of a file. After each test the page must have done nothing that it
 * should not.
 */
export function useConsole(options: ServerOptions = {}): () => Console {
  let server: Server;
  let browser: Browser;
  let current: Console;
  beforeAll(async () => {
    server = await Server.start(options);
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"],
    });
    current = new Console(server, browser);
  });
  afterEach(async () => {
    const problems = current.problems.splice(0);
    current.expectedStatuses.clear();
    await current.close();
    expect(problems).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  return () => current;
}
