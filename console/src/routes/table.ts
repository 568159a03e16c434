// THE TABLE OF PAGES. A page is a folder of its own with a component that `load` brings when it is first
// visited; a new page is its folder and a row here. The tabs of a queue have a table of their own,
// queue/tabs.ts.

import type { ComponentType } from "react";
import type { Parameters } from "../lib/router";

export interface PageProps {
  /** The named parts of the pattern. */
  parameters: Parameters;
}

export interface Crumb {
  text: string;
  href: string;
}

export interface Page {
  /** ":name" stands for a part of the address, ":name?" for one that may be absent. */
  pattern: string;
  /** Of the browser's window and the last breadcrumb. */
  title: (parameters: Parameters) => string;
  /** The breadcrumbs before the page's own. */
  parents?: Crumb[];
  /** The page's name in the side navigation, and the group that it is in; a page without is not there. */
  navigation?: { group: "messages" | "administration"; text: string };
  load: () => Promise<{ default: ComponentType<PageProps> }>;
}

const queues: Crumb = { text: "Queues", href: "#/queues" };

export const pages: Page[] = [
  {
    pattern: "queues",
    title: () => "Queues",
    navigation: { group: "messages", text: "Queues" },
    load: () => import("./queues/page"),
  },
  {
    pattern: "create-queue",
    title: () => "Create queue",
    parents: [queues],
    load: () => import("./edit-queue/create"),
  },
  {
    pattern: "edit-queue/:name",
    title: ({ name }) => `Edit ${name}`,
    parents: [queues],
    load: () => import("./edit-queue/edit"),
  },
  {
    pattern: "queue/:name/:tab?",
    title: ({ name }) => name ?? "",
    parents: [queues],
    load: () => import("./queue/page"),
  },
  {
    pattern: "topology",
    title: () => "Topology",
    navigation: { group: "messages", text: "Topology" },
    load: () => import("./topology/page"),
  },
  {
    pattern: "redrive-tasks",
    title: () => "Redrive tasks",
    navigation: { group: "messages", text: "Redrive tasks" },
    load: () => import("./redrive-tasks/page"),
  },
  {
    pattern: "access-keys",
    title: () => "Access keys",
    navigation: { group: "administration", text: "Access keys" },
    load: () => import("./access/keys"),
  },
  {
    pattern: "sessions",
    title: () => "Sessions",
    navigation: { group: "administration", text: "Sessions" },
    load: () => import("./access/sessions"),
  },
  {
    pattern: "server",
    title: () => "Server",
    navigation: { group: "administration", text: "Server" },
    load: () => import("./server/page"),
  },
];
