// The settings of a queue as the form holds them, the ranges of SQS, and the way from and to the attributes
// of the API.

import type { QueueAttributeName, QueueAttributes, QueueType } from "../api/types";

export type DurationUnit = "s" | "min" | "h" | "d";

export const unitSeconds: Record<DurationUnit, number> = { s: 1, min: 60, h: 3600, d: 86400 };

/** A duration as it is typed: a number, which may not be one yet, and its unit. */
export interface DurationText {
  value: string;
  unit: DurationUnit;
}

export interface QueueSettings {
  type: QueueType;
  name: string;
  visibility: DurationText;
  delay: DurationText;
  retention: DurationText;
  receiveWait: string;
  /** KiB, which is how people think of it; a fraction is fine where it makes whole bytes. */
  messageSize: string;
  contentBasedDeduplication: boolean;
  highThroughput: boolean;
  deduplicationScope: "queue" | "messageGroup";
  throughputLimit: "perQueue" | "perMessageGroupId";
  encryption: "none" | "SSE-SQS" | "SSE-KMS";
  kmsKey: string;
  kmsReuse: DurationText;
  deadLetters: "none" | "existing" | "new";
  deadLetterArn: string;
  newDeadLetterName: string;
  maxReceives: string;
  redriveAllow: "allowAll" | "byQueue" | "denyAll";
  redriveSources: string;
  policy: string;
}

export const initialSettings: QueueSettings = {
  type: "standard",
  name: "",
  visibility: { value: "30", unit: "s" },
  delay: { value: "0", unit: "s" },
  retention: { value: "4", unit: "d" },
  receiveWait: "0",
  messageSize: "1024",
  contentBasedDeduplication: false,
  highThroughput: false,
  deduplicationScope: "queue",
  throughputLimit: "perQueue",
  encryption: "SSE-SQS",
  kmsKey: "",
  kmsReuse: { value: "5", unit: "min" },
  deadLetters: "none",
  deadLetterArn: "",
  newDeadLetterName: "",
  maxReceives: "10",
  redriveAllow: "allowAll",
  redriveSources: "",
  policy: "",
};

// --- numbers -------------------------------------------------------------------------------------

export function toSeconds({ value, unit }: DurationText): number {
  return value.trim() === "" ? Number.NaN : Number(value) * unitSeconds[unit];
}

/** In the largest unit in which it is a whole number. */
export function toDurationText(seconds: number): DurationText {
  const units: DurationUnit[] = ["d", "h", "min"];
  const unit = units.find((one) => seconds > 0 && seconds % unitSeconds[one] === 0) ?? "s";
  return { value: String(seconds / unitSeconds[unit]), unit };
}

interface Range {
  min: number;
  max: number;
  /** "0 seconds to 12 hours": also stands under the field. */
  text: string;
}

export const ranges = {
  visibility: { min: 0, max: 43_200, text: "0 seconds to 12 hours" },
  delay: { min: 0, max: 900, text: "0 seconds to 15 minutes" },
  retention: { min: 60, max: 1_209_600, text: "1 minute to 14 days" },
  receiveWait: { min: 0, max: 20, text: "0 to 20 seconds" },
  messageBytes: { min: 1024, max: 1_048_576, text: "1 to 1,024 KiB" },
  kmsReuse: { min: 60, max: 86_400, text: "1 minute to 24 hours" },
  maxReceives: { min: 1, max: 1000, text: "1 to 1,000" },
} satisfies Record<string, Range>;

function rangeProblem(value: number, range: Range): string | undefined {
  return Number.isInteger(value) && value >= range.min && value <= range.max
    ? undefined
    : `Enter a whole number from ${range.text}.`;
}

