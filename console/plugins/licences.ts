// Writes licences.txt: the names, versions and licence texts of all packages whose code is in the bundle, and
// of the font that comes inside one of them without its licence.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

interface Package {
  name: string;
  version: string;
  license?: string;
  homepage?: string;
}

const packageFolder = /^(?:\0?.*:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

function licenceTexts(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
}

function describe(folder: string): string {
  const { name, version, license, homepage } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  ) as Package;
  const head = [`${name} ${version}`, license ? `Licence: ${license}` : "", homepage ?? ""].filter(
    (line) => line !== "",
  );
  return [head.join("\n"), ...licenceTexts(folder)].join("\n\n");
}

export function licences(): Plugin {
  return {
    name: "licences",
    apply: "build",
    generateBundle() {
      const folders = new Set<string>();
      for (const id of this.getModuleIds()) {
        const folder = packageFolder.exec(id)?.[1];
        if (folder !== undefined) folders.add(folder);
      }
      const rule = `\n\n${"-".repeat(80)}\n\n`;
      const font = readFileSync(join(import.meta.dirname, "../licences/open-sans.txt"), "utf8").trim();
      const parts = [
        "The console of Millrace contains these works of others.",
        ...[...folders].sort().map(describe),
        font,
      ];
      const text = parts.join(rule);
      this.emitFile({ type: "asset", fileName: "licences.txt", source: `${text}\n` });
    },
  };
}
