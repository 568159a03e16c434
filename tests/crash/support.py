"""What the crash tests share: a small client for the JSON protocol, a server under strace, and
counting of cases.

The server itself comes from tests/conformance/clients/millrace_server.py.
"""

import http.client
import json
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import sys
import traceback
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/conformance/clients"))

from millrace_server import Server  # noqa: E402  (it needs the path)

REPLY_SECONDS_MAX = 30
TRACER_SECONDS_MAX = 10


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


class TracedServer(Server):
    """A server that runs under strace, which is a process beside it.

    tracing: options of strace; what it writes goes to the file that `trace_path` names.
    """

    def __init__(self, tracing, **more):
        check(shutil.which("strace"), "there is no strace: `./dev test install` installs it")
        super().__init__(**more)
        self.trace_path = self._folder / "trace"
        command = ["strace", "-D", "-f", "-I", "2", "-o", str(self.trace_path), *tracing]
        wrapper = self._folder / "millrace"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(command + [self._binary])} "$@"\n')
        wrapper.chmod(0o755)
        self._binary = str(wrapper)

    def start(self):
        try:
            return super().start()
        except RuntimeError as error:
            if "ptrace" in str(error):
                raise Skipped("tracing is not permitted here") from error
            raise

    def end_tracing(self):
        """The server goes on without strace. Returns when strace has ended."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        tracer = int(re.search(r"^TracerPid:\s+(\d+)$", status, re.MULTILINE).group(1))
        ended = os.pidfd_open(tracer)
        try:
            os.kill(tracer, signal.SIGTERM)
            check(select.select([ended], [], [], TRACER_SECONDS_MAX)[0], "strace does not end")
        finally:
            os.close(ended)


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
