// @vitest-environment node

import { expect, test } from "vitest";
import { lintPolicy } from "../../src/lib/policy-lint";
import { addStatement, makeStatement, statementNames } from "../../src/lib/policy-statements";

const arn = "arn:aws:sqs:eu-west-1:111122223333:jobs";
const send = makeStatement({ kind: "send", accounts: ["444455556666"] }, arn, []);

test("makes policies in which the linter finds nothing", () => {
  let policy = "";
  for (const kind of ["send", "receive", "full", "secureTransport"] as const) {
    const statement = makeStatement({ kind, accounts: ["444455556666", "777788889999"] }, arn, statementNames(policy));
    policy = addStatement(policy, statement) ?? "";
  }
  expect(statementNames(policy)).toEqual(["AllowSend", "AllowReceive", "AllowAll", "RequireTls"]);
  expect(lintPolicy(policy, arn)).toEqual([]);
});

test("names the accounts in the partition of the queue", () => {
  expect(send["Principal"]).toEqual({ AWS: "arn:aws:iam::444455556666:root" });
  const china = makeStatement({ kind: "send", accounts: ["444455556666"] }, arn.replace("aws", "aws-cn"), []);
  expect(china["Principal"]).toEqual({ AWS: "arn:aws-cn:iam::444455556666:root" });
});

test("keeps what the policy has, also a single statement, and gives no name twice", () => {
  const policy = JSON.stringify({ Version: "2008-10-17", Id: "mine", Statement: send });
  const added = addStatement(policy, makeStatement({ kind: "send", accounts: ["1"] }, arn, statementNames(policy)));
  expect(JSON.parse(added ?? "")).toMatchObject({
    Version: "2008-10-17",
    Id: "mine",
    Statement: [send, { Sid: "AllowSend2" }],
  });
});

test("does not add to what is no policy", () => {
  expect(addStatement("{", send)).toBeUndefined();
  expect(addStatement("[]", send)).toBeUndefined();
});
