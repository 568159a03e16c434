// The unit tests of the page's own code. The tests against a real server and a real browser are in
// test/e2e and have a configuration of their own.

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  test: {
    // Only what draws or asks for an address needs a page; those files say so in their first lines.
    environment: "node",
    testTimeout: 30_000,
    include: ["test/unit/**/*.test.{ts,tsx}"],
    setupFiles: ["test/unit/setup.ts"],
    // Cloudscape's modules import style sheets, which only Vite understands.
    server: { deps: { inline: [/@cloudscape-design/] } },
  },
});
