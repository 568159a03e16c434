// Receives as a consumer does: what is received is hidden from others until its visibility timeout is over
// and its receive count goes up. To look without taking there is the tab of messages.

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useEffect, useRef, useState } from "react";
import { call } from "../../../api/client";
import { type QueueName, refreshQueue } from "../../../api/queries";
import { useWriting } from "../../../api/session";
import { countOf, formatNumber, formatTime } from "../../../lib/format";
import { notify, notifyError } from "../../../lib/notifications";
import { ChangeVisibility } from "./change-visibility";
import { type HeldMessage, poll, type PollSettings } from "./poll";
import { ReceivedMessageDialog } from "./received-message";

interface SettingRow {
  name: keyof PollSettings;
  label: string;
  description: string;
  min: number;
  max: number;
  optional?: boolean;
}

const settingRows: SettingRow[] = [
  { name: "messagesMax", label: "Messages", description: "Stop once so many were received.", min: 1, max: 1000 },
  { name: "secondsMax", label: "Polling time", description: "Stop after so many seconds.", min: 1, max: 600 },
  { name: "batch", label: "Messages in one receive", description: "MaxNumberOfMessages.", min: 1, max: 10 },
  {
    name: "visibility",
    label: "Visibility timeout - optional",
    description: "Seconds, in place of the queue's own.",
    min: 0,
    max: 43_200,
    optional: true,
  },
];

function problemOf(row: SettingRow, text: string): string | undefined {
  if (row.optional && text === "") return undefined;
  const value = Number(text);
  const good = text.trim() !== "" && Number.isInteger(value) && value >= row.min && value <= row.max;
  return good ? undefined : `Enter a whole number from ${row.min} to ${formatNumber(row.max)}.`;
}

function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!running) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [running]);
  return now;
}

