// How the server did lately: requests, their time, commits, connections and memory.

import Container from "@cloudscape-design/components/container";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import LineChart, { type LineChartProps } from "@cloudscape-design/components/line-chart";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { serverMetricsQuery, useInterval } from "../../api/queries";
import type { GetServerMetricsReply, Period, ServerSeriesName } from "../../api/types";
import { Failure } from "../../components/failure";
import { Loading } from "../../components/loading";
import { formatBytes, formatClock, formatNumber, formatTime } from "../../lib/format";
import { toPoints } from "../../lib/series";

interface ChartRow {
  title: string;
  series: { name: ServerSeriesName; title: string }[];
  format: (value: number) => string;
}

const milliseconds = (value: number) => `${formatNumber(value)} ms`;

const charts: ChartRow[] = [
  {
    title: "Requests",
    series: [
      { name: "Requests", title: "Requests" },
      { name: "Errors", title: "Errors" },
    ],
    format: formatNumber,
  },
  {
    title: "Time of a request",
    series: [
      { name: "RequestP50", title: "Median" },
      { name: "RequestP99", title: "99 of 100" },
    ],
    format: milliseconds,
  },
  {
    title: "Time of a commit",
    series: [
      { name: "CommitP50", title: "Median" },
      { name: "CommitP99", title: "99 of 100" },
    ],
    format: milliseconds,
  },
  { title: "Connections", series: [{ name: "Connections", title: "Connections" }], format: formatNumber },
  { title: "Memory in use", series: [{ name: "ResidentBytes", title: "Resident" }], format: formatBytes },
  { title: "Stored on the disk", series: [{ name: "StoreBytes", title: "Stored" }], format: formatBytes },
];

const periods: { id: `${Period}`; text: string }[] = [
  { id: "1", text: "15 minutes" },
  { id: "60", text: "1 day" },
  { id: "3600", text: "30 days" },
];

function Chart({ chart, metrics }: { chart: ChartRow; metrics: GetServerMetricsReply }) {
  const series: LineChartProps<Date>["series"] = chart.series.map(({ name, title }) => ({
    type: "line",
    title,
    data: toPoints(metrics.Series[name] ?? [], metrics.Start, metrics.Period),
    valueFormatter: chart.format,
  }));
  const time = metrics.Period === 1 ? formatClock : formatTime;
  return (
    <Container header={<Header variant="h3">{chart.title}</Header>}>
      <LineChart
        series={series}
        height={160}
        hideFilter
        xScaleType="time"
        xTickFormatter={(date) => time(date.getTime())}
        yTickFormatter={chart.format}
        ariaLabel={chart.title}
        hideLegend={series.length === 1}
        i18nStrings={{
          chartAriaRoleDescription: "line chart",
          xAxisAriaRoleDescription: "x axis",
          yAxisAriaRoleDescription: "y axis",
        }}
        empty="Nothing was measured yet."
      />
    </Container>
  );
}

export function ServerCharts() {
  const [period, setPeriod] = useState<Period>(1);
  const metrics = useQuery({ ...serverMetricsQuery(period), refetchInterval: useInterval(period === 1 ? 2 : 30) });
  return (
    <SpaceBetween size="m">
      <SegmentedControl
        label="Time shown"
        selectedId={String(period)}
        options={periods}
        onChange={({ detail }) => setPeriod(Number(detail.selectedId) as Period)}
      />
      {metrics.error && !metrics.data ? (
        <Failure what="The figures cannot be shown" error={metrics.error} retry={() => void metrics.refetch()} />
      ) : !metrics.data ? (
        <Loading what="Loading the figures" />
      ) : (
        <Grid gridDefinition={charts.map(() => ({ colspan: { default: 12, s: 6, l: 4 } }))}>
          {charts.map((chart) => (
            <Chart key={chart.title} chart={chart} metrics={metrics.data} />
          ))}
        </Grid>
      )}
    </SpaceBetween>
  );
}
