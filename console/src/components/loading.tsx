// What stands in place of something that is on its way.

import Box from "@cloudscape-design/components/box";
import Spinner from "@cloudscape-design/components/spinner";

export function Loading({ what = "Loading" }: { what?: string }) {
  return (
    <Box padding="l" color="text-body-secondary">
      <Spinner /> {what}
    </Box>
  );
}