export function ReceivePanel({ queue, fifo }: { queue: QueueName; fifo: boolean }) {
  const writing = useWriting();
  const [settings, setSettings] = useState<PollSettings>({
    messagesMax: "10",
    secondsMax: "30",
    batch: "10",
    visibility: "",
  });
  const [held, setHeld] = useState<HeldMessage[]>([]);
  /** Receipt handles: a message stays chosen when something about it changes. */
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const selected = held.filter((message) => chosen.has(message.ReceiptHandle));
  const [polling, setPolling] = useState<AbortController>();
  const [opened, setOpened] = useState<HeldMessage>();
  const [changing, setChanging] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const now = useNow(held.length > 0);
  const active = useRef<AbortController>(undefined);

  // A poll that nobody sees any more would take messages for nothing.
  useEffect(() => () => active.current?.abort(), []);

  const good = settingRows.every((row) => problemOf(row, settings[row.name]) === undefined);

  async function start() {
    const controller = new AbortController();
    active.current = controller;
    setPolling(controller);
    try {
      await poll(queue, settings, controller.signal, (messages) => {
        // Received again, a message has a new receipt handle; the old one is no good any more.
        const ids = new Set(messages.map((message) => message.MessageId));
        setHeld((before) => [...messages, ...before.filter((message) => !ids.has(message.MessageId))]);
      });
    } catch (error) {
      if (!controller.signal.aborted) notifyError("Polling stopped", error);
    } finally {
      setPolling(undefined);
      refreshQueue(queue.name);
    }
  }

  async function remove() {
    const deleted = new Set<string>();
    setDeleting(true);
    try {
      for (const { ReceiptHandle } of selected) {
        await call("AmazonSQS", "DeleteMessage", { QueueUrl: queue.url, ReceiptHandle });
        deleted.add(ReceiptHandle);
      }
      notify({ type: "success", content: `Deleted ${countOf(deleted.size, "message")}.` });
    } catch (error) {
      notifyError(`${countOf(selected.length - deleted.size, "message")} not deleted`, error);
    } finally {
      setDeleting(false);
    }
    setHeld((before) => before.filter(({ ReceiptHandle }) => !deleted.has(ReceiptHandle)));
    refreshQueue(queue.name);
  }

  return (
    <>
      <Table
        variant="container"
        enableKeyboardNavigation
        wrapLines
        header={
          <SpaceBetween size="s">
            <Header
              variant="h2"
              counter={held.length > 0 ? `(${held.length})` : undefined}
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button
                    {...writing}
                    disabled={writing.disabled || selected.length === 0}
                    onClick={() => setChanging(true)}
                  >
                    Change visibility
                  </Button>
                  <Button
                    {...writing}
                    disabled={writing.disabled || selected.length === 0}
                    loading={deleting}
                    loadingText="Deleting"
                    onClick={() => void remove()}
                  >
                    Delete
                  </Button>
                  {polling ? (
                    <Button onClick={() => polling.abort()}>Stop polling</Button>
                  ) : (
                    <Button
                      {...writing}
                      variant="primary"
                      disabled={writing.disabled || !good}
                      onClick={() => void start()}
                    >
                      Poll for messages
                    </Button>
                  )}
                </SpaceBetween>
              }
            >
              Receive messages
            </Header>
            <Alert type="info">
              This is a real receive: each message is hidden from other consumers until its visibility timeout is over,
              its receive count goes up, and it may go to the dead-letter queue.
            </Alert>
            <ExpandableSection headerText="Polling settings">
              <ColumnLayout columns={4}>
                {settingRows.map((row) => (
                  <FormField
                    key={row.name}
                    label={row.label}
                    description={row.description}
                    errorText={problemOf(row, settings[row.name])}
                  >
                    <Input
                      type="number"
                      inputMode="numeric"
                      value={settings[row.name]}
                      onChange={({ detail }) => setSettings({ ...settings, [row.name]: detail.value })}
                    />
                  </FormField>
                ))}
              </ColumnLayout>
            </ExpandableSection>
            {polling && <StatusIndicator type="in-progress">Waiting for messages</StatusIndicator>}
          </SpaceBetween>
        }
        items={held}
        trackBy="ReceiptHandle"
        selectionType="multi"
        selectedItems={selected}
        onSelectionChange={({ detail }) =>
          setChosen(new Set(detail.selectedItems.map(({ ReceiptHandle }) => ReceiptHandle)))
        }
        ariaLabels={{
          tableLabel: "Received messages",
          selectionGroupLabel: "Choose messages",
          allItemsSelectionLabel: () => "Choose all received messages",
          itemSelectionLabel: (_selection, message) => `Choose the message ${message.MessageId}`,
        }}
        columnDefinitions={[
          {
            id: "id",
            header: "ID",
            isRowHeader: true,
            cell: (message) => (
              <Link
                onFollow={(event) => {
                  event.preventDefault();
                  setOpened(message);
                }}
              >
                {message.MessageId}
              </Link>
            ),
          },
          { id: "sent", header: "Sent", cell: (message) => formatTime(Number(message.Attributes?.SentTimestamp)) },
          {
            id: "group",
            header: fifo ? "Message group" : "Group",
            cell: (message) => message.Attributes?.MessageGroupId ?? "–",
          },
          { id: "count", header: "Received", cell: (message) => message.Attributes?.ApproximateReceiveCount ?? "–" },
          { id: "body", header: "Body", cell: (message) => message.Body.slice(0, 100) },
          {
            id: "held",
            header: "Hidden for",
            cell: (message) => {
              const left = Math.ceil((message.hiddenUntil - now) / 1000);
              return left > 0 ? (
                <span className="figures">{left} s</span>
              ) : (
                <StatusIndicator type="warning">Visible again</StatusIndicator>
              );
            },
          },
        ]}
        empty={<Box textAlign="center">Nothing was received yet.</Box>}
      />
      {opened && <ReceivedMessageDialog message={opened} close={() => setOpened(undefined)} />}
      {changing && (
        <ChangeVisibility
          queue={queue}
          messages={selected}
          close={() => setChanging(false)}
          done={(hiddenUntil) =>
            setHeld((before) =>
              before.map((message) => (chosen.has(message.ReceiptHandle) ? { ...message, hiddenUntil } : message)),
            )
          }
        />
      )}
    </>
  );
}