function wholeNumber(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

// --- what is wrong -------------------------------------------------------------------------------

const nameLengthMax = 80;
const policyBytesMax = 8192;
const sourcesMax = 10;
const fifoSuffix = ".fifo";

export function nameProblem(name: string, type: QueueType): string | undefined {
  if (name === "") return "Enter a name.";
  if (name.length > nameLengthMax) return `A name has at most ${nameLengthMax} characters; this has ${name.length}.`;
  const stem = name.endsWith(fifoSuffix) ? name.slice(0, -fifoSuffix.length) : name;
  if (type === "fifo" && stem === name) return "The name of a FIFO queue ends in .fifo.";
  if (type === "standard" && stem !== name) return "Only the names of FIFO queues end in .fifo.";
  if (!/^[A-Za-z0-9_-]+$/.test(stem)) return "Use letters, digits, - and _ only.";
  return undefined;
}

export function policyProblem(policy: string): string | undefined {
  if (policy.trim() === "") return undefined;
  if (new TextEncoder().encode(policy).length > policyBytesMax) return `A policy has at most ${policyBytesMax} bytes.`;
  try {
    const parsed: unknown = JSON.parse(policy);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
      ? undefined
      : "A policy is a JSON object.";
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The ARNs of a text with one on each line, or commas between. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== "");
}

function redriveSourcesProblem(text: string): string | undefined {
  const sources = listOf(text);
  if (sources.length === 0 || sources.length > sourcesMax)
    return `Enter the ARNs of 1 to ${sourcesMax} queues, one on each line.`;
  const wrong = sources.find((source) => !/^arn:aws[\w-]*:sqs:[\w-]+:\d{12}:.+$/.test(source));
  return wrong === undefined ? undefined : `“${wrong}” is not the ARN of a queue.`;
}

export type Problems = Partial<Record<keyof QueueSettings, string>>;

/** What must be mended before the settings can be sent, by field. */
export function findProblems(settings: QueueSettings): Problems {
  const { type } = settings;
  const problems: Problems = {
    name: nameProblem(settings.name, type),
    visibility: rangeProblem(toSeconds(settings.visibility), ranges.visibility),
    delay: rangeProblem(toSeconds(settings.delay), ranges.delay),
    retention: rangeProblem(toSeconds(settings.retention), ranges.retention),
    receiveWait: rangeProblem(wholeNumber(settings.receiveWait), ranges.receiveWait),
    messageSize: rangeProblem(wholeNumber(settings.messageSize) * 1024, ranges.messageBytes),
    policy: policyProblem(settings.policy),
  };
  if (settings.encryption === "SSE-KMS") {
    if (settings.kmsKey.trim() === "") problems.kmsKey = "Enter the name or the ARN of a key, such as alias/aws/sqs.";
    problems.kmsReuse = rangeProblem(toSeconds(settings.kmsReuse), ranges.kmsReuse);
  }
  if (settings.deadLetters !== "none") {
    problems.maxReceives = rangeProblem(wholeNumber(settings.maxReceives), ranges.maxReceives);
  }
  if (settings.deadLetters === "existing" && settings.deadLetterArn === "") {
    problems.deadLetterArn = "Choose the queue that takes the dead letters.";
  }
  if (settings.deadLetters === "new") {
    problems.newDeadLetterName =
      nameProblem(settings.newDeadLetterName, type) ??
      (settings.newDeadLetterName === settings.name ? "The dead-letter queue needs a name of its own." : undefined);
  }
  if (settings.redriveAllow === "byQueue") problems.redriveSources = redriveSourcesProblem(settings.redriveSources);
  if (settings.throughputLimit === "perMessageGroupId" && settings.deduplicationScope === "queue") {
    problems.throughputLimit = "A limit per message group needs deduplication per message group too.";
  }
  return Object.fromEntries(Object.entries(problems).filter(([, problem]) => problem !== undefined));
}

// --- attributes ----------------------------------------------------------------------------------

/** The attributes that say these settings, all of them: an empty text takes a setting away. */
export function toAttributes(settings: QueueSettings): QueueAttributes {
  const fifo: QueueAttributes =
    settings.type === "standard"
      ? {}
      : {
          ContentBasedDeduplication: String(settings.contentBasedDeduplication),
          DeduplicationScope: settings.deduplicationScope,
          FifoThroughputLimit: settings.throughputLimit,
        };
  const encryption: QueueAttributes =
    settings.encryption === "SSE-KMS"
      ? { KmsMasterKeyId: settings.kmsKey.trim(), KmsDataKeyReusePeriodSeconds: String(toSeconds(settings.kmsReuse)) }
      : { KmsMasterKeyId: "", SqsManagedSseEnabled: String(settings.encryption === "SSE-SQS") };
  return {
    VisibilityTimeout: String(toSeconds(settings.visibility)),
    DelaySeconds: String(toSeconds(settings.delay)),
    MessageRetentionPeriod: String(toSeconds(settings.retention)),
    ReceiveMessageWaitTimeSeconds: String(wholeNumber(settings.receiveWait)),
    MaximumMessageSize: String(wholeNumber(settings.messageSize) * 1024),
    ...fifo,
    ...encryption,
    RedrivePolicy:
      settings.deadLetters === "none"
        ? ""
        : JSON.stringify({
            deadLetterTargetArn: settings.deadLetterArn,
            maxReceiveCount: wholeNumber(settings.maxReceives),
          }),
    RedriveAllowPolicy:
      settings.redriveAllow === "allowAll"
        ? ""
        : JSON.stringify({
            redrivePermission: settings.redriveAllow,
            ...(settings.redriveAllow === "byQueue" && { sourceQueueArns: listOf(settings.redriveSources) }),
          }),
    Policy: settings.policy.trim(),
  };
}

function parseObject(text: string | undefined): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text ?? "{}");
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

