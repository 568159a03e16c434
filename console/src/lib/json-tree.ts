// Reads JSON into a tree that knows where each value stands in the text, and writes it indented.
//
// JSON.parse() is not enough for either use: it rounds long numbers and drops repeated keys, so what a
// message is shown as would not be what was sent, and it does not say on which line of a policy a field is.

export type JsonNode = JsonObject | JsonArray | JsonScalar;

interface Place {
  from: number; // the first character
  to: number; // behind the last character
}

export interface JsonObject extends Place {
  kind: "object";
  members: JsonMember[];
}

export interface JsonMember {
  key: JsonScalar;
  value: JsonNode;
}

export interface JsonArray extends Place {
  kind: "array";
  items: JsonNode[];
}

export interface JsonScalar extends Place {
  kind: "string" | "number" | "boolean" | "null";
  value: string | number | boolean | null;
}

/** Why a text is not JSON, and where. */
export class JsonError extends Error {
  constructor(
    message: string,
    readonly position: number,
  ) {
    super(message);
  }
}

// A body may be a million brackets; deeper than this the stack of the reader would be at risk.
const depthMax = 400;

/** @throws JsonError */
export function parseJson(text: string): JsonNode {
  return new Reader(text).document();
}

/** The text indented by two spaces, every value as it was written; nothing when it is not JSON. */
export function indentJson(text: string): string | undefined {
  try {
    return write(text, parseJson(text), "");
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** The value of a member of an object; of a repeated key the last, as everywhere. */
export function memberOf(object: JsonObject, name: string): JsonMember | undefined {
  return object.members.findLast((member) => member.key.value === name);
}

function write(text: string, node: JsonNode, indent: string): string {
  const inner = indent + "  ";
  if (node.kind === "object") {
    if (node.members.length === 0) return "{}";
    const members = node.members.map(
      ({ key, value }) => `${inner}${text.slice(key.from, key.to)}: ${write(text, value, inner)}`,
    );
    return `{\n${members.join(",\n")}\n${indent}}`;
  }
  if (node.kind === "array") {
    if (node.items.length === 0) return "[]";
    const items = node.items.map((item) => inner + write(text, item, inner));
    return `[\n${items.join(",\n")}\n${indent}]`;
  }
  return text.slice(node.from, node.to);
}

const space = /[ \t\r\n]*/y;
const stringToken = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const numberToken = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const wordToken = /true|false|null/y;

class Reader {
  private position = 0;

  constructor(private readonly text: string) {}

  document(): JsonNode {
    const node = this.value(0);
    this.skipSpace();
    if (this.position < this.text.length) throw this.error("Nothing may stand behind the value.");
    return node;
  }

  private value(depth: number): JsonNode {
    if (depth > depthMax) throw this.error(`More than ${depthMax} values are nested here.`);
    this.skipSpace();
    const first = this.text[this.position];
    if (first === "{") return this.object(depth);
    if (first === "[") return this.array(depth);
    if (first === '"') return this.string();
    return this.word() ?? this.number();
  }

  private object(depth: number): JsonObject {
    const from = this.position++;
    const members: JsonMember[] = [];
    if (!this.takes("}")) {
      do {
        this.skipSpace();
        if (this.text[this.position] !== '"') throw this.error("A name in double quotes is wanted here.");
        const key = this.string();
        if (!this.takes(":")) throw this.error("A colon is wanted here.");
        members.push({ key, value: this.value(depth + 1) });
      } while (this.takes(","));
      if (!this.takes("}")) throw this.error("A comma or } is wanted here.");
    }
    return { kind: "object", members, from, to: this.position };
  }

  private array(depth: number): JsonArray {
    const from = this.position++;
    const items: JsonNode[] = [];
    if (!this.takes("]")) {
      do items.push(this.value(depth + 1));
      while (this.takes(","));
      if (!this.takes("]")) throw this.error("A comma or ] is wanted here.");
    }
    return { kind: "array", items, from, to: this.position };
  }

  private string(): JsonScalar {
    const from = this.position;
    const token = this.match(stringToken);
    if (token === undefined) {
      throw this.error("This text has no closing quote, or a character in it that must be escaped.");
    }
    return { kind: "string", value: JSON.parse(token) as string, from, to: this.position };
  }

  private number(): JsonScalar {
    const from = this.position;
    const token = this.match(numberToken);
    if (token === undefined) throw this.error("A value is wanted here.");
    return { kind: "number", value: Number(token), from, to: this.position };
  }

  private word(): JsonScalar | undefined {
    const from = this.position;
    const token = this.match(wordToken);
    if (token === undefined) return undefined;
    const value = JSON.parse(token) as boolean | null;
    return { kind: value === null ? "null" : "boolean", value, from, to: this.position };
  }

  private takes(character: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== character) return false;
    ++this.position;
    return true;
  }

  private skipSpace() {
    this.match(space);
  }

  private match(token: RegExp): string | undefined {
    token.lastIndex = this.position;
    const found = token.exec(this.text)?.[0];
    if (found !== undefined) this.position += found.length;
    return found;
  }

  private error(message: string): JsonError {
    return new JsonError(message, Math.min(this.position, this.text.length));
  }
}
