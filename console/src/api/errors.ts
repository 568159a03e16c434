// What can go wrong with a request, and what a person can do about it.

/** The server's own answer: its code ("QueueDoesNotExist"), its text and the HTTP status. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
    /** The other members of the error, which only a few have. */
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** No answer of the server: it is down, the way to it is cut, or something between answered in its place. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof ApiError && codes.includes(error.code);
}

export function isMissingQueue(error: unknown): boolean {
  return hasCode(error, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue");
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** What to do, by the code of the error. The server's own text, which names the cause, stands before it. */
const advice: Record<string, string> = {
  AccessDenied: "Ask whoever manages this server for the permission, or sign in with another access key.",
  AccessDeniedException: "Ask whoever manages this server for the permission, or sign in with another access key.",
  InvalidClientTokenId: "Check the access key ID; it may have been disabled or deleted.",
  InvalidSignatureException: "Check the secret access key.",
  KmsAccessDenied: "Ask whoever manages this server for the use of the key, or choose another key.",
  NotSignedIn: "Sign in again.",
  OverLimit: "Too many messages are in flight: delete those that are done with, or wait until they are visible again.",
  PurgeQueueInProgress: "A purge is under way: wait a minute, then try again.",
  QueueDeletedRecently: "A queue of this name was just deleted: wait a minute, then try again.",
  QueueDoesNotExist: "It may have been deleted meanwhile: go back to the list of queues.",
  QueueNameExists: "Choose another name, or edit the queue that has it.",
  ReceiptHandleIsInvalid: "The message was received again or deleted meanwhile: receive it anew.",
  RequestThrottled: "The server is asked too much at once: wait a moment, then try again.",
  UnrecognizedClientException: "Check the access key ID; it may have been disabled or deleted.",
};

/** One text for a person: what happened, then what to do. */
export function describeError(error: unknown): string {
  if (error instanceof ApiError) {
    const text = error.message === "" ? error.code : error.message;
    const then = advice[error.code] ?? (error.status >= 500 ? "Try again; if it stays, look in the server's log." : "");
    return then === "" ? text : `${text.replace(/[.\s]*$/, ".")} ${then}`;
  }
  if (error instanceof ConnectionError) return error.message;
  return `The console met something it does not know: ${error instanceof Error ? error.message : String(error)} Reload the page.`;
}
