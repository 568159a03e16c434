// Addresses within the console: `#/queue/orders/messages?text=hello`. The part after # never reaches a
// server, so deep links work behind any prefix of any proxy without a rewrite there.

import { useSyncExternalStore } from "react";

export interface Location {
  /** The parts of the path, decoded: ["queue", "orders", "messages"]. */
  segments: string[];
  query: URLSearchParams;
}

export type Parameters = Record<string, string>;

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parseLocation(hash: string): Location {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  return {
    segments: path
      .split("/")
      .filter((segment) => segment !== "")
      .map(decode),
    query: new URLSearchParams(query),
  };
}

/** An address for `href`: address("queue", "orders", "messages") or with {text: "hello"} at the end. */
export function address(...parts: (string | Record<string, string | undefined>)[]): string {
  const query = new URLSearchParams();
  const path: string[] = [];
  for (const part of parts) {
    if (typeof part === "string") {
      path.push(encodeURIComponent(part));
      continue;
    }
    for (const [name, value] of Object.entries(part)) if (value !== undefined && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return `#/${path.join("/")}${text === "" ? "" : `?${text}`}`;
}

/**
 * The parameters of a location that fits a pattern, nothing where it does not. A pattern is a path with
 * names, ":name" for a part that must be there and ":name?" for one that need not.
 */
export function matchPattern(pattern: string, segments: string[]): Parameters | undefined {
  const parts = pattern.split("/");
  if (segments.length > parts.length) return undefined;
  const parameters: Parameters = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index];
    const name = /^:(\w+)(\??)$/.exec(part);
    if (segment === undefined) {
      if (name?.[2] !== "?") return undefined;
    } else if (name?.[1] !== undefined) {
      parameters[name[1]] = segment;
    } else if (segment !== part) {
      return undefined;
    }
  }
  return parameters;
}

function subscribe(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

let parsed: { hash: string; location: Location } | undefined;

function currentLocation(): Location {
  const hash = window.location.hash;
  if (parsed?.hash !== hash) parsed = { hash, location: parseLocation(hash) };
  return parsed.location;
}

/** Where the console is now; draws the component anew when that changes. */
export function useLocation(): Location {
  return useSyncExternalStore(subscribe, currentLocation);
}

export function navigate(target: string): void {
  window.location.hash = target;
}

/** Goes to an address without a new entry in the browser's history: for filters and the like. */
export function replaceAddress(target: string): void {
  window.history.replaceState(null, "", target);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

/** For `onFollow` of Cloudscape's components: keeps links within the console from loading the page anew. */
export function follow(event: CustomEvent<{ href?: string; external?: boolean }>): void {
  const { href, external } = event.detail;
  if (href === undefined || external || !href.startsWith("#")) return;
  event.preventDefault();
  navigate(href);
}
