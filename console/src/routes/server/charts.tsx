// How the server did lately: requests, their time, commits, connections and memory.

import Container from "@cloudscape-design/components/container";
import Grid from "@cloudscape-design/components/grid";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { serverMetricsQuery, useInterval } from "../../api/queries";
import type { GetServerMetricsReply, ServerSeriesName } from "../../api/types";
import { Failure } from "../../components/failure";
import { Loading } from "../../components/loading";
import { MetricsChart } from "../../components/metrics-chart";
import type { Values } from "../../lib/downsample";
import { formatBytes, formatNumber, formatRate } from "../../lib/format";
import { metricsRanges, type RangeName } from "../../lib/metrics-ranges";

interface ChartRow {
  title: string;
  description: string;
  series: { name: ServerSeriesName; title: string }[];
  /** The server's values are counts of a period, and are shown for each second of it. */
  perSecond?: boolean;
  format: (value: number) => string;
}

const milliseconds = (value: number) => `${formatNumber(value)} ms`;

const charts: ChartRow[] = [
  {
    title: "Requests",
    description: "Answers a second, and those of them that were errors.",
    series: [
      { name: "Requests", title: "Requests" },
      { name: "Errors", title: "Errors" },
    ],
    perSecond: true,
    format: formatRate,
  },
  {
    title: "Time of a request",
    description: "Without receives, which may wait for a message.",
    series: [
      { name: "RequestP50", title: "Median" },
      { name: "RequestP99", title: "99 of 100" },
    ],
    format: milliseconds,
  },
  {
    title: "Time of a commit",
    description: "Until the disk has it.",
    series: [
      { name: "CommitP50", title: "Median" },
      { name: "CommitP99", title: "99 of 100" },
    ],
    format: milliseconds,
  },
  {
    title: "Connections",
    description: "Open ones, of clients and browsers.",
    series: [{ name: "Connections", title: "Connections" }],
    format: formatNumber,
  },
  {
    title: "Memory in use",
    description: "Of the whole process.",
    series: [{ name: "ResidentBytes", title: "Resident" }],
    format: formatBytes,
  },
  {
    title: "Stored on the disk",
    description: "In the data directory.",
    series: [{ name: "StoreBytes", title: "Stored" }],
    format: formatBytes,
  },
];

function valuesOf(metrics: GetServerMetricsReply, chart: ChartRow, name: ServerSeriesName): Values {
  const values = metrics.Series[name] ?? [];
  return chart.perSecond ? values.map((value) => value && value / metrics.Period) : values;
}

export function ServerCharts() {
  const [rangeName, setRangeName] = useState<RangeName>("quarterHour");
  const [table, setTable] = useState(false);
  const range = metricsRanges[rangeName];
  const metrics = useQuery({
    ...serverMetricsQuery(range.period),
    refetchInterval: useInterval(range.refreshSeconds),
  });
  const data = metrics.data;
  return (
    <SpaceBetween size="m">
      <SpaceBetween direction="horizontal" size="xs">
        <SegmentedControl
          label="Time shown"
          selectedId={rangeName}
          options={Object.entries(metricsRanges).map(([id, { text }]) => ({ id, text }))}
          onChange={({ detail }) => setRangeName(detail.selectedId as RangeName)}
        />
        <SegmentedControl
          label="Show as"
          selectedId={table ? "table" : "graph"}
          options={[
            { id: "graph", text: "Graphs" },
            { id: "table", text: "Tables" },
          ]}
          onChange={({ detail }) => setTable(detail.selectedId === "table")}
        />
      </SpaceBetween>
      {metrics.error && (
        <Failure what="The figures cannot be shown" error={metrics.error} retry={() => void metrics.refetch()} />
      )}
      {metrics.isPending && <Loading what="Loading the figures" />}
      {data && (
        <Grid gridDefinition={charts.map(() => ({ colspan: { default: 12, s: 6, l: 4 } }))}>
          {charts.map((chart) => (
            <Container key={chart.title}>
              <MetricsChart
                title={chart.title}
                description={chart.description}
                reduction={chart.perSecond ? "average" : "highest"}
                formatValue={chart.format}
                series={chart.series.map(({ name, title }) => ({ title, values: valuesOf(data, chart, name) }))}
                start={data.Start}
                step={data.Period * 1000}
                formatTime={range.formatTime}
                table={table}
              />
            </Container>
          ))}
        </Grid>
      )}
    </SpaceBetween>
  );
}
