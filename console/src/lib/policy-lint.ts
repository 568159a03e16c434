// Checks the text of a queue's access policy while it is written, and says where something is wrong.
//
// The server checks again when the policy is saved, and its word counts; but of a queue's policy it says
// only "Invalid value for the parameter Policy", as SQS does, so what is wrong must be said here.

import { type JsonNode, type JsonObject, JsonError, memberOf, parseJson } from "./json-tree";
import { matchesWildcards } from "./wildcard";

export interface Finding {
  from: number;
  to: number;
  severity: "error" | "warning";
  message: string;
}

export const policyLimits = { bytes: 8192, statements: 20, principals: 50, actions: 7, conditions: 10 };

/** The actions that a policy can name, and whether other accounts can ever be allowed them. */
export const policyActions: readonly { name: string; ownerOnly: boolean }[] = [
  { name: "AddPermission", ownerOnly: true },
  { name: "CancelMessageMoveTask", ownerOnly: true },
  { name: "ChangeMessageVisibility", ownerOnly: false },
  { name: "CreateQueue", ownerOnly: true },
  { name: "DeleteMessage", ownerOnly: false },
  { name: "DeleteQueue", ownerOnly: true },
  { name: "GetQueueAttributes", ownerOnly: false },
  { name: "GetQueueUrl", ownerOnly: false },
  { name: "ListDeadLetterSourceQueues", ownerOnly: false },
  { name: "ListMessageMoveTasks", ownerOnly: true },
  { name: "ListQueues", ownerOnly: true },
  { name: "ListQueueTags", ownerOnly: true },
  { name: "PurgeQueue", ownerOnly: false },
  { name: "ReceiveMessage", ownerOnly: false },
  { name: "RemovePermission", ownerOnly: true },
  { name: "SendMessage", ownerOnly: false },
  { name: "SetQueueAttributes", ownerOnly: true },
  { name: "StartMessageMoveTask", ownerOnly: true },
  { name: "TagQueue", ownerOnly: true },
  { name: "UntagQueue", ownerOnly: true },
];

const comparisons = [
  "StringEquals",
  "StringNotEquals",
  "StringEqualsIgnoreCase",
  "StringNotEqualsIgnoreCase",
  "StringLike",
  "StringNotLike",
  "NumericEquals",
  "NumericNotEquals",
  "NumericLessThan",
  "NumericLessThanEquals",
  "NumericGreaterThan",
  "NumericGreaterThanEquals",
  "DateEquals",
  "DateNotEquals",
  "DateLessThan",
  "DateLessThanEquals",
  "DateGreaterThan",
  "DateGreaterThanEquals",
  "Bool",
  "BinaryEquals",
  "IpAddress",
  "NotIpAddress",
  "ArnEquals",
  "ArnNotEquals",
  "ArnLike",
  "ArnNotLike",
];
const operatorPattern = new RegExp(
  `^(?:null|(?:ForAllValues:|ForAnyValue:)?(?:${comparisons.join("|")})(?:IfExists)?)$`,
  "i",
);

const principalKinds = ["AWS", "Service", "Federated", "CanonicalUser"];
const principalPattern =
  /^(?:\*|\d{12}|(?:AIDA|AROA)[A-Z0-9]{12,}|arn:aws(?:-cn|-us-gov)?:(?:iam::\d{12}:(?:root|(?:user|role)\/[^*?]+)|sts::\d{12}:(?:assumed-role\/[^*?/]+\/[^*?]+|federated-user\/[^*?]+)))$/;

/** @param queueArn when given, the statements that are not about that queue are pointed out. */
export function lintPolicy(text: string, queueArn?: string): Finding[] {
  if (text.trim() === "") return [];
  const linter = new Linter(queueArn);
  try {
    linter.policy(parseJson(text));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const from = Math.min(error.position, Math.max(0, text.length - 1));
    linter.error({ from, to: from + 1 }, `This is not JSON: ${error.message}`);
  }
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > policyLimits.bytes) {
    linter.error(
      { from: 0, to: text.length },
      `The policy has ${bytes} bytes; at most ${policyLimits.bytes} are taken. Shorten it or its spaces.`,
    );
  }
  return linter.findings.sort((a, b) => a.from - b.from);
}

type Place = Pick<JsonNode, "from" | "to">;
type Text = { text: string; node: JsonNode };

class Linter {
  readonly findings: Finding[] = [];

  constructor(private readonly queueArn?: string) {}

  error({ from, to }: Place, message: string) {
    this.findings.push({ from, to, severity: "error", message });
  }

