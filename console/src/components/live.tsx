// How fresh the figures are, with a switch that makes them stand still and a button that asks anew.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { formatClock } from "../lib/format";
import { changeSettings, useSettings } from "../lib/settings";

export function Live({
  query,
}: {
  query: { dataUpdatedAt: number; isRefetchError?: boolean; refetch: () => unknown };
}) {
  const { paused } = useSettings();
  return (
    <SpaceBetween direction="horizontal" size="xs" alignItems="center">
      <Box fontSize="body-s" color="text-body-secondary">
        <span className="figures">
          {query.dataUpdatedAt === 0
            ? ""
            : `${query.isRefetchError ? "No answer since" : paused ? "Paused at" : "As of"} ${formatClock(query.dataUpdatedAt)}`}
        </span>
      </Box>
      <Button
        iconName={paused ? "play" : "pause"}
        variant="icon"
        ariaLabel={paused ? "Let the figures run" : "Pause the figures"}
        onClick={() => changeSettings({ paused: !paused })}
      />
      <Button iconName="refresh" variant="icon" ariaLabel="Refresh" onClick={() => void query.refetch()} />
    </SpaceBetween>
  );
}
