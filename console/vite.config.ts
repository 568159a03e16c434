// How the console is built (console/dist, plain files that the server embeds) and served while it is
// developed: `npm run dev` forwards the API to a server, http://127.0.0.1:9324 unless MILLRACE_URL is set.

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { extractFonts } from "./plugins/extract-fonts.ts";
import { licences } from "./plugins/licences.ts";
import { theme } from "./plugins/theme.ts";

export default defineConfig(({ command }) => ({
  // Relative addresses: the console works behind any prefix of any proxy.
  base: command === "serve" ? "/console/" : "./",
  plugins: [react(), theme(), extractFonts(), licences()],
  build: {
    target: "es2022",
    // Nothing inline: the Content-Security-Policy allows neither inline scripts nor data: fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/console/api": { target: process.env.MILLRACE_URL ?? "http://127.0.0.1:9324", changeOrigin: true } },
  },
}));
