// A queue's name that leads to its page.

import Link from "@cloudscape-design/components/link";
import { address, follow } from "../lib/router";

export function QueueLink({ name, tab }: { name: string; tab?: string }) {
  return (
    <Link href={tab === undefined ? address("queue", name) : address("queue", name, tab)} onFollow={follow}>
      {name}
    </Link>
  );
}
