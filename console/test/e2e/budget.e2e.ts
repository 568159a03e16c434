// How large the console is: all of it, and what the first page loads.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { useConsole } from "./console";

const dist = join(import.meta.dirname, "../../dist");
const firstLoadMax = 450_000;
const allMax = 850_000;

const millrace = useConsole();

function size(file: string): number {
  // The licences are read by whoever asks for them, and fonts are compressed already.
  if (file.endsWith("licences.txt")) return 0;
  return file.endsWith(".woff2") ? statSync(file).size : brotliCompressSync(readFileSync(file)).length;
}

test("the console stays within its budget", async () => {
  const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const all = files.reduce((sum, entry) => sum + size(join(entry.parentPath, entry.name)), 0);

  const loaded = new Set<string>();
  const page = await millrace().open("");
  page.on("request", (request) => loaded.add(new URL(request.url()).pathname.replace("/console/", "")));
  await page.reload();
  await page.getByText("There are no queues yet.").waitFor();
  const first = [...loaded]
    .filter((path) => !path.startsWith("api/"))
    .reduce((sum, path) => sum + size(join(dist, path === "" ? "index.html" : path)), 0);
  console.log(`first load ${first} B in ${loaded.size} requests, all ${all} B (brotli)`);
  expect(first).toBeLessThan(firstLoadMax);
  expect(all).toBeLessThan(allMax);
});
