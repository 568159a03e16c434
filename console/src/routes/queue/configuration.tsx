// The settings of a queue, as GetQueueAttributes tells them.

import Container from "@cloudscape-design/components/container";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { useQuery } from "@tanstack/react-query";
import { attributesQuery } from "../../api/queries";
import { Failure } from "../../components/failure";
import { Loading } from "../../components/loading";
import type { TabProps } from "./tabs";

export default function ConfigurationTab({ queue }: TabProps) {
  const attributes = useQuery(attributesQuery(queue));
  if (attributes.error) {
    return <Failure what="The settings cannot be shown" error={attributes.error} retry={() => void attributes.refetch()} />;
  }
  if (!attributes.data) return <Loading what="Loading the settings" />;
  return (
    <Container>
      <KeyValuePairs
        columns={3}
        items={Object.entries(attributes.data).map(([label, value]) => ({ label, value }))}
      />
    </Container>
  );
}
