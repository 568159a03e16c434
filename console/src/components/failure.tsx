// What stands in place of something that could not be loaded: what happened, what to do, and a button.

import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { describeError } from "../api/errors";

export function Failure({ what, error, retry }: { what: string; error: unknown; retry?: () => void }) {
  return (
    <Alert type="error" header={what} action={retry && <Button onClick={retry}>Try again</Button>}>
      {describeError(error)}
    </Alert>
  );
}
