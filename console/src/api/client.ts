// Calls of the server: the ordinary SQS actions and the console's own, as AWS JSON at one address. Who is
// asking is told by the session's cookie, which this code cannot read, and by the token against forged
// requests, which it keeps.

import { ApiError, ConnectionError, hasCode, isSignedOut } from "./errors";

export type Service = "AmazonSQS" | "Millrace";

/** Of every request with a body: it makes a browser ask before another site's page may send one. */
export const contentType = "application/x-amz-json-1.0";

let csrfToken = "";
let clockLead = 0;
let sessionLost: () => void = () => undefined;
let renewToken: () => Promise<void> = () => Promise.resolve();

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** The time by the server's clock: what is signed must bear it, and this machine's may be wrong. */
export function serverTime(): Date {
  return new Date(Date.now() + clockLead);
}

/**
 * Sets what is done when the server no longer knows the session, and when it knows it by another token: a
 * second tab signed in, or a server without authentication was started anew.
 */
export function onSessionTrouble(lost: () => void, renew: () => Promise<void>): void {
  sessionLost = lost;
  renewToken = renew;
}

export function apiAddress(path = ""): string {
  return new URL(`api/${path}`, document.baseURI.replace(/#.*$/, "")).href;
}

/** The server's error out of a reply that is none of the good ones. */
function toError(status: number, body: unknown): Error {
  if (typeof body === "object" && body !== null && "__type" in body && typeof body.__type === "string") {
    const code = body.__type.replace(/^.*#/, "");
    const text = "message" in body && typeof body.message === "string" ? body.message : "";
    return new ApiError(code, text, status, { ...body });
  }
  return new ConnectionError(
    `Something between this page and the server answered in its place (HTTP ${status}). ` +
      "Check the proxy before the server, then try again.",
  );
}

/** One HTTP request to the console's API. Answers the parsed body, nothing when it is empty. */
export async function request<Reply>(path: string, init: RequestInit): Promise<Reply> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(apiAddress(path), {
      ...init,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    });
    text = await response.text();
    const told = Date.parse(response.headers.get("Date") ?? "");
    if (!Number.isNaN(told)) clockLead = told - Date.now();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ConnectionError("The server does not answer. Check that it runs and can be reached, then try again.");
  }
  let body: unknown;
  try {
    body = text === "" ? undefined : JSON.parse(text);
  } catch {
    throw toError(response.status, undefined);
  }
  if (!response.ok) throw toError(response.status, body);
  return body as Reply;
}

/** Calls an action. Throws an ApiError or a ConnectionError; `describeError` has the text for a person. */
export async function call<Reply = void>(
  service: Service,
  action: string,
  input: object = {},
  signal?: AbortSignal,
): Promise<Reply> {
  const send = () =>
    request<Reply>("", {
      method: "POST",
      headers: { "Content-Type": contentType, "X-Amz-Target": `${service}.${action}`, "X-Console-Csrf": csrfToken },
      body: JSON.stringify(input),
      signal,
    });
  const token = csrfToken;
  try {
    return await send();
  } catch (error) {
    if (isSignedOut(error)) sessionLost();
    if (!hasCode(error, "ConsoleRequestRefused")) throw error;
    await renewToken();
    if (csrfToken === token) throw error;
    return await send();
  }
}
