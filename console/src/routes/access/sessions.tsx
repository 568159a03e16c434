// Who is signed in to the console, from where; sessions can be ended here.

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api/client";
import { queryClient, sessionsQuery, useInterval } from "../../api/queries";
import { useWriting } from "../../api/session";
import type { ConsoleSession } from "../../api/types";
import { Confirm } from "../../components/confirm";
import { Failure } from "../../components/failure";
import { Live } from "../../components/live";
import { formatNumber, formatTime } from "../../lib/format";
import { notify } from "../../lib/notifications";

export default function SessionsPage() {
  const writing = useWriting();
  const [ending, setEnding] = useState<ConsoleSession>();
  const sessions = useQuery({ ...sessionsQuery(), refetchInterval: useInterval(10) });
  if (sessions.error && !sessions.data) {
    return (
      <Failure what="The sessions cannot be listed" error={sessions.error} retry={() => void sessions.refetch()} />
    );
  }
  const all = sessions.data?.Sessions ?? [];

  async function end(session: ConsoleSession) {
    await call("Millrace", "RevokeSession", { Id: session.Id });
    notify({ type: "success", content: "Ended the session." });
    await queryClient.invalidateQueries({ queryKey: ["sessions"] });
  }

  return (
    <>
      <Table
        variant="full-page"
        enableKeyboardNavigation
        items={all}
        trackBy="Id"
        loading={sessions.isPending}
        loadingText="Loading the sessions"
        ariaLabels={{ tableLabel: "Sessions" }}
        header={
          <Header
            variant="awsui-h1-sticky"
            counter={sessions.data && `(${formatNumber(all.length)})`}
            description="Signed in to this console now."
            actions={<Live query={sessions} />}
          >
            Sessions
          </Header>
        }
        columnDefinitions={[
          {
            id: "arn",
            header: "Who",
            isRowHeader: true,
            cell: (session) => (
              <SpaceBetween direction="horizontal" size="xs">
                <span className="wrapped">{session.Arn}</span>
                {session.Current && <StatusIndicator type="success">This session</StatusIndicator>}
              </SpaceBetween>
            ),
          },
          { id: "key", header: "Access key ID", cell: (session) => session.AccessKeyId },
          { id: "address", header: "From", cell: (session) => session.SourceAddress },
          { id: "access", header: "May", cell: (session) => (session.ReadOnly ? "Look" : "Look and change") },
          { id: "created", header: "Signed in", cell: (session) => formatTime(session.Created) },
          { id: "used", header: "Last used", cell: (session) => formatTime(session.LastUsed) },
          {
            id: "actions",
            header: "Actions",
            cell: (session) => (
              <Button
                {...writing}
                variant="inline-link"
                ariaLabel={`End the session of ${session.Arn} from ${session.SourceAddress}`}
                onClick={() => setEnding(session)}
              >
                End
              </Button>
            ),
          },
        ]}
        empty={<Box textAlign="center">Nobody is signed in: in development mode there are no sessions.</Box>}
      />
      {ending && (
        <Confirm
          header="End the session"
          verb="End the session"
          act={() => end(ending)}
          close={() => setEnding(undefined)}
        >
          <Box>
            {ending.Current
              ? "It is the one that you use: you will be asked to sign in again."
              : `${ending.Arn} has to sign in again. To keep them out, disable the access key too.`}
          </Box>
        </Confirm>
      )}
    </>
  );
}
