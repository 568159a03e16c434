// @vitest-environment jsdom
// Calls of the server: what is sent, and what becomes of errors.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call, onSessionTrouble, setCsrfToken } from "../../src/api/client";
import { ApiError, ConnectionError, describeError } from "../../src/api/errors";

const fetched = vi.fn<typeof fetch>();
const lost = vi.fn<() => void>();
const renew = vi.fn<() => Promise<void>>();

function answer(status: number, body: string): Response {
  return new Response(body === "" ? null : body, { status });
}

function failure(status: number, code: string): Response {
  return answer(status, JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message: "The server's text." }));
}

beforeEach(() => {
  vi.stubGlobal("fetch", fetched);
  fetched.mockReset();
  lost.mockReset();
  renew.mockReset();
  onSessionTrouble(lost, renew);
  setCsrfToken("token");
});

afterEach(() => {
  vi.unstubAllGlobals();
});

async function failing(): Promise<unknown> {
  return call("AmazonSQS", "DeleteQueue", { QueueUrl: "u" }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a call", () => {
  it("is AWS JSON with the session's token", async () => {
    fetched.mockResolvedValueOnce(answer(200, '{"QueueUrls":["u"]}'));
    expect(await call("AmazonSQS", "ListQueues", { MaxResults: 1 })).toEqual({ QueueUrls: ["u"] });
    const [address, init] = fetched.mock.calls[0] ?? [];
    expect(String(address)).toMatch(/\/api\/$/);
    expect(init?.headers).toEqual({
      "Content-Type": "application/x-amz-json-1.0",
      "X-Amz-Target": "AmazonSQS.ListQueues",
      "X-Console-Csrf": "token",
    });
    expect(init?.body).toBe('{"MaxResults":1}');
  });

  it("answers nothing where the reply is empty", async () => {
    fetched.mockResolvedValueOnce(answer(200, ""));
    expect(await call("AmazonSQS", "DeleteMessage")).toBeUndefined();
  });

  it("fails with the server's code, without its namespace", async () => {
    fetched.mockResolvedValueOnce(failure(400, "QueueDoesNotExist"));
    const error = await failing();
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: "QueueDoesNotExist", status: 400 });
    expect(describeError(error)).toBe(
      "The server's text. It may have been deleted meanwhile: go back to the list of queues.",
    );
  });

  it("tells a lost connection from a proxy that answers in the server's place", async () => {
    fetched.mockRejectedValueOnce(new TypeError("fetch failed"));
    expect(describeError(await failing())).toContain("The server does not answer.");
    fetched.mockResolvedValueOnce(answer(502, "<html>Bad gateway</html>"));
    const error = await failing();
    expect(error).toBeInstanceOf(ConnectionError);
    expect(describeError(error)).toContain("HTTP 502");
  });

  it("tells of a session that has ended", async () => {
    fetched.mockResolvedValueOnce(failure(401, "NotSignedIn"));
    expect(await failing()).toMatchObject({ status: 401 });
    expect(lost).toHaveBeenCalledOnce();
  });

  it("is made again, once, when the session has another token now", async () => {
    renew.mockImplementation(() => {
      setCsrfToken("renewed");
      return Promise.resolve();
    });
    fetched.mockResolvedValueOnce(failure(403, "ConsoleRequestRefused")).mockResolvedValueOnce(answer(200, "{}"));
    expect(await call("Millrace", "GetTopology")).toEqual({});
    expect(fetched.mock.calls[1]?.[1]?.headers).toMatchObject({ "X-Console-Csrf": "renewed" });
  });

  it("is not made again when the token is the same", async () => {
    renew.mockResolvedValue(undefined);
    fetched.mockResolvedValueOnce(failure(403, "ConsoleRequestRefused"));
    expect(await failing()).toMatchObject({ code: "ConsoleRequestRefused" });
    expect(fetched).toHaveBeenCalledOnce();
  });
});
