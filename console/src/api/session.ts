// Who is using the console: asked once when the page loads, and again when the server no longer knows the
// session.

import { forgetDrafts, keepDraftsOf } from "../lib/drafts";
import { Store, useStore } from "../lib/store";
import { sign } from "../lib/sigv4";
import { apiAddress, contentType, onSessionTrouble, request, serverTime, setCsrfToken } from "./client";
import { ApiError } from "./errors";
import { queryClient } from "./queries";
import type { Session, SignInFacts } from "./types";

export type SessionState =
  | { status: "unknown" }
  | { status: "unreachable"; error: unknown }
  | { status: "signedIn"; session: Session }
  /** `previous` is the session that ended while the page was open: what was typed there is still there. */
  | { status: "signedOut"; facts: SignInFacts; previous?: Session };

const state = new Store<SessionState>({ status: "unknown" });

export function useSessionState(): SessionState {
  return useStore(state);
}

/** The session of a page that is shown only to somebody who has one. */
export function useSession(): Session {
  const now = useSessionState();
  if (now.status === "signedIn") return now.session;
  if (now.status === "signedOut" && now.previous) return now.previous;
  throw new Error("There is no session.");
}

function previousSession(): Session | undefined {
  const now = state.get();
  if (now.status === "signedIn") return now.session;
  return now.status === "signedOut" ? now.previous : undefined;
}

function setSession(session: Session): void {
  keepDraftsOf(session.Arn ?? "");
  setCsrfToken(session.CsrfToken);
  state.set({ status: "signedIn", session });
}

let loading: Promise<void> | undefined;

/** Asks the server who is signed in: once, however many ask at the same time. */
export function loadSession(): Promise<void> {
  loading ??= askForSession().finally(() => (loading = undefined));
  return loading;
}

async function askForSession(): Promise<void> {
  const previous = previousSession();
  try {
    setSession(await request<Session>("session", { method: "GET" }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      state.set({ status: "signedOut", facts: { Region: "us-east-1", ...error.details }, previous });
    } else if (!previous) {
      state.set({ status: "unreachable", error });
    }
  }
}

/** Opens a session. The secret signs the request and goes no further. */
export async function signIn(
  accessKeyId: string,
  secretAccessKey: string,
  readOnly: boolean,
  region: string,
): Promise<void> {
  const { Nonce } = await request<{ Nonce: string }>("nonce", {
    method: "POST",
    headers: { "Content-Type": contentType },
    body: "{}",
  });
  const body = JSON.stringify({ Nonce, ReadOnly: readOnly });
  const headers = sign(
    { method: "POST", url: new URL(apiAddress("session")), headers: { "Content-Type": contentType }, body },
    { accessKeyId, secretAccessKey, region, service: "sqs", date: serverTime() },
  );
  const previous = previousSession();
  await request("session", { method: "POST", headers, body });
  // Somebody else must not see what the one before was shown.
  const session = await request<Session>("session", { method: "GET" });
  if (previous?.Arn !== session.Arn) queryClient.clear();
  setSession(session);
  await queryClient.invalidateQueries();
}

export async function signOut(): Promise<void> {
  await request("session", { method: "DELETE", headers: csrfHeader() });
  forgetDrafts();
  // Loading the page anew drops all that it has seen of the queues.
  window.location.reload();
}

/** Properties of a button that changes something: off, and saying why, in a session that may only look. */
export function useWriting(): { disabled?: boolean; disabledReason?: string } {
  const { ReadOnly } = useSession();
  return ReadOnly
    ? { disabled: true, disabledReason: "This session may only look. Sign out, then sign in without “read only”." }
    : {};
}

function csrfHeader(): Record<string, string> {
  const now = state.get();
  return now.status === "signedIn" ? { "X-Console-Csrf": now.session.CsrfToken } : {};
}

onSessionTrouble(() => void loadSession(), loadSession);