  private warning({ from, to }: Place, message: string) {
    this.findings.push({ from, to, severity: "warning", message });
  }

  policy(policy: JsonNode) {
    if (policy.kind !== "object") {
      this.error(policy, 'A policy is an object: { "Version": …, "Statement": […] }.');
      return;
    }
    this.fieldsAre(policy, ["Version", "Id", "Statement"]);
    const version = memberOf(policy, "Version")?.value;
    if (!version) {
      this.warning(startOf(policy), 'Without "Version": "2012-10-17" policy variables are plain text.');
    } else if (!isText(version) || !["2012-10-17", "2008-10-17"].includes(version.value)) {
      this.error(version, 'The version is "2012-10-17" or, older, "2008-10-17".');
    }
    const id = memberOf(policy, "Id")?.value;
    if (id && !isText(id)) this.error(id, "Id must be a text.");
    const statement = memberOf(policy, "Statement");
    if (!statement) {
      this.error(startOf(policy), 'A policy needs a "Statement": an object, or an array of objects.');
      return;
    }
    const statements = statement.value.kind === "array" ? statement.value.items : [statement.value];
    if (statements.length === 0) this.error(statement.value, "There must be at least one statement.");
    this.countIsAtMost(statement.key, statements.length, policyLimits.statements, "statements");
    const seen = new Set<string>();
    for (const node of statements) {
      if (node.kind !== "object") this.error(node, "A statement is an object.");
      else this.statement(node, seen);
    }
  }

  private statement(statement: JsonObject, seen: Set<string>) {
    this.fieldsAre(statement, [
      "Sid",
      "Effect",
      "Principal",
      "NotPrincipal",
      "Action",
      "NotAction",
      "Resource",
      "NotResource",
      "Condition",
    ]);
    const sid = memberOf(statement, "Sid")?.value;
    if (sid && !isText(sid)) this.error(sid, "Sid must be a text.");
    if (sid && isText(sid)) {
      if (seen.has(sid.value)) this.warning(sid, "Another statement has this Sid; give each its own.");
      seen.add(sid.value);
    }
    const effect = memberOf(statement, "Effect")?.value;
    if (!effect) this.error(startOf(statement), 'The statement needs an "Effect": "Allow" or "Deny".');
    else if (!isText(effect) || !["Allow", "Deny"].includes(effect.value)) {
      this.error(effect, 'Effect is "Allow" or "Deny", written so.');
    }
    const principal = this.eitherOf(statement, "Principal", "NotPrincipal", true);
    if (principal) this.principal(principal.value, principal.key);
    const action = this.eitherOf(statement, "Action", "NotAction", true);
    if (action) this.actions(action.value, action.key);
    const resource = this.eitherOf(statement, "Resource", "NotResource", false);
    if (resource) this.resources(resource.value, resource.key.value === "NotResource");
    else this.warning(startOf(statement), 'Name the queue in "Resource", so that the statement says what it is about.');
    const condition = memberOf(statement, "Condition")?.value;
    if (condition) this.conditions(condition);
    if (principal && effect && isText(effect) && effect.value === "Allow" && !condition) {
      this.warnOfEverybody(principal);
    }
  }

  private warnOfEverybody({ key, value }: { key: JsonNode; value: JsonNode }) {
    const names = value.kind === "object" ? (memberOf(value, "AWS")?.value ?? value) : value;
    const everybody = textsOf(names)?.some(({ text }) => text === "*") ?? false;
    if (everybody && isText(key) && key.value === "Principal") {
      this.warning(
        value,
        "This allows everybody, also callers without credentials. Add a Condition, or name accounts.",
      );
    }
  }

  private principal(value: JsonNode, key: JsonNode) {
    if (isText(value) && value.value === "*") return;
    if (value.kind !== "object" || value.members.length === 0) {
      this.error(value, 'This names nobody. Write "*", or { "AWS": "account number or ARN" }.');
      return;
    }
    let count = 0;
    for (const member of value.members) {
      const kind = String(member.key.value);
      if (!principalKinds.includes(kind)) {
        this.error(member.key, `There is no such kind of principal; there are ${principalKinds.join(", ")}.`);
        continue;
      }
      const names = this.texts(member.value, kind);
      count += names.length;
      for (const { text, node } of names) {
        if (kind === "AWS" && !principalPattern.test(text)) {
          this.error(
            node,
            'Write a twelve-digit account number, "*", or an ARN such as arn:aws:iam::111122223333:user/ada.',
          );
        } else if (kind === "Service" && !/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(text)) {
          this.error(node, "Write the name of a service, such as sns.amazonaws.com.");
        }
      }
    }
    this.countIsAtMost(key, count, policyLimits.principals, "principals");
  }

