// @vitest-environment node

import { expect, test } from "vitest";
import { lintPolicy } from "../../src/lib/policy-lint";

const arn = "arn:aws:sqs:eu-west-1:111122223333:jobs";
const statement = {
  Sid: "one",
  Effect: "Allow",
  Principal: { AWS: "444455556666" },
  Action: "sqs:SendMessage",
  Resource: arn,
};

function policyOf(...statements: unknown[]) {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements }, null, 2);
}

function errorsOf(text: string) {
  return lintPolicy(text, arn).filter((finding) => finding.severity === "error");
}

// What the findings mark of the text.
function marked(text: string) {
  return lintPolicy(text, arn).map(({ from, to }) => text.slice(from, to));
}

test("finds nothing in policies as the guide has them", () => {
  for (const text of [
    "",
    policyOf(statement),
    policyOf({
      ...statement,
      Principal: { AWS: ["arn:aws:iam::444455556666:user/ada", "*"], Service: "sns.amazonaws.com" },
      Action: ["SQS:SendMessage", "sqs:Get*"],
      Condition: { ArnEquals: { "aws:SourceArn": ["a", "b"] }, "ForAnyValue:StringLikeIfExists": { a: "b" } },
    }),
    policyOf({ Effect: "Deny", NotPrincipal: { AWS: "444455556666" }, NotAction: ["sqs:*"], Resource: "*" }),
  ]) {
    expect(lintPolicy(text, arn)).toEqual([]);
  }
});

test.each([
  ["[]", "[]", /is an object/],
  ["{}", "{", /needs a "Statement"/],
  [policyOf(), "[]", /at least one/],
  [policyOf(1), "1", /is an object/],
  ['{"Version":"2020-01-01","Statement":' + JSON.stringify(statement) + "}", '"2020-01-01"', /2012-10-17/],
  [policyOf({ ...statement, Other: 1 }), '"Other"', /no such field/],
  [policyOf({ ...statement, NotAction: "sqs:*" }), '"NotAction"', /not both/],
  [policyOf({ ...statement, Effect: "allow" }), '"allow"', /"Allow" or "Deny"/],
  [policyOf({ ...statement, Principal: "me" }), '"me"', /names nobody/],
  [policyOf({ ...statement, Principal: {} }), "{}", /names nobody/],
  [policyOf({ ...statement, Principal: { X: "1" } }), '"X"', /kind of principal/],
  [policyOf({ ...statement, Principal: { AWS: "12345" } }), '"12345"', /twelve-digit/],
  [policyOf({ ...statement, Action: "s3:GetObject" }), '"s3:GetObject"', /sqs:/],
  [policyOf({ ...statement, Action: [] }), "[]", /text, or an array/],
  [policyOf({ ...statement, Resource: "jobs" }), '"jobs"', /is an ARN/],
  [policyOf({ ...statement, Condition: { StringMatches: { a: "b" } } }), '"StringMatches"', /operator/],
  [policyOf({ ...statement, Condition: { NullIfExists: { a: "true" } } }), '"NullIfExists"', /operator/],
  [policyOf({ ...statement, Condition: { Bool: true } }), "true", /object of condition keys/],
  [policyOf({ ...statement, Condition: { Bool: { a: [] } } }), "[]", /needs a text/],
])("marks what is wrong in %s", (text, place, message) => {
  const findings = errorsOf(text).filter((finding) => message.test(finding.message));
  expect(findings.map(({ from, to }) => text.slice(from, to))).toEqual([place]);
});

test("marks the place where JSON ends to be JSON", () => {
  const text = '{"Version": "2012-10-17" "Statement": []}';
  expect(marked(text)).toEqual(['"']);
  expect(lintPolicy(text)[0]?.from).toBe(text.indexOf('"Statement"'));
  expect(errorsOf("{")).toHaveLength(1);
});

test("warns of what is allowed and hardly meant", () => {
  expect(marked(policyOf({ ...statement, Principal: "*" }))).toEqual(['"*"']);
  expect(marked(policyOf({ ...statement, Action: "sqs:Publish" }))).toEqual(['"sqs:Publish"']);
  expect(marked(policyOf({ ...statement, Resource: arn + "-other" }))).toEqual([`"${arn}-other"`]);
  expect(marked(policyOf(statement, statement))).toEqual(['"one"']);
});

test("knows the quotas", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `sqs:Get*${"?".repeat(index)}`);
  const accounts = (count: number) => ({ AWS: Array.from({ length: count }, () => "444455556666") });
  const keys = (count: number) => ({ Bool: Object.fromEntries(many(count).map((key) => [key, "true"])) });
  const sids = (count: number) => Array.from({ length: count }, (_, index) => ({ ...statement, Sid: `s${index}` }));
  const within = { ...statement, Principal: accounts(50), Action: Array(7).fill("sqs:*"), Condition: keys(10) };
  expect(errorsOf(policyOf(within))).toEqual([]);
  expect(errorsOf(policyOf(...sids(20)))).toEqual([]);
  for (const text of [
    policyOf(...sids(21)),
    policyOf({ ...statement, Principal: accounts(51) }),
    policyOf({ ...statement, Action: Array(8).fill("sqs:*") }),
    policyOf({ ...statement, Condition: keys(11) }),
    policyOf(statement) + " ".repeat(8192),
  ]) {
    expect(
      errorsOf(text)
        .map(({ message }) => message)
        .join(),
    ).toMatch(/at most \d+ are taken/);
  }
});
