// The tags of a queue, changed in place.

import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api/client";
import { type QueueName, refreshQueue, tagsQuery } from "../../api/queries";
import { useWriting } from "../../api/session";
import { Failure } from "../../components/failure";
import { Loading } from "../../components/loading";
import { type Tag, TagEditor, tagsAreGood, toTagRecord, toTags } from "../../components/tag-editor";
import { forgetDraft, setDraft, useDraft } from "../../lib/drafts";
import { notify, notifyError } from "../../lib/notifications";
import type { TabProps } from "./tabs";

async function saveTags(queue: QueueName, before: Record<string, string>, after: Record<string, string>) {
  const removed = Object.keys(before).filter((key) => !(key in after));
  const changed = Object.fromEntries(Object.entries(after).filter(([key, value]) => before[key] !== value));
  if (removed.length > 0) await call("AmazonSQS", "UntagQueue", { QueueUrl: queue.url, TagKeys: removed });
  if (Object.keys(changed).length > 0) await call("AmazonSQS", "TagQueue", { QueueUrl: queue.url, Tags: changed });
}

export default function TagsTab({ queue }: TabProps) {
  const writing = useWriting();
  const query = useQuery(tagsQuery(queue));
  /** What is being typed, and what the server had when that began; nothing when nobody types. */
  const draftName = `tags ${queue.name}`;
  const typed = useDraft<{ tags: Tag[]; before: Record<string, string> }>(draftName);
  const [busy, setBusy] = useState(false);
  if (query.error && !query.data) {
    return <Failure what="The tags cannot be shown" error={query.error} retry={() => void query.refetch()} />;
  }
  if (!query.data) return <Loading what="Loading the tags" />;
  // Tags that others gave the queue meanwhile stay as they are.
  const before = typed?.before ?? query.data;
  const tags = typed?.tags ?? toTags(before);

  async function save() {
    setBusy(true);
    try {
      await saveTags(queue, before, toTagRecord(tags));
      await query.refetch();
      forgetDraft(draftName);
      refreshQueue(queue.name);
      notify({ type: "success", content: `Changed the tags of ${queue.name}.` });
    } catch (error) {
      notifyError("The tags were not changed", error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={`(${tags.length})`}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button disabled={typed === undefined} onClick={() => forgetDraft(draftName)}>
                Undo
              </Button>
              <Button
                variant="primary"
                loading={busy}
                {...writing}
                disabled={writing.disabled || typed === undefined || !tagsAreGood(tags)}
                onClick={() => void save()}
              >
                Save
              </Button>
            </SpaceBetween>
          }
        >
          Tags
        </Header>
      }
    >
      <TagEditor
        tags={tags}
        change={(changed) => setDraft(draftName, { tags: changed, before })}
        disabled={writing.disabled}
      />
    </Container>
  );
}
