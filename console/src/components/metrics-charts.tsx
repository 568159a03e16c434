// A page of graphs, with the time that they show, as graphs or as tables, and all their values as a file.

import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import ToggleButton from "@cloudscape-design/components/toggle-button";
import { keepPreviousData, useQuery, type UseQueryOptions } from "@tanstack/react-query";
import { useState } from "react";
import { useInterval } from "../api/queries";
import type { Metrics, Period } from "../api/types";
import { download } from "../lib/download";
import { type Chart, metricsCsv, reductionOf, valuesOf } from "../lib/metrics";
import { metricsRanges, type RangeName } from "../lib/metrics-ranges";
import { changeSettings, useSettings } from "../lib/settings";
import { Failure } from "./failure";
import { Loading } from "./loading";
import { MetricsChart } from "./metrics-chart";

interface Properties<Name extends string> {
  /** Of whom the graphs are; the name of the file begins with it. */
  subject: string;
  charts: readonly Chart<Name>[];
  query: (period: Period) => UseQueryOptions<Metrics<Name>, Error, Metrics<Name>, (string | Period)[]>;
}

export function MetricsCharts<Name extends string>({ subject, charts, query }: Properties<Name>) {
  const [rangeName, setRangeName] = useState<RangeName>("quarterHour");
  const { paused } = useSettings();
  const [table, setTable] = useState(false);
  const range = metricsRanges[rangeName];
  const metrics = useQuery({
    ...query(range.period),
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
                onClick={() => data && download(`${subject}-${rangeName}.csv`, metricsCsv(data))}
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
            {charts.map(({ title, description, formatValue, lines }) => (
              <MetricsChart
                key={title}
                title={title}
                description={description}
                formatValue={formatValue}
                series={lines.map((line) => ({
                  title: line.title,
                  values: valuesOf(data, line),
                  reduction: reductionOf(line),
                }))}
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
