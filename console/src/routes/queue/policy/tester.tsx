// "Who can do what": asks the server's own evaluator, so the answer is what a request would hear.

import Alert from "@cloudscape-design/components/alert";
import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Autosuggest from "@cloudscape-design/components/autosuggest";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { describeError } from "../../../api/errors";
import { call } from "../../../api/client";
import type { TestPolicyInput, TestPolicyReply } from "../../../api/types";
import { policyActions } from "../../../lib/policy-lint";

interface TesterProps {
  queueUrl: string;
  draft: string;
  draftDiffers: boolean;
}

type Result = TestPolicyReply["Results"][number];

const contextKeys = [
  "aws:SourceIp",
  "aws:SecureTransport",
  "aws:SourceArn",
  "aws:SourceAccount",
  "aws:CurrentTime",
  "aws:UserAgent",
  "aws:Referer",
  "aws:PrincipalOrgID",
  "aws:SourceVpce",
];

const decisions: Record<Result["Decision"], { type: StatusIndicatorProps.Type; text: string }> = {
  allowed: { type: "success", text: "Allowed" },
  explicitDeny: { type: "error", text: "Denied by a statement" },
  implicitDeny: { type: "stopped", text: "Not allowed by any statement" },
};

export function Tester({ queueUrl, draft, draftDiffers }: TesterProps) {
  const [who, setWho] = useState<"principal" | "anonymous">("principal");
  const [principal, setPrincipal] = useState("");
  const [actions, setActions] = useState<readonly string[]>([]);
  const [context, setContext] = useState<readonly { key: string; value: string }[]>([]);
  const test = useMutation({
    mutationFn: (input: TestPolicyInput) => call<TestPolicyReply>("Millrace", "TestPolicy", input),
  });

  const isAccount = /^\d{12}$/.test(principal);
  const principalError =
    who === "principal" && !isAccount && !principal.startsWith("arn:")
      ? "Write twelve digits, or an ARN such as arn:aws:iam::111122223333:user/ada."
      : "";
  const run = () => {
    if (principalError !== "") return;
    test.mutate({
      QueueUrl: queueUrl,
      ...(draftDiffers && { Policy: draft }),
      ...(who === "anonymous"
        ? { PrincipalArn: "*" }
        : isAccount
          ? { AccountId: principal }
          : { PrincipalArn: principal }),
      ...(actions.length > 0 && { Actions: actions.map((name) => `sqs:${name}`) }),
      ...(context.length > 0 && {
        Context: Object.fromEntries(context.filter(({ key }) => key !== "").map(({ key, value }) => [key, value])),
      }),
    });
  };

  return (
    <Container
      header={
        <Header
          variant="h2"
          description={
            draftDiffers
              ? "Asks the server about the policy in the editor, which is not saved yet."
              : "Asks the server about the policy of the queue and, for users of this server, their own policies."
          }
        >
          Who can do what
        </Header>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <SpaceBetween size="m">
          <ColumnLayout columns={2}>
            <FormField label="Who asks">
              <RadioGroup
                value={who}
                onChange={({ detail }) => setWho(detail.value as typeof who)}
                items={[
                  { value: "principal", label: "An account, user or role" },
                  { value: "anonymous", label: "Somebody without credentials" },
                ]}
              />
            </FormField>
            {who === "principal" && (
              <FormField label="Account number or ARN" errorText={principal === "" ? "" : principalError}>
                <Input
                  value={principal}
                  onChange={({ detail }) => setPrincipal(detail.value.trim())}
                  placeholder="arn:aws:iam::111122223333:user/ada"
                  spellcheck={false}
                />
              </FormField>
            )}
          </ColumnLayout>
          <FormField label="Actions" description="All that a policy can name, unless you choose some.">
            <Multiselect
              selectedOptions={actions.map((name) => ({ value: name, label: name }))}
              options={policyActions.map(({ name }) => ({ value: name, label: name }))}
              onChange={({ detail }) => setActions(detail.selectedOptions.map(({ value }) => value ?? ""))}
              filteringType="auto"
              placeholder="All actions"
              deselectAriaLabel={({ label }) => `Remove ${label}`}
            />
          </FormField>
          <FormField
            label="Facts about the request"
            description="For the conditions of statements: from which address, over TLS or not, for which topic."
            stretch
          >
            <AttributeEditor
              items={context}
              addButtonText="Add a fact"
              removeButtonText="Remove"
              empty="The request has no facts beyond who asks."
              onAddButtonClick={() => setContext([...context, { key: "", value: "" }])}
              onRemoveButtonClick={({ detail }) => setContext(context.filter((_, index) => index !== detail.itemIndex))}
              definition={[
                {
                  label: "Condition key",
                  control: (item, index) => (
                    <Autosuggest
                      value={item.key}
                      options={contextKeys.map((key) => ({ value: key }))}
                      enteredTextLabel={(text) => `Use "${text}"`}
                      ariaLabel="Condition key"
                      placeholder="aws:SourceIp"
                      onChange={({ detail }) => setContext(context.with(index, { ...item, key: detail.value }))}
                    />
                  ),
                },
                {
                  label: "Value",
                  control: (item, index) => (
                    <Input
                      value={item.value}
                      ariaLabel="Value"
                      placeholder="192.0.2.7"
                      onChange={({ detail }) => setContext(context.with(index, { ...item, value: detail.value }))}
                    />
                  ),
                },
              ]}
            />
          </FormField>
          <Button formAction="submit" loading={test.isPending} disabled={who === "principal" && principalError !== ""}>
            Ask the server
          </Button>
          {test.isError && (
            <Alert type="error" header="The server could not say">
              {describeError(test.error)}
            </Alert>
          )}
          {test.data && <Results results={test.data.Results} />}
        </SpaceBetween>
      </form>
    </Container>
  );
}

function Results({ results }: { results: readonly Result[] }) {
  return (
    <div aria-live="polite">
      <Table
        variant="embedded"
        items={results}
        trackBy="Action"
        ariaLabels={{ tableLabel: "What the server decides" }}
        empty={<Box>The server decided about no action.</Box>}
        columnDefinitions={[
          { id: "action", header: "Action", isRowHeader: true, cell: (result) => result.Action },
          {
            id: "decision",
            header: "Decision",
            cell: ({ Decision }) => (
              <StatusIndicator type={decisions[Decision].type}>{decisions[Decision].text}</StatusIndicator>
            ),
          },
          {
            id: "statements",
            header: "Because of",
            cell: ({ Statements }) => Statements.map(statementText).join("; ") || "no statement that applies",
          },
        ]}
      />
    </div>
  );
}

function statementText({ Source, Sid, Index, Effect }: Result["Statements"][number]): string {
  const name = Sid ? `"${Sid}"` : `number ${Index + 1}`;
  const policy = Source === "queue" ? "the queue's policy" : "a policy of the caller";
  return `${Effect} by statement ${name} of ${policy}`;
}
