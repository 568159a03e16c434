// THE TABLE OF A QUEUE'S TABS, in the order in which they stand. Each is a component of its own that `load`
// brings when it is first opened; a new tab is its file and a row here.

import type { ComponentType } from "react";
import type { QueueName } from "../../api/queries";
import type { QueueSummary } from "../../api/types";

export interface TabProps {
  queue: QueueName;
  /** What the server last said of the queue. */
  summary: QueueSummary;
}

export interface Tab {
  /** Its part of the address: #/queue/NAME/ID. */
  id: string;
  label: (summary: QueueSummary) => string;
  /** Whether a queue has this tab; all have it when absent. */
  shown?: (summary: QueueSummary) => boolean;
  load: () => Promise<{ default: ComponentType<TabProps> }>;
}

export const tabs: Tab[] = [
  { id: "messages", label: () => "Messages", load: () => import("./messages/tab") },
  { id: "send-receive", label: () => "Send and receive", load: () => import("./send-receive/tab") },
  { id: "monitoring", label: () => "Monitoring", load: () => import("./monitoring/tab") },
  { id: "dead-letters", label: () => "Dead letters", load: () => import("./dead-letters") },
  {
    id: "groups",
    label: ({ Type }) => (Type === "fifo" ? "Message groups" : "Tenants"),
    load: () => import("./groups/tab"),
  },
  { id: "consumers", label: () => "Consumers", load: () => import("./consumers/tab") },
  { id: "policy", label: () => "Access policy", load: () => import("./policy/tab") },
  { id: "configuration", label: () => "Configuration", load: () => import("./configuration") },
  { id: "encryption", label: () => "Encryption", load: () => import("./encryption") },
  { id: "tags", label: () => "Tags", load: () => import("./tags") },
];
