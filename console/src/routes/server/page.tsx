// The server itself: what it is, how it does, what bounds it and how it was started.

import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import Tabs from "@cloudscape-design/components/tabs";
import { useQuery } from "@tanstack/react-query";
import { serverInformationQuery, serverMetricsQuery, useInterval } from "../../api/queries";
import type { GetServerInformationReply } from "../../api/types";
import { Failure } from "../../components/failure";
import { Live } from "../../components/live";
import { Loading } from "../../components/loading";
import { MetricsCharts } from "../../components/metrics-charts";
import { formatBytes, formatDuration, formatNumber, formatTime } from "../../lib/format";
import { charts } from "./charts";

const sources: Record<GetServerInformationReply["Options"][number]["Source"], string> = {
  default: "Default",
  flag: "Flag",
  environment: "Environment",
  file: "File",
};

function OnOff({ on, good }: { on: boolean; good: boolean }) {
  return <StatusIndicator type={on === good ? "success" : "warning"}>{on ? "On" : "Off"}</StatusIndicator>;
}

function Facts({ server }: { server: GetServerInformationReply }) {
  return (
    <Container>
      <KeyValuePairs
        columns={4}
        items={[
          { label: "Version", value: server.Version },
          { label: "Up since", value: `${formatTime(server.Started)} (${formatDuration(server.Uptime)})` },
          { label: "Region", value: server.Region },
          { label: "Data directory", value: <span className="wrapped">{server.DataDirectory}</span> },
          { label: "Stored", value: formatBytes(server.StoreBytes) },
          { label: "Free on the disk", value: formatBytes(server.DiskFreeBytes) },
          {
            label: "Memory in use",
            value: (
              <ProgressBar
                ariaLabel="Memory in use"
                value={Math.min(100, (server.ResidentBytes / Math.max(1, server.MemoryBudgetBytes)) * 100)}
                additionalInfo={`${formatBytes(server.ResidentBytes)}; budget of messages ${formatBytes(server.MemoryBudgetBytes)}`}
              />
            ),
          },
          { label: "Connections", value: formatNumber(server.Connections) },
          { label: "Queues", value: formatNumber(server.Queues) },
          { label: "Shards and cores", value: `${formatNumber(server.Shards)} and ${formatNumber(server.Cores)}` },
          { label: "TLS", value: <OnOff on={server.TLS} good /> },
          { label: "Development mode", value: <OnOff on={server.Development} good={false} /> },
        ]}
      />
    </Container>
  );
}

export default function ServerPage() {
  const information = useQuery({ ...serverInformationQuery(), refetchInterval: useInterval(5) });
  if (information.error && !information.data) {
    const retry = () => void information.refetch();
    return <Failure what="The server's facts cannot be shown" error={information.error} retry={retry} />;
  }
  if (!information.data) return <Loading what="Asking the server about itself" />;
  const server = information.data;
  return (
    <ContentLayout
      header={
        <Header variant="h1" actions={<Live query={information} />}>
          Server
        </Header>
      }
    >
      <SpaceBetween size="l">
        <Facts server={server} />
        <Tabs
          ariaLabel="About the server"
          i18nStrings={{ scrollLeftAriaLabel: "Scroll left", scrollRightAriaLabel: "Scroll right" }}
          tabs={[
            {
              id: "charts",
              label: "Monitoring",
              content: <MetricsCharts subject="server" charts={charts} query={serverMetricsQuery} />,
            },
            {
              id: "options",
              label: "Options",
              content: (
                <Table
                  variant="container"
                  wrapLines
                  enableKeyboardNavigation
                  items={server.Options ?? []}
                  trackBy="Name"
                  ariaLabels={{ tableLabel: "Options" }}
                  header={
                    <Header variant="h2" description="How the server was started. Secrets are not shown.">
                      Options
                    </Header>
                  }
                  columnDefinitions={[
                    { id: "name", header: "Option", isRowHeader: true, cell: (option) => option.Name },
                    {
                      id: "value",
                      header: "Value",
                      cell: (option) => <Box variant="code">{option.Value === "" ? "–" : option.Value}</Box>,
                    },
                    { id: "source", header: "Set by", cell: (option) => sources[option.Source] },
                    { id: "description", header: "Meaning", cell: (option) => option.Description },
                  ]}
                />
              ),
            },
            {
              id: "limits",
              label: "Limits",
              content: (
                <Table
                  variant="container"
                  wrapLines
                  enableKeyboardNavigation
                  items={server.Limits ?? []}
                  trackBy="Name"
                  ariaLabels={{ tableLabel: "Limits" }}
                  header={<Header variant="h2">Limits</Header>}
                  columnDefinitions={[
                    { id: "name", header: "Limit", isRowHeader: true, cell: (limit) => limit.Name },
                    {
                      id: "value",
                      header: "Value",
                      cell: (limit) => (typeof limit.Value === "number" ? formatNumber(limit.Value) : limit.Value),
                    },
                    { id: "description", header: "Meaning", cell: (limit) => limit.Description },
                  ]}
                />
              ),
            },
          ]}
        />
        <Box color="text-body-secondary" fontSize="body-s">
          The console is made with the work of others:{" "}
          <Link href="./licences.txt" external fontSize="body-s" externalIconAriaLabel="Opens in a new tab">
            their licences
          </Link>
          .
        </Box>
      </SpaceBetween>
    </ContentLayout>
  );
}
