// An address that no page has.

import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";

export function NotFound({ home }: { home: () => void }) {
  return (
    <Alert type="warning" header="There is no such page" action={<Button onClick={home}>Go to the queues</Button>}>
      The address may be mistyped, or of another version of the console.
    </Alert>
  );
}
