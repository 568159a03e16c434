// Keeps a bug in one page from taking the whole console: says what happened and how to go on.

import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { Component, type ReactNode } from "react";

interface Properties {
  children: ReactNode;
}

interface State {
  error?: unknown;
}

export class ErrorBoundary extends Component<Properties, State> {
  override state: State = {};

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <Alert
        type="error"
        header="This page stopped working"
        action={<Button onClick={() => window.location.reload()}>Reload the page</Button>}
      >
        {error instanceof Error ? error.message : String(error)} Reload the page: after an update of the server it loads
        the new console. The queues are not touched by this.
      </Alert>
    );
  }
}
