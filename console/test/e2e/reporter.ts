// The last line of a run, which ./dev test reads: "N passed, N failed, N skipped".

import type { Reporter, TestModule } from "vitest/node";

export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A file that could not be loaded has no tests, and still is a failure.
      if (module.errors().length > 0) ++count.failed;
      for (const test of module.children.allTests()) ++count[test.result().state];
    }
    process.on("exit", () => {
      process.stdout.write(
        `${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped\n`,
      );
    });
  }
}
