// A message that is being written, a draft for each queue; "edit and send again" fills it too.

import type { MessageAttributes } from "../api/types";
import { setDraft, useDraft } from "./drafts";

export interface AttributeDraft {
  name: string;
  /** "String", "Number", "Binary", or one of them with a label of one's own: "Number.price". */
  type: string;
  /** Base64 where the type is binary. */
  value: string;
}

export interface MessageDraft {
  body: string;
  attributes: AttributeDraft[];
  /** Seconds; "" is the queue's own delay. */
  delay: string;
  groupId: string;
  deduplicationId: string;
}

export const emptyDraft: MessageDraft = { body: "", attributes: [], delay: "", groupId: "", deduplicationId: "" };

export function useMessageDraft(queueName: string): MessageDraft {
  return useDraft<MessageDraft>(`message ${queueName}`) ?? emptyDraft;
}

export function setMessageDraft(queueName: string, draft: MessageDraft): void {
  setDraft(`message ${queueName}`, draft);
}

/** The attributes of a message that exists, to be edited. */
export function toAttributeDrafts(attributes: MessageAttributes | undefined): AttributeDraft[] {
  return Object.entries(attributes ?? {}).map(([name, value]) => ({
    name,
    type: value.DataType,
    value: value.StringValue ?? value.BinaryValue ?? "",
  }));
}

// --- what is wrong -------------------------------------------------------------------------------

export const attributesMax = 10;
const attributeNameMax = 256;
const tokenMax = 128;
const delayMax = 900;
const token = /^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]+$/;

export function kindOf(type: string): "String" | "Number" | "Binary" | undefined {
  const kind = type.split(".", 1)[0];
  return kind === "String" || kind === "Number" || kind === "Binary" ? kind : undefined;
}

export function attributeNameProblem(attribute: AttributeDraft, all: AttributeDraft[]): string | undefined {
  const { name } = attribute;
  if (name === "") return "Enter a name, or remove the row.";
  if (name.length > attributeNameMax) return `A name has at most ${attributeNameMax} characters.`;
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) return "Use letters, digits, _, - and . only.";
  if (name.startsWith(".") || name.endsWith(".") || name.includes("..")) return "A . stands between other characters.";
  if (/^(aws|amazon)\./i.test(name)) return "Names that begin with aws. or amazon. are reserved.";
  if (all.filter((other) => other.name === name).length > 1) return "This name is there twice.";
  return undefined;
}

export function attributeTypeProblem({ type }: AttributeDraft): string | undefined {
  return kindOf(type) ? undefined : "Enter String, Number or Binary, or one of them with a label: Number.price.";
}

export function attributeValueProblem({ type, value }: AttributeDraft): string | undefined {
  if (value === "") return "Enter a value.";
  if (kindOf(type) === "Number" && !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value.trim())) {
    return "Enter a number, such as 12.5 or -3e4.";
  }
  if (kindOf(type) === "Binary" && !isBase64(value)) return "Enter the bytes in base64.";
  return undefined;
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
}

function tokenProblem(text: string): string | undefined {
  if (text.length > tokenMax) return `It has at most ${tokenMax} characters.`;
  return text === "" || token.test(text) ? undefined : "Use letters, digits and punctuation, without spaces.";
}

export interface DraftProblems {
  body?: string;
  attributes?: string;
  delay?: string;
  groupId?: string;
  deduplicationId?: string;
}

export function findDraftProblems(draft: MessageDraft, fifo: boolean, contentBased: boolean): DraftProblems {
  const problems: DraftProblems = {};
  if (draft.body === "") problems.body = "Enter a body: a message has at least one character.";
  const good = draft.attributes.every(
    (one) => !attributeNameProblem(one, draft.attributes) && !attributeTypeProblem(one) && !attributeValueProblem(one),
  );
  if (!good) problems.attributes = "Some attributes need mending.";
  const delay = Number(draft.delay);
  if (draft.delay !== "" && !(Number.isInteger(delay) && delay >= 0 && delay <= delayMax)) {
    problems.delay = `Enter a whole number from 0 to ${delayMax} seconds.`;
  }
  problems.groupId = tokenProblem(draft.groupId);
  problems.deduplicationId = tokenProblem(draft.deduplicationId);
  if (fifo && draft.groupId === "") problems.groupId = "A FIFO queue needs a message group ID.";
  if (fifo && !contentBased && draft.deduplicationId === "") {
    problems.deduplicationId = "Enter one: this queue does not make them from the body.";
  }
  return Object.fromEntries(Object.entries(problems).filter(([, problem]) => problem !== undefined));
}

/** The members of SendMessage. */
export function toSendInput(draft: MessageDraft, fifo: boolean): object {
  const attributes: MessageAttributes = Object.fromEntries(
    draft.attributes.map(({ name, type, value }) => [
      name,
      { DataType: type, ...(kindOf(type) === "Binary" ? { BinaryValue: value } : { StringValue: value }) },
    ]),
  );
  return {
    MessageBody: draft.body,
    ...(draft.attributes.length > 0 && { MessageAttributes: attributes }),
    ...(!fifo && draft.delay !== "" && { DelaySeconds: Number(draft.delay) }),
    ...(draft.groupId !== "" && { MessageGroupId: draft.groupId }),
    ...(fifo && draft.deduplicationId !== "" && { MessageDeduplicationId: draft.deduplicationId }),
  };
}

/** What a body is, for the line below it. */
export function describeBody(body: string): { kind: "empty" | "json" | "text" | "broken"; text: string } {
  if (body === "") return { kind: "empty", text: "Text or JSON." };
  const looksLikeJson = /^\s*[[{]/.test(body);
  try {
    JSON.parse(body);
    return { kind: "json", text: "Good JSON." };
  } catch (error) {
    if (!looksLikeJson) return { kind: "text", text: "Plain text." };
    return { kind: "broken", text: `Not good JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
