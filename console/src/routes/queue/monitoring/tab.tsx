// What a queue has done: by the second for the last quarter hour, by the minute for a day, by the hour for a month.

import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import ToggleButton from "@cloudscape-design/components/toggle-button";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../../api/client";
import { useInterval } from "../../../api/queries";
import type { GetQueueMetricsReply } from "../../../api/types";
import { Failure } from "../../../components/failure";
import { Loading } from "../../../components/loading";
import { MetricsChart } from "../../../components/metrics-chart";
import { download } from "../../../lib/download";
import { metricsRanges, type RangeName } from "../../../lib/metrics-ranges";
import { changeSettings, useSettings } from "../../../lib/settings";
import type { TabProps } from "../tabs";
import { charts, metricsCsv, valuesOf } from "./charts";

export default function MonitoringTab({ queue }: TabProps) {
  const [rangeName, setRangeName] = useState<RangeName>("quarterHour");
  const { paused } = useSettings();
  const [table, setTable] = useState(false);
  const range = metricsRanges[rangeName];
  const metrics = useQuery({
    queryKey: ["queue", queue.name, "metrics", range.period],
    queryFn: ({ signal }) => {
      const input = { QueueUrl: queue.url, Period: range.period };
      return call<GetQueueMetricsReply>("Millrace", "GetQueueMetrics", input, signal);
    },
    refetchInterval: useInterval(range.refreshSeconds),
    placeholderData: keepPreviousData,
  });
  const data = metrics.data;

  return (
    <Container
      header={
        <Header
          variant="h2"
          description={`One value ${range.step}. The server keeps the history in memory: it begins with its last start.`}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <SegmentedControl
                label="Time"
                selectedId={rangeName}
                onChange={({ detail }) => setRangeName(detail.selectedId as RangeName)}
                options={Object.entries(metricsRanges).map(([id, { text }]) => ({ id, text }))}
              />
              <SegmentedControl
                label="Show as"
                selectedId={table ? "table" : "graph"}
                onChange={({ detail }) => setTable(detail.selectedId === "table")}
                options={[
                  { id: "graph", text: "Graphs" },
                  { id: "table", text: "Tables" },
                ]}
              />
              <ToggleButton
                pressed={paused}
                onChange={({ detail }) => changeSettings({ paused: detail.pressed })}
                iconName="pause"
                pressedIconName="play"
              >
                {paused ? "Paused" : "Pause"}
              </ToggleButton>
              <Button
                iconName="download"
                disabled={!data}
                onClick={() => data && download(`${queue.name}-${rangeName}.csv`, metricsCsv(data))}
              >
                Download CSV
              </Button>
            </SpaceBetween>
          }
        >
          Monitoring
        </Header>
      }
    >
      <SpaceBetween size="m">
        {metrics.isError && (
          <Failure what="The metrics cannot be shown" error={metrics.error} retry={() => void metrics.refetch()} />
        )}
        {metrics.isPending && <Loading what="Loading the metrics" />}
        {data && (
          <Grid gridDefinition={charts.map(() => ({ colspan: { default: 12, s: 6 } }))}>
            {charts.map((chart) => (
              <MetricsChart
                key={chart.title}
                title={chart.title}
                description={chart.description}
                reduction={chart.reduction}
                formatValue={chart.formatValue}
                series={chart.lines.map(({ title, series }) => ({ title, values: valuesOf(data, chart, series) }))}
                start={data.Start}
                step={data.Period * 1000}
                formatTime={range.formatTime}
                table={table}
              />
            ))}
          </Grid>
        )}
      </SpaceBetween>
    </Container>
  );
}
