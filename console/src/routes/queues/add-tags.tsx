// Gives the same tags to many queues.

import Box from "@cloudscape-design/components/box";
import { useState } from "react";
import { call } from "../../api/client";
import { type QueueName, refreshQueue } from "../../api/queries";
import { Confirm } from "../../components/confirm";
import { type Tag, TagEditor, tagsAreGood, toTagRecord } from "../../components/tag-editor";
import { countOf } from "../../lib/format";
import { notify } from "../../lib/notifications";

export default function AddTags({ queues, close }: { queues: QueueName[]; close: () => void }) {
  const [tags, setTags] = useState<Tag[]>([{ key: "", value: "" }]);

  async function run() {
    for (const queue of queues) {
      await call("AmazonSQS", "TagQueue", { QueueUrl: queue.url, Tags: toTagRecord(tags) });
      refreshQueue(queue.name);
    }
    notify({ type: "success", content: `Tagged ${countOf(queues.length, "queue")}.` });
  }

  return (
    <Confirm
      header={`Add tags to ${countOf(queues.length, "queue")}`}
      verb="Add tags"
      ready={tags.length > 0 && tagsAreGood(tags)}
      act={run}
      close={close}
    >
      <Box>A tag whose key a queue has already gets the new value.</Box>
      <TagEditor tags={tags} change={setTags} />
    </Confirm>
  );
}
