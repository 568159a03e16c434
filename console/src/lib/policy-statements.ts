// Makes the statements that queues most often need, and puts them into the text of a policy.

export interface StatementRequest {
  kind: "send" | "receive" | "full" | "secureTransport";
  accounts: readonly string[]; // twelve digits each; none are needed for 'secureTransport'
}

type Statement = Record<string, unknown> & { Sid: string };

const consumerActions = [
  "sqs:ReceiveMessage",
  "sqs:DeleteMessage",
  "sqs:ChangeMessageVisibility",
  "sqs:GetQueueAttributes",
  "sqs:GetQueueUrl",
];

/** @param taken the Sids that the policy has already */
export function makeStatement(request: StatementRequest, queueArn: string, taken: readonly string[]): Statement {
  const partition = queueArn.split(":")[1] ?? "aws";
  if (request.kind === "secureTransport") {
    return {
      Sid: freeName("RequireTls", taken),
      Effect: "Deny",
      Principal: "*",
      Action: "sqs:*",
      Resource: queueArn,
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    };
  }
  const [name, actions] = {
    send: ["AllowSend", ["sqs:SendMessage", "sqs:GetQueueUrl"]],
    receive: ["AllowReceive", consumerActions],
    full: ["AllowAll", "sqs:*"],
  }[request.kind] as [string, string | string[]];
  const principals = request.accounts.map((account) => `arn:${partition}:iam::${account}:root`);
  return {
    Sid: freeName(name, taken),
    Effect: "Allow",
    Principal: { AWS: principals.length === 1 ? principals[0] : principals },
    Action: actions,
    Resource: queueArn,
  };
}

/** The Sids of a policy's statements; none when the text is no policy. */
export function statementNames(policy: string): string[] {
  return statementsOf(policy).flatMap(({ Sid }) => (typeof Sid === "string" ? [Sid] : []));
}

/**
 * The policy with the statement behind its others, indented.
 * @returns nothing when the text is not a policy that could be added to.
 */
export function addStatement(policy: string, statement: Statement): string | undefined {
  if (policy.trim() === "") {
    return JSON.stringify({ Version: "2012-10-17", Statement: [statement] }, null, 2);
  }
  const document = parseObject(policy);
  if (!document) return undefined;
  return JSON.stringify({ ...document, Statement: [...statementsOf(policy), statement] }, null, 2);
}

function statementsOf(policy: string): Record<string, unknown>[] {
  const statements = parseObject(policy)?.["Statement"] ?? [];
  return (Array.isArray(statements) ? statements : [statements]) as Record<string, unknown>[];
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function freeName(name: string, taken: readonly string[]): string {
  let candidate = name;
  for (let number = 2; taken.includes(candidate); ++number) candidate = `${name}${number}`;
  return candidate;
}
