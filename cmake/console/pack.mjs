// Packs a built console into what the server is compiled with:
//
//   node pack.mjs DIST OUTPUT
//
// OUTPUT/console_files.bin holds every file of DIST in the forms that it is sent in, and
// OUTPUT/console_files.cc the table of them, with the former in the program by .incbin. A file that
// compressing does not make smaller is kept as it is; of any other its gzip and brotli forms.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [dist, output] = process.argv.slice(2).map((path) => resolve(path));
const TAG_LENGTH = 32;

/** The paths of all files below a folder, as the server knows them, sorted by their bytes. */
function pathsBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .map((path) => path.split(sep).join("/"))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

const parts = [];
let size = 0;

/** Adds bytes to the blob; returns the C++ expression for them. */
function place(bytes) {
  if (bytes === null) return "{}";
  const expression = `part(${size}, ${bytes.length})`;
  parts.push(bytes);
  size += bytes.length;
  return expression;
}

function row(path) {
  if (!/^[A-Za-z0-9._/-]+$/.test(path)) throw new Error(`${path}: the server serves no such name`);
  const content = readFileSync(join(dist, path));
  const gzip = gzipSync(content, { level: 9 });
  const brotli = brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
  const smaller = gzip.length < content.length;
  const tag = createHash("sha256").update(content).digest("hex").slice(0, TAG_LENGTH);
  const identity = place(smaller ? null : content);
  const gzipped = place(smaller ? gzip : null);
  return `      {"${path}", "${tag}", ${identity}, ${gzipped}, ${place(smaller ? brotli : null)}},`;
}

const paths = pathsBelow(dist);
if (!paths.includes("index.html")) throw new Error(`${dist} holds no index.html`);
const rows = paths.map(row);
const blob = join(output, "console_files.bin");
const bytes = Buffer.concat(parts);
writeFileSync(blob, bytes);
writeFileSync(
  join(output, "console_files.cc"),
  `// Made by cmake/console/pack.mjs. ${createHash("sha256").update(bytes).digest("hex")}
#include "server/console_files.h"

asm(R"(
  .pushsection .rodata.millrace_console, "a", @progbits
  .global millrace_console_blob
  .hidden millrace_console_blob
millrace_console_blob:
  .incbin "${blob}"
  .popsection
)");

extern "C" __attribute__((visibility("hidden"))) const char millrace_console_blob[${size}];

namespace millrace {

namespace {

std::string_view part(std::size_t begin, std::size_t size) {
  return {millrace_console_blob + begin, size};
}

}  // namespace

std::span<const StaticFile> console_files() {
  static const StaticFile kFiles[] = {
${rows.join("\n")}
  };
  return kFiles;
}

}  // namespace millrace
`,
);
console.log(`${paths.length} files of the console packed into ${size} bytes`);
