"""What the crash tests share: a small client for the JSON protocol, a server under strace, clients
that go on while the server dies, a ledger of what they were promised, and counting of cases.

The server itself comes from tests/conformance/clients/millrace_server.py.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/conformance/clients"))

from millrace_server import BINARY, Server  # noqa: E402  (it needs the path)

REPLY_SECONDS_MAX = 30
DISK_MEBIBYTES = 256  # of a SmallDisk
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


class QueryClient(Client):
    """The same in the Query protocol, for the actions on messages."""

    LISTS = {"AttributeNames": "AttributeName", "Entries": "{}RequestEntry"}

    def call(self, action, headers=None, **parameters):
        fields = {"Action": action}
        for name, value in parameters.items():
            if name not in self.LISTS:
                fields[name] = value
                continue
            for number, entry in enumerate(value, 1):
                key = f"{self.LISTS[name].format(action)}.{number}"
                if isinstance(entry, dict):
                    fields.update({f"{key}.{part}": text for part, text in entry.items()})
                else:
                    fields[key] = entry
        path = urllib.parse.urlparse(parameters.get("QueueUrl", "/")).path
        self._connection.request(
            "POST",
            path,
            urllib.parse.urlencode(fields).encode(),
            {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
        )
        reply = self._connection.getresponse()
        # The namespace is the same for all, and says nothing here.
        text = re.sub(r' xmlns="[^"]*"', "", reply.read().decode())
        answer = xml.etree.ElementTree.fromstring(text)
        if reply.status != 200:
            error = answer.find("Error")
            raise Refused(reply.status, error.findtext("Code"), error.findtext("Message"))
        return self._as_json(answer.find(f"{action}Result"), f"{action}ResultEntry")

    @staticmethod
    def _as_json(result, entry_name):
        if result is None:
            return {}
        answer = {}
        for part in result:
            if part.tag == "Message":
                message = {each.tag: each.text for each in part if each.tag != "Attribute"}
                message["Attributes"] = {
                    each.findtext("Name"): each.findtext("Value") for each in part.iter("Attribute")
                }
                answer.setdefault("Messages", []).append(message)
            elif part.tag == entry_name:
                entry = {each.tag: each.text for each in part}
                answer.setdefault("Successful", []).append(entry)
            else:
                answer[part.tag] = part.text
        return answer


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


# --- what goes on beside --------------------------------------------------------------------------


class Watcher:
    """Calls look() every `seconds`, on a thread of its own, while its `with` block runs."""

    def __init__(self, seconds):
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.wait(self._seconds):
            self.look()


# --- directories and disks ------------------------------------------------------------------------


class Folder:
    """A temporary directory."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="millrace-crash-"))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class SmallDisk:
    """A file system of its own, in a file, mounted where this is permitted."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-full-"))
        image = self.folder / "image"
        self.path = self.folder / "mount"
        self.path.mkdir()
        with open(image, "wb") as file:
            file.truncate(DISK_MEBIBYTES << 20)
        for command in (
            ["mkfs.ext4", "-q", "-m", "0", str(image)],
            ["mount", "-o", "loop", str(image), str(self.path)],
        ):
            if shutil.which(command[0]) is None:
                self._remove()
                raise Skipped(f"there is no {command[0]}")
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode == 0:
                continue
            # Without loop devices, memory has to do.
            size = f"size={DISK_MEBIBYTES}m"
            memory = ["mount", "-t", "tmpfs", "-o", size, "millrace", str(self.path)]
            if command[0] == "mount" and subprocess.run(memory, check=False).returncode == 0:
                break
            self._remove()
            raise Skipped(f"{command[0]} is not permitted: {made.stderr.strip()}")
        return self.path

    def __exit__(self, *_):
        subprocess.run(["umount", str(self.path)], check=False)
        self._remove()

    def _remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


# --- kills in a loop ------------------------------------------------------------------------------


class Ledger:
    """What clients know of each message, by its body. Every method locks."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = set()
        self.received = set()
        self.delete_tried = set()
        self.deleted_at = {}  # surely
        self.violations = []

    def answered(self, queue, messages, asked_at):
        """A receive that was asked for at `asked_at` has brought `messages`."""
        raise NotImplementedError

    def deleting(self, body):
        with self.lock:
            self.delete_tried.add(body)

    def deleted(self, body):
        with self.lock:
            self.deleted_at.setdefault(body, time.monotonic())

    def broken(self, text):
        with self.lock:
            self.violations.append(text)

    def must_exist(self):
        with self.lock:
            return self.acknowledged - self.delete_tried


