// The unit tests: the page's own code in jsdom. The tests against a real server and a real browser are in
// test/e2e and have a configuration of their own.

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  test: {
    environment: "jsdom",
    include: ["test/unit/**/*.test.{ts,tsx}"],
    setupFiles: ["test/unit/setup.ts"],
    // Cloudscape's modules import style sheets, which only Vite understands.
    server: { deps: { inline: [/@cloudscape-design/] } },
  },
});