export function toSettings(name: string, attributes: QueueAttributes): QueueSettings {
  const redrive = parseObject(attributes.RedrivePolicy);
  const allow = parseObject(attributes.RedriveAllowPolicy);
  const permission = allow.redrivePermission;
  const duration = (attribute: QueueAttributeName, otherwise: DurationText): DurationText =>
    attributes[attribute] === undefined ? otherwise : toDurationText(Number(attributes[attribute]));
  return {
    ...initialSettings,
    name,
    type: attributes.FifoQueue === "true" ? "fifo" : "standard",
    visibility: duration("VisibilityTimeout", initialSettings.visibility),
    delay: duration("DelaySeconds", initialSettings.delay),
    retention: duration("MessageRetentionPeriod", initialSettings.retention),
    receiveWait: attributes.ReceiveMessageWaitTimeSeconds ?? initialSettings.receiveWait,
    messageSize: String(Number(attributes.MaximumMessageSize ?? ranges.messageBytes.max) / 1024),
    contentBasedDeduplication: attributes.ContentBasedDeduplication === "true",
    highThroughput: attributes.FifoThroughputLimit === "perMessageGroupId",
    deduplicationScope: attributes.DeduplicationScope === "messageGroup" ? "messageGroup" : "queue",
    throughputLimit: attributes.FifoThroughputLimit === "perMessageGroupId" ? "perMessageGroupId" : "perQueue",
    encryption: attributes.KmsMasterKeyId ? "SSE-KMS" : attributes.SqsManagedSseEnabled === "true" ? "SSE-SQS" : "none",
    kmsKey: attributes.KmsMasterKeyId ?? "",
    kmsReuse: duration("KmsDataKeyReusePeriodSeconds", initialSettings.kmsReuse),
    deadLetters: redrive.deadLetterTargetArn === undefined ? "none" : "existing",
    deadLetterArn: typeof redrive.deadLetterTargetArn === "string" ? redrive.deadLetterTargetArn : "",
    maxReceives: redrive.maxReceiveCount === undefined ? initialSettings.maxReceives : String(redrive.maxReceiveCount),
    redriveAllow: permission === "byQueue" || permission === "denyAll" ? permission : "allowAll",
    redriveSources: Array.isArray(allow.sourceQueueArns) ? allow.sourceQueueArns.join("\n") : "",
    policy: formatJson(attributes.Policy ?? ""),
  };
}

/** JSON with a member on each line; what is not JSON as it is. */
export function formatJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/** What CreateQueue is given: what is not set need not be said. */
export function toCreation(settings: QueueSettings): QueueAttributes {
  const attributes = Object.entries(toAttributes(settings)).filter(([, value]) => value !== "");
  return { ...Object.fromEntries(attributes), ...(settings.type === "fifo" && { FifoQueue: "true" }) };
}

export interface Change {
  name: QueueAttributeName;
  before: string;
  after: string;
}

/** What the form changes of a queue that it was filled from. */
export function findChanges(before: QueueSettings, after: QueueSettings): Change[] {
  const old = toAttributes(before);
  return (Object.entries(toAttributes(after)) as [QueueAttributeName, string][])
    .map(([name, value]) => ({ name, before: old[name] ?? "", after: value }))
    .filter((change) => change.before !== change.after);
}
