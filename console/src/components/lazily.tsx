// Draws a component whose code is loaded when it is first needed. The same loader is the same component, so
// that what it holds survives while its parent is drawn anew.

import { type ComponentType, lazy, Suspense } from "react";
import { ErrorBoundary } from "./error-boundary";
import { Loading } from "./loading";

const components = new Map<unknown, ComponentType<never>>();

export function Lazily<Properties extends object>({
  load,
  properties,
}: {
  load: () => Promise<{ default: ComponentType<Properties> }>;
  properties: Properties;
}) {
  let component = components.get(load) as ComponentType<Properties> | undefined;
  if (component === undefined) {
    component = lazy(load) as unknown as ComponentType<Properties>;
    components.set(load, component as ComponentType<never>);
  }
  const Loaded = component;
  return (
    <ErrorBoundary>
      <Suspense fallback={<Loading />}>
        <Loaded {...properties} />
      </Suspense>
    </ErrorBoundary>
  );
}
