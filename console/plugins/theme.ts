// The accent colour of the console, as the style sheet "virtual:theme.css".
//
// The components can take a theme in the browser, but then write a <style> element, which the
// Content-Security-Policy refuses, and load the tables of all their colours. So the style sheet is made here. It
// has the steps of the accent under names of the components' own and, for our own style sheets, as
// --console-accent-50 to --console-accent-1000.

import { rolldown } from "rolldown";
import type { Plugin } from "vite";

/** That of the favicon. Text, borders and buttons take lighter and darker steps of it that can be read. */
const accent = "#0b6e8a";

const name = "virtual:theme.css";
const entry = "theme-of-the-components";

interface Theming {
  generateThemeStylesheet(parameters: object): string;
}

/** The package is made for bundlers: Node cannot import it as it is. */
async function loadTheming(): Promise<Theming> {
  const bundle = await rolldown({
    input: entry,
    cwd: import.meta.dirname,
    platform: "node",
    logLevel: "silent",
    plugins: [
      {
        name: entry,
        resolveId: (id) => (id === entry ? entry : undefined),
        load: (id) => (id === entry ? 'export * from "@cloudscape-design/components/theming";' : undefined),
      },
    ],
  });
  const { output } = await bundle.generate({ format: "esm" });
  await bundle.close();
  const code = Buffer.from(output[0].code).toString("base64");
  return (await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`)) as Theming;
}

async function makeStyleSheet(): Promise<string> {
  const { generateThemeStylesheet } = await loadTheming();
  const theme = { referenceTokens: { color: { primary: { seed: accent } } }, tokens: {} };
  const components = generateThemeStylesheet({ theme });
  const steps = [...components.matchAll(/--color-primary-(\d+)-\w+:(#\w+)/g)];
  if (steps.length === 0) throw new Error("The theme of the components has no steps of the accent any more.");
  const own = steps.map(([, step, color]) => `  --console-accent-${step}: ${color};`);
  return `${components}\n:root {\n${own.join("\n")}\n}\n`;
}

export function theme(): Plugin {
  return {
    name: "theme",
    resolveId: (id) => (id === name ? id : undefined),
    load: (id) => (id === name ? makeStyleSheet() : undefined),
  };
}
