// The results of what a person did, shown at the head of the page until they are dismissed; good news goes
// by itself after a while.

import type { FlashbarProps } from "@cloudscape-design/components/flashbar";
import { describeError } from "../api/errors";
import { Store, useStore } from "./store";

export interface Notification {
  type: "success" | "error" | "warning" | "info" | "in-progress";
  header?: string;
  content?: FlashbarProps.MessageDefinition["content"];
  action?: FlashbarProps.MessageDefinition["action"];
}

const successSeconds = 8;
const kept = 5;

const notifications = new Store<(Notification & { id: string })[]>([]);
let count = 0;

export function dismiss(id: string): void {
  notifications.update((all) => all.filter((one) => one.id !== id));
}

/** Shows a result and returns its id for `dismiss`. */
export function notify(notification: Notification): string {
  const id = `notification-${++count}`;
  notifications.update((all) => [{ ...notification, id }, ...all].slice(0, kept));
  if (notification.type === "success") window.setTimeout(() => dismiss(id), successSeconds * 1000);
  return id;
}

/** Shows what went wrong and what to do: `header` says what was tried, "The queue was not deleted". */
export function notifyError(header: string, error: unknown): void {
  notify({ type: "error", header, content: describeError(error) });
}

export function useNotifications(): FlashbarProps.MessageDefinition[] {
  return useStore(notifications).map((one) => ({
    ...one,
    loading: one.type === "in-progress",
    type: one.type === "in-progress" ? "info" : one.type,
    dismissible: one.type !== "in-progress",
    dismissLabel: "Dismiss this message",
    onDismiss: () => dismiss(one.id),
  }));
}
