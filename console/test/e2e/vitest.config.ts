// The tests of the built console in a real browser against the real server:
//   MILLRACE_BINARY=../build/release/millrace npm run e2e
// Screenshots are left in build/console-screenshots of the project.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    environment: "node",
    include: ["**/*.e2e.ts"],
    // One browser at a time: the server, the browser and the tests share the machine.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ["default", `${import.meta.dirname}/reporter.ts`],
  },
});
