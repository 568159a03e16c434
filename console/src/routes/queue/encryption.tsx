// How a queue's messages are encrypted on the disk.

import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { useQuery } from "@tanstack/react-query";
import { attributesQuery } from "../../api/queries";
import { useWriting } from "../../api/session";
import { Copyable } from "../../components/copyable";
import { Failure } from "../../components/failure";
import { Loading } from "../../components/loading";
import { formatDuration } from "../../lib/format";
import { address, navigate } from "../../lib/router";
import type { TabProps } from "./tabs";

export default function EncryptionTab({ queue }: TabProps) {
  const writing = useWriting();
  const query = useQuery(attributesQuery(queue));
  if (query.error && !query.data) {
    return <Failure what="The encryption cannot be shown" error={query.error} retry={() => void query.refetch()} />;
  }
  if (!query.data) return <Loading what="Loading the encryption" />;
  const { KmsMasterKeyId, KmsDataKeyReusePeriodSeconds, SqsManagedSseEnabled } = query.data;
  const items = KmsMasterKeyId
    ? [
        { label: "Encryption", value: "A key of the keyring (SSE-KMS)" },
        { label: "Key", value: <Copyable text={KmsMasterKeyId} what="the key" /> },
        { label: "Data key reuse period", value: formatDuration(Number(KmsDataKeyReusePeriodSeconds)) },
      ]
    : [
        {
          label: "Encryption",
          value: SqsManagedSseEnabled === "true" ? "A key that the server manages (SSE-SQS)" : "None",
        },
      ];
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="It holds for messages that are sent from now on; those that are there stay as they were written."
          actions={
            <Button {...writing} onClick={() => navigate(address("edit-queue", queue.name))}>
              Edit
            </Button>
          }
        >
          Encryption
        </Header>
      }
    >
      <KeyValuePairs columns={3} items={items} />
    </Container>
  );
}