  private actions(value: JsonNode, key: JsonNode) {
    const actions = this.texts(value, String(isText(key) ? key.value : "Action"));
    this.countIsAtMost(key, actions.length, policyLimits.actions, "actions");
    for (const { text, node } of actions) {
      if (text === "*") continue;
      const name = /^sqs:(.*)$/i.exec(text)?.[1];
      if (name === undefined)
        this.error(node, 'A queue\'s policy is about "sqs:…" actions only, such as "sqs:SendMessage".');
      else if (!policyActions.some((action) => matchesWildcards(name, action.name))) {
        this.warning(node, "No action has this name, so the statement says nothing about any.");
      }
    }
  }

  private resources(value: JsonNode, not: boolean) {
    const resources = this.texts(value, "Resource");
    const aboutQueue = resources.some(
      ({ text }) => text.includes("${") || this.queueArn === undefined || matchesWildcards(text, this.queueArn),
    );
    if (!not && resources.length > 0 && !aboutQueue) {
      this.warning(value, `This statement is not about this queue, ${this.queueArn}.`);
    }
    for (const { text, node } of resources) {
      if (text !== "*" && !/^arn:[^:]*:[^:]*:[^:]*:[^:]*:.+$/.test(text) && !text.includes("*")) {
        this.error(node, 'A resource is an ARN such as arn:aws:sqs:us-east-1:111122223333:jobs, or "*".');
      }
    }
  }

  private conditions(condition: JsonNode) {
    if (condition.kind !== "object") {
      this.error(condition, 'A condition is an object: { "Bool": { "aws:SecureTransport": "true" } }.');
      return;
    }
    let count = 0;
    for (const { key: operator, value: keys } of condition.members) {
      if (!operatorPattern.test(String(operator.value))) {
        this.error(operator, "There is no such condition operator. Others are StringEquals, ArnLike, IpAddress, Bool.");
      }
      if (keys.kind !== "object") {
        this.error(keys, "Behind an operator stands an object of condition keys and values.");
        continue;
      }
      for (const { key, value } of keys.members) {
        ++count;
        const values = value.kind === "array" ? value.items : [value];
        const scalar = (node: JsonNode) => ["string", "number", "boolean"].includes(node.kind);
        if (values.length === 0 || !values.every(scalar)) {
          this.error(value, `${String(key.value)} needs a text, or an array of texts.`);
        }
      }
    }
    this.countIsAtMost(condition, count, policyLimits.conditions, "condition keys");
  }

  private fieldsAre(object: JsonObject, names: readonly string[]) {
    const seen = new Set<string>();
    for (const { key } of object.members) {
      const name = String(key.value);
      if (!names.includes(name)) this.error(key, `There is no such field here. There are ${names.join(", ")}.`);
      if (seen.has(name)) this.error(key, `${name} stands here twice.`);
      seen.add(name);
    }
  }

  private eitherOf(statement: JsonObject, plain: string, negated: string, obligatory: boolean) {
    const one = memberOf(statement, plain);
    const other = memberOf(statement, negated);
    if (one && other) this.error(other.key, `A statement has ${plain} or ${negated}, not both.`);
    if (!one && !other && obligatory) {
      this.error(startOf(statement), `The statement needs ${article(plain)} "${plain}" or a "${negated}".`);
    }
    return one ?? other;
  }

  private texts(value: JsonNode, name: string): Text[] {
    const texts = textsOf(value);
    if (texts && texts.length > 0) return texts;
    this.error(value, `${name} must be a text, or an array of texts.`);
    return [];
  }

  private countIsAtMost(place: Place, count: number, max: number, what: string) {
    if (count > max) this.error(place, `There are ${count} ${what}; at most ${max} are taken.`);
  }
}

function article(word: string) {
  return /^[AEIOU]/.test(word) ? "an" : "a";
}

function isText(node: JsonNode): node is JsonNode & { kind: "string"; value: string } {
  return node.kind === "string";
}

function textsOf(value: JsonNode): Text[] | undefined {
  const nodes = value.kind === "array" ? value.items : [value];
  if (!nodes.every(isText)) return undefined;
  return nodes.map((node) => ({ text: node.value, node }));
}

// What is missing in an object has no place of its own, so its opening bracket is marked.
function startOf(object: JsonObject): Place {
  return { from: object.from, to: object.from + 1 };
}