class Fleet:
    """Client threads, and the server that they find again after each kill. A subclass says what a
    client does."""

    def __init__(self, server, ledger, count, seed, clients=(Client,)):
        """@param count of client threads; @param clients: their classes, in turn"""
        self.server = server
        self.endpoint = server.endpoint
        self.ledger = ledger
        self.generation = 0
        self.up = threading.Event()
        self.over = threading.Event()
        self.threads = [
            threading.Thread(
                target=self._run,
                args=(random.Random(f"{seed}/{number}"), clients[number % len(clients)]),
            )
            for number in range(count)
        ]

    def act(self, client, rng, generation):
        """One step of a client, on its thread, that may raise what Client raises. `generation`
        counts the kills before it."""
        raise NotImplementedError

    def killed(self):
        """The server has died."""

    def restarted(self):
        """The server is back, and no client has spoken to it yet."""

    @contextlib.contextmanager
    def acting(self):
        """Lets the clients act until the context ends."""
        self.up.set()
        for thread in self.threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in self.threads:
                thread.join()

    def act_for(self, seconds):
        """Lets the clients, who act, do so for a while."""
        self.over.wait(seconds)

    def storm(self, rounds, seconds, rng):
        """Lets the clients act while the server is killed `rounds` times, after at most `seconds`
        each."""
        with self.acting():
            for _ in range(rounds):
                self.act_for(rng.uniform(0.2, 1) * seconds)
                restart(self.server, [self], self.server.kill)

    def _run(self, rng, make_client):
        client, generation = None, None
        while not self.over.is_set():
            if not self.up.wait(0.1):
                continue
            if generation != self.generation:
                generation = self.generation
                client = make_client(self.endpoint)
            try:
                self.act(client, rng, generation)
            except UNKNOWN:
                client = make_client(self.endpoint)
                self.over.wait(0.02)
            except Refused as refusal:
                if refusal.status < 500:
                    self.ledger.broken(str(refusal))
            except Exception:  # or the thread would end unseen
                self.ledger.broken(traceback.format_exc())
                raise


def restart(server, fleets, end, before_start=lambda: None):
    """Ends the server by `end` while the fleets act, and starts it again."""
    for fleet in fleets:
        fleet.up.clear()
        fleet.generation += 1
    end()
    for fleet in fleets:
        fleet.killed()
    before_start()
    server.start()
    for fleet in fleets:
        fleet.restarted()
        fleet.endpoint = server.endpoint
        fleet.up.set()


def delete_all(client, url, messages):
    """Deletes what was received. @return the messages whose delete was acknowledged."""
    if len(messages) == 1:
        client.delete(url, messages[0]["ReceiptHandle"])
        return messages
    entries = [
        {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]}
        for i, message in enumerate(messages)
    ]
    answer = client.call("DeleteMessageBatch", QueueUrl=url, Entries=entries)
    return [messages[int(entry["Id"])] for entry in answer.get("Successful", [])]


def drain(client, urls, ledger, visibility_seconds, **wanted):
    """Receives and deletes everything, until a round of long polls that is longer than two
    visibility timeouts has found nothing; then checks the ledger and that the queues are empty.

    @param urls of the queues by their names; @param wanted of each receive"""
    must_exist = ledger.must_exist()
    drained = []
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 2 * visibility_seconds + len(urls):
        for queue, url in urls.items():
            messages = None
            while messages != []:
                asked_at = time.monotonic()
                messages = client.receive(url, WaitTimeSeconds=1, **wanted)
                if messages:
                    quiet_since = time.monotonic()
                    ledger.answered(queue, messages, asked_at)
                for message in messages:
                    drained.append(message["Body"])
                    ledger.deleting(message["Body"])
                    client.delete(url, message["ReceiptHandle"])
                    ledger.deleted(message["Body"])
    for queue, url in urls.items():
        for name in ("", "NotVisible", "Delayed"):
            count = client.attribute(url, f"ApproximateNumberOfMessages{name}")
            check(count == "0", f"the empty queue {queue} counts {count} messages{name}")
    check(not ledger.violations, "\n".join(ledger.violations[:20]))
    lost = must_exist - ledger.received
    check(not lost, f"{len(lost)} acknowledged messages were lost, as {sorted(lost)[:5]}")
    gone = must_exist - set(drained)
    check(not gone, f"messages that nobody deleted are gone: {sorted(gone)[:5]}")
    check(len(drained) == len(set(drained)), "a message was drained twice")


@contextlib.contextmanager
def logged_server():
    """A server that goes by the real clock, and whose log is printed if the test fails."""
    server = Server(test_clock=False).start()
    try:
        yield server
        server.stop()
    except BaseException:
        print(f"--- the server's log\n{server.log()[-3000:]}")
        server.kill()
        raise
    finally:
        server.close()


def storm_options(description, rounds, seconds):
    """The command line of a test that kills in a loop, with these defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


# --- cases ----------------------------------------------------------------------------------------


def run_storm_cases(cases, options):
    """As run_cases(); says how to do it again if one has failed."""
    status = run_cases(cases)
    if status != 0:
        program = pathlib.Path(sys.argv[0]).name
        print(f"seed {options.seed}: {program} --seed {options.seed}", file=sys.stderr)
    return status


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
