// One graph of metrics, or the same numbers as a table.

import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import LineChart from "@cloudscape-design/components/line-chart";
import Pagination from "@cloudscape-design/components/pagination";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { bucketSize, downsample, type Reduction, type Values } from "../lib/downsample";

export interface ChartSeries {
  title: string;
  values: Values;
  reduction: Reduction;
}

export interface MetricsChartProps {
  title: string;
  description: string;
  series: readonly ChartSeries[];
  start: number; // of the first value, in milliseconds since the epoch
  step: number; // from one value to the next, in milliseconds
  formatValue: (value: number) => string;
  formatTime: (time: Date) => string;
  table: boolean;
}

const pointsMax = 360;
const rowsPerPage = 15;

export function MetricsChart(props: MetricsChartProps) {
  return props.table ? <ValueTable {...props} /> : <Graph {...props} />;
}

function Graph({ title, description, series, start, step, formatValue, formatTime }: MetricsChartProps) {
  const length = Math.max(0, ...series.map(({ values }) => values.length));
  const size = bucketSize(length, pointsMax);
  const lines = series.map(({ title: name, values, reduction }) => ({
    title: name,
    type: "line" as const,
    valueFormatter: formatValue,
    data: downsample(values, size, reduction).flatMap((y, index) =>
      y === null ? [] : [{ x: new Date(start + index * size * step), y }],
    ),
  }));
  const highest = Math.max(0, ...lines.flatMap(({ data }) => data.map(({ y }) => y)));
  return (
    <>
      <Header variant="h3" description={description}>
        {title}
      </Header>
      <LineChart
        ariaLabel={title}
        ariaDescription={`${description} The switch at the top of the page shows the numbers as a table.`}
        series={lines}
        xScaleType="time"
        xDomain={[new Date(start), new Date(start + Math.max(1, length - 1) * step)]}
        yDomain={[0, highest === 0 ? 1 : highest * 1.05]}
        height={150}
        hideFilter
        hideLegend={series.length === 1}
        i18nStrings={{
          xTickFormatter: formatTime,
          yTickFormatter: formatValue,
          chartAriaRoleDescription: "line chart",
          detailPopoverDismissAriaLabel: "Close",
          legendAriaLabel: "Lines of the graph",
          xAxisAriaRoleDescription: "time axis",
          yAxisAriaRoleDescription: "value axis",
        }}
        empty={<Box color="text-body-secondary">Nothing has been measured in this time.</Box>}
      />
    </>
  );
}

function ValueTable({ title, description, series, start, step, formatValue, formatTime }: MetricsChartProps) {
  const [page, setPage] = useState(1);
  const length = Math.max(0, ...series.map(({ values }) => values.length));
  const pages = Math.max(1, Math.ceil(length / rowsPerPage));
  const newest = length - 1 - (page - 1) * rowsPerPage;
  const indices = Array.from({ length: Math.min(rowsPerPage, newest + 1) }, (_, row) => newest - row);
  return (
    <Table
      variant="embedded"
      header={
        <Header variant="h3" description={description}>
          {title}
        </Header>
      }
      ariaLabels={{ tableLabel: title }}
      items={indices}
      trackBy={String}
      columnDefinitions={[
        {
          id: "time",
          header: "Time",
          isRowHeader: true,
          cell: (index) => formatTime(new Date(start + index * step)),
        },
        ...series.map(({ title: name, values }) => ({
          id: name,
          header: name,
          cell: (index: number) => {
            const value = values[index] ?? null;
            return value === null ? "not known" : formatValue(value);
          },
        })),
      ]}
      empty="Nothing has been measured in this time."
      pagination={
        <Pagination
          currentPageIndex={Math.min(page, pages)}
          pagesCount={pages}
          onChange={({ detail }) => setPage(detail.currentPageIndex)}
          ariaLabels={{
            nextPageLabel: "Older values",
            previousPageLabel: "Newer values",
            pageLabel: (number) => `Page ${number} of the values`,
          }}
        />
      }
    />
  );
}
