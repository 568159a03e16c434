// The access keys of the account: who may sign requests, and sign in here.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api/client";
import { accessKeysQuery, queryClient } from "../../api/queries";
import { useWriting } from "../../api/session";
import type { AccessKey } from "../../api/types";
import { Confirm } from "../../components/confirm";
import { Failure } from "../../components/failure";
import { formatNumber } from "../../lib/format";
import { notify } from "../../lib/notifications";
import { CreateAccessKey } from "./create-key";

type Dialog = "create" | "disable" | "enable" | "delete";

async function setStatus(key: AccessKey, status: AccessKey["Status"]) {
  await call("Millrace", "UpdateAccessKey", { AccessKeyId: key.AccessKeyId, Status: status });
  notify({ type: "success", content: `The access key ${key.AccessKeyId} is ${status.toLowerCase()} now.` });
  await queryClient.invalidateQueries({ queryKey: ["accessKeys"] });
}

async function remove(key: AccessKey) {
  await call("Millrace", "DeleteAccessKey", { AccessKeyId: key.AccessKeyId });
  notify({ type: "success", content: `Deleted the access key ${key.AccessKeyId}.` });
  await queryClient.invalidateQueries({ queryKey: ["accessKeys"] });
}

export default function AccessKeysPage() {
  const writing = useWriting();
  const [selected, setSelected] = useState<AccessKey[]>([]);
  const [dialog, setDialog] = useState<Dialog>();
  const keys = useQuery(accessKeysQuery());
  if (keys.error && !keys.data) {
    return <Failure what="The access keys cannot be listed" error={keys.error} retry={() => void keys.refetch()} />;
  }
  const all = keys.data?.Keys ?? [];
  // The list may have changed since one was chosen.
  const key = all.find((one) => one.AccessKeyId === selected[0]?.AccessKeyId);
  const fixed = writing.disabled || !keys.data?.Writable;
  const close = () => setDialog(undefined);
  return (
    <SpaceBetween size="m">
      {keys.data && !keys.data.Writable && (
        <Alert type="info" header="Keys cannot be changed here">
          The server has no file of credentials that it may write. Start it with --credentials FILE, make a user with
          “millrace keys”, then come back.
        </Alert>
      )}
      <Table
        variant="full-page"
        enableKeyboardNavigation
        items={all}
        trackBy="AccessKeyId"
        loading={keys.isPending}
        loadingText="Loading the access keys"
        selectionType="single"
        selectedItems={key ? [key] : []}
        onSelectionChange={({ detail }) => setSelected(detail.selectedItems)}
        isItemDisabled={(one) => one.Root}
        ariaLabels={{
          tableLabel: "Access keys",
          selectionGroupLabel: "Choose an access key",
          itemSelectionLabel: (_selection, one) => `Choose ${one.AccessKeyId}`,
        }}
        header={
          <Header
            variant="awsui-h1-sticky"
            counter={keys.data && `(${formatNumber(all.length)})`}
            description="Whoever has a key's secret acts as its user."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button {...writing} disabled={fixed || key?.Status !== "Inactive"} onClick={() => setDialog("enable")}>
                  Enable
                </Button>
                <Button {...writing} disabled={fixed || key?.Status !== "Active"} onClick={() => setDialog("disable")}>
                  Disable
                </Button>
                <Button {...writing} disabled={fixed || !key} onClick={() => setDialog("delete")}>
                  Delete
                </Button>
                <Button {...writing} variant="primary" disabled={fixed} onClick={() => setDialog("create")}>
                  Create access key
                </Button>
              </SpaceBetween>
            }
          >
            Access keys
          </Header>
        }
        columnDefinitions={[
          { id: "id", header: "Access key ID", isRowHeader: true, cell: (one) => one.AccessKeyId },
          { id: "user", header: "User", cell: (one) => (one.Root ? "The account itself (root)" : one.UserName) },
          {
            id: "status",
            header: "Status",
            cell: (one) => (
              <StatusIndicator type={one.Status === "Active" ? "success" : "stopped"}>{one.Status}</StatusIndicator>
            ),
          },
          { id: "account", header: "Account", cell: (one) => one.AccountId },
        ]}
        empty={<Box textAlign="center">The server has no access keys: it asks nobody who they are.</Box>}
      />
      {dialog === "create" && <CreateAccessKey users={[...new Set(all.map((one) => one.UserName))]} close={close} />}
      {dialog === "disable" && key && (
        <Confirm
          header="Disable the access key"
          verb="Disable"
          typed={key.AccessKeyId}
          act={() => setStatus(key, "Inactive")}
          close={close}
        >
          <Alert type="warning">
            Programs that sign with it are refused at once and its sessions end. It can be enabled again.
          </Alert>
        </Confirm>
      )}
      {dialog === "enable" && key && (
        <Confirm header="Enable the access key" verb="Enable" act={() => setStatus(key, "Active")} close={close}>
          <Box>
            Whoever has the secret of {key.AccessKeyId} can act as {key.UserName} again.
          </Box>
        </Confirm>
      )}
      {dialog === "delete" && key && (
        <Confirm
          header="Delete the access key"
          verb="Delete"
          typed={key.AccessKeyId}
          act={() => remove(key)}
          close={close}
        >
          <Alert type="warning">
            Programs that sign with it are refused at once and its sessions end. This cannot be undone.
          </Alert>
        </Confirm>
      )}
    </SpaceBetween>
  );
}
