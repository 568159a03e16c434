// Who may use a queue: its access policy as text, with marks for what is wrong in it, and a way to try it.

import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { call } from "../../../api/client";
import { describeError } from "../../../api/errors";
import { attributesQuery, queryClient } from "../../../api/queries";
import { useWriting } from "../../../api/session";
import { Failure } from "../../../components/failure";
import { JsonEditor, type JsonEditorHandle } from "../../../components/json-editor";
import { Loading } from "../../../components/loading";
import { forgetDraft, setDraft, useDraft } from "../../../lib/drafts";
import { indentJson } from "../../../lib/json-tree";
import { notify } from "../../../lib/notifications";
import { type Finding, lintPolicy } from "../../../lib/policy-lint";
import type { TabProps } from "../tabs";
import { AddStatement } from "./add-statement";
import { ReviewChanges } from "./review-changes";
import { Tester } from "./tester";

export default function PolicyTab({ queue, summary }: TabProps) {
  const attributes = useQuery(attributesQuery(queue));
  if (attributes.error && !attributes.data) {
    return (
      <Failure what="The policy cannot be shown" error={attributes.error} retry={() => void attributes.refetch()} />
    );
  }
  if (!attributes.data) return <Loading what="Loading the policy" />;
  return <PolicyEditor queue={queue} arn={summary.QueueArn} saved={attributes.data.Policy ?? ""} />;
}

function PolicyEditor({ queue, arn, saved }: { queue: TabProps["queue"]; arn: string; saved: string }) {
  const shown = indentJson(saved) ?? saved;
  const draftName = `policy ${queue.name}`;
  const text = useDraft<string>(draftName) ?? shown;
  const write = (policy: string) => setDraft(draftName, policy);
  const changed = text !== shown;
  const writing = useWriting();
  const [dialog, setDialog] = useState<"statement" | "review" | null>(null);
  const editor = useRef<JsonEditorHandle>(null);
  const lint = useCallback((policy: string) => lintPolicy(policy, arn), [arn]);
  const findings = lint(text);
  const wrong = findings.some(({ severity }) => severity === "error");

  const save = useMutation({
    mutationFn: () =>
      call("AmazonSQS", "SetQueueAttributes", { QueueUrl: queue.url, Attributes: { Policy: text.trim() } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ["queue", queue.name] });
      forgetDraft(draftName);
      setDialog(null);
      notify({ type: "success", content: "The access policy is saved." });
    },
  });
  const review = () => {
    save.reset();
    setDialog("review");
  };

  return (
    <SpaceBetween size="m">
      <Container
        header={
          <Header
            variant="h2"
            description="Who else may use this queue, and what nobody may do. Users of the queue's own account also have their own policies."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button onClick={() => setDialog("statement")}>Add statement</Button>
                <Button onClick={() => write(indentJson(text) ?? text)} disabled={indentJson(text) === undefined}>
                  Format
                </Button>
                <Button onClick={() => forgetDraft(draftName)} disabled={!changed}>
                  Discard changes
                </Button>
                <Button
                  {...writing}
                  variant="primary"
                  onClick={review}
                  disabled={writing.disabled || !changed || wrong}
                >
                  Save
                </Button>
              </SpaceBetween>
            }
          >
            Access policy
          </Header>
        }
      >
        <SpaceBetween size="xs">
          <JsonEditor ref={editor} value={text} onChange={write} lint={lint} label="Access policy as JSON" />
          <Findings text={text} findings={findings} onGoTo={(position) => editor.current?.goTo(position)} />
        </SpaceBetween>
      </Container>
      <Tester queueUrl={queue.url} draft={text} draftDiffers={changed} />
      {dialog === "statement" && (
        <AddStatement
          policy={text}
          queueArn={arn}
          onAdd={(policy) => {
            write(policy);
            setDialog(null);
          }}
          onClose={() => setDialog(null)}
        />
      )}
      {dialog === "review" && (
        <ReviewChanges
          before={saved}
          after={text}
          saving={save.isPending}
          error={save.isError ? describeError(save.error) : undefined}
          onSave={() => save.mutate()}
          onClose={() => setDialog(null)}
        />
      )}
    </SpaceBetween>
  );
}

interface FindingsProps {
  text: string;
  findings: readonly Finding[];
  onGoTo: (position: number) => void;
}

function Findings({ text, findings, onGoTo }: FindingsProps) {
  if (text.trim() === "") {
    return <StatusIndicator type="info">The queue has no policy: only its own account can use it.</StatusIndicator>;
  }
  if (findings.length === 0)
    return <StatusIndicator type="success">Nothing is wrong with this policy.</StatusIndicator>;
  return (
    <ul aria-label="What is wrong with the policy">
      {findings.map(({ from, severity, message }) => {
        const line = text.slice(0, from).split("\n").length;
        return (
          <li key={`${from} ${message}`}>
            <StatusIndicator type={severity}>
              <Link variant="secondary" onFollow={() => onGoTo(from)}>
                Line {line}
              </Link>
              : {message}
            </StatusIndicator>
          </li>
        );
      })}
    </ul>
  );
}
