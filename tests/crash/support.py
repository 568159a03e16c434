"""What the crash tests share: a small client for the JSON protocol, and counting of cases.

The server itself comes from tests/conformance/clients/millrace_server.py.
"""

import http.client
import json
import pathlib
import sys
import traceback
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/conformance/clients"))

from millrace_server import Server  # noqa: E402,F401  (for the tests)

REPLY_SECONDS_MAX = 30


class Refused(Exception):
    """The server answered with an error: `status` and the tail of its type in `code`."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class Skipped(Exception):
    """The case cannot run here; the text says why."""


class Client:
    """One connection. Not for several threads. A broken connection raises OSError or HTTPException:
    whether the request was carried out is then unknown."""

    def __init__(self, endpoint):
        address = urllib.parse.urlparse(endpoint)
        self._connection = http.client.HTTPConnection(
            address.hostname, address.port, timeout=REPLY_SECONDS_MAX
        )

    def close(self):
        self._connection.close()

    def call(self, action, headers=None, **parameters):
        self._connection.request(
            "POST",
            "/",
            json.dumps(parameters).encode(),
            {
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"AmazonSQS.{action}",
                **(headers or {}),
            },
        )
        reply = self._connection.getresponse()
        body = reply.read()
        answer = json.loads(body) if body else {}
        if reply.status != 200:
            code = answer.get("__type", "").rpartition("#")[2]
            raise Refused(reply.status, code, answer.get("message", ""))
        return answer

    def create(self, name, **attributes):
        attributes = {key: str(value) for key, value in attributes.items()}
        return self.call("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]

    def attribute(self, queue, name):
        answer = self.call("GetQueueAttributes", QueueUrl=queue, AttributeNames=[name])
        return answer["Attributes"][name]

    def send(self, queue, body, **more):
        return self.call("SendMessage", QueueUrl=queue, MessageBody=body, **more)

    def receive(self, queue, count=10, **more):
        answer = self.call(
            "ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=count, **more
        )
        return answer.get("Messages", [])

    def delete(self, queue, handle, **more):
        self.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=handle, **more)


# A request whose connection broke may have been carried out or not.
UNKNOWN = (OSError, http.client.HTTPException)


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def run_cases(cases):
    """Runs functions without arguments; prints "N passed, N failed, N skipped". @return status."""
    passed = failed = skipped = 0
    for case in cases:
        try:
            case()
            passed += 1
            print(f"ok      {case.__name__}")
        except Skipped as reason:
            skipped += 1
            print(f"skipped {case.__name__}: {reason}")
        except Exception:  # a case may fail in any way
            failed += 1
            print(f"FAILED  {case.__name__}\n{traceback.format_exc()}")
        sys.stdout.flush()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0
