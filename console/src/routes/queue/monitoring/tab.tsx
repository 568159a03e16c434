// What a queue has done: by the second for the last quarter hour, by the minute for a day, by the hour for a month.

import { queueMetricsQuery } from "../../../api/queries";
import { MetricsCharts } from "../../../components/metrics-charts";
import type { TabProps } from "../tabs";
import { charts } from "./charts";

export default function MonitoringTab({ queue }: TabProps) {
  return <MetricsCharts subject={queue.name} charts={charts} query={(period) => queueMetricsQuery(queue, period)} />;
}
