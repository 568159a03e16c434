// Moves the fonts that the style sheet carries as data: addresses into files of their own: a browser then
// loads only those it draws with, and the Content-Security-Policy need not allow data: fonts.

import { createHash } from "node:crypto";
import type { Plugin } from "vite";

const embeddedFont = /url\(["']?data:font\/woff2;base64,([A-Za-z0-9+/=]+)["']?\)/g;

export function extractFonts(): Plugin {
  return {
    name: "extract-fonts",
    apply: "build",
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
        file.source = file.source.toString().replace(embeddedFont, (_whole, base64: string) => {
          const source = Buffer.from(base64, "base64");
          const hash = createHash("sha256").update(source).digest("hex").slice(0, 8);
          this.emitFile({ type: "asset", fileName: `assets/open-sans-${hash}.woff2`, source });
          return `url(./open-sans-${hash}.woff2)`;
        });
      }
    },
  };
}
