"""What the scale tests and the overload test share: the server with a watch over its memory and
disk, a load generator on one thread, and the table of figures beside their limits.

The server itself comes from tests/conformance/clients/millrace_server.py, the small client for
single questions from tests/crash/support.py.
"""

import contextlib
import http.client
import json
import os
import pathlib
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/conformance/clients"))
sys.path.append(str(ROOT / "tests/crash"))

from millrace_server import Server  # noqa: E402

MIB = 1 << 20
GIB = 1 << 30
SAMPLE_SECONDS = 0.25
STALL_SECONDS_MAX = 120  # a request that takes longer has failed
READ_BYTES = 1 << 18


class Skipped(Exception):
    """The test cannot run here; the text says why."""


def check(condition, text):
    if not condition:
        raise AssertionError(text)


# --- figures --------------------------------------------------------------------------------------


class Figures:
    """What one test measured. A figure beyond its limit fails the test, but not before its end."""

    def __init__(self, test):
        self.test = test
        self.failures = []

    def _line(self, name, value, limit, good):
        verdict = "" if good else "FAILED"
        print(f"  {self.test:<12} {name:<46} {value:>20}  {limit:<20} {verdict}".rstrip())
        sys.stdout.flush()
        if not good:
            self.failures.append(f"{name}: {value}, limit {limit}")

    def note(self, name, value):
        self._line(name, str(value), "", True)

    def at_most(self, name, value, limit, unit=""):
        self._line(name, _text(value, unit), "<= " + _text(limit, unit), value <= limit)

    def at_least(self, name, value, limit, unit=""):
        self._line(name, _text(value, unit), ">= " + _text(limit, unit), value >= limit)

    def equal(self, name, value, wanted):
        self._line(name, str(value), "= " + str(wanted), value == wanted)


def _text(value, unit):
    number = f"{value:,.0f}" if isinstance(value, int) or value >= 100 else f"{value:.2f}"
    return f"{number} {unit}".rstrip()


def watch_for(seconds):
    """Lets time go by in which the server is measured."""
    time.sleep(seconds)  # lint-allow sleep-in-test: a figure per second needs seconds


# --- the server -----------------------------------------------------------------------------------


class Watched(Server):
    """A server whose highest memory and disk use are kept."""

    def __init__(self, options=(), test_clock=False):
        self.folder = pathlib.Path(
            tempfile.mkdtemp(prefix="millrace-scale-", dir=os.environ.get("MILLRACE_SCALE_DIR"))
        )
        writer = os.environ.get("MILLRACE_COMMIT_WRITER", "auto")
        super().__init__(
            ["--commit-writer", writer, *options], test_clock, str(self.folder / "data")
        )
        self.rss_max = 0
        self.disk_max = 0
        self._over = threading.Event()
        self._thread = None

    def start(self):
        super().start()
        self._over.clear()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def timed_start(self):
        """@return seconds until GET /health was good."""
        started = time.monotonic()
        self.start()
        return time.monotonic() - started

    def stop(self):
        self._end_samples()
        super().stop()

    def kill(self):
        self._end_samples()
        super().kill()

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def with_options(self, *options):
        """The options of the next start."""
        self._options = [option for option in self._options if option == "--test-clock"]
        writer = os.environ.get("MILLRACE_COMMIT_WRITER", "auto")
        self._options += ["--commit-writer", writer, *options]

    def _end_samples(self):
        self._over.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def _sample(self):
        rounds = 0
        while not self._over.wait(SAMPLE_SECONDS):
            self.rss_max = max(self.rss_max, self.rss())
            rounds += 1
            if rounds % 4 == 0:
                self.disk_max = max(self.disk_max, self.disk())

    def forget_peaks(self):
        self.rss_max = self.rss()
        self.disk_max = self.disk()

    def rss(self):
        """Bytes of memory that the process holds now; 0 once it has ended."""
        try:
            with open(f"/proc/{self.pid}/statm", encoding="ascii") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            return 0

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def disk(self):
        """Bytes that the data directory takes on its disk now."""
        total = 0
        for folder, _, names in os.walk(self._data):
            for name in names:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
                except OSError:
                    pass  # removed meanwhile
        return total


def need_disk(bytes_needed):
    """Skips the test where the disk has less free."""
    folder = os.environ.get("MILLRACE_SCALE_DIR", tempfile.gettempdir())
    free = shutil.disk_usage(folder).free
    if free < bytes_needed:
        raise Skipped(f"{folder} has {free // GIB} GiB free, {bytes_needed // GIB} are needed")


# --- load -----------------------------------------------------------------------------------------


class _Connection:
    def __init__(self, address, receive_bytes):
        self.socket = socket.socket()
        self.socket.settimeout(STALL_SECONDS_MAX)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.out = b""
        self.head_end = -1
        self.wanted = 0
        self.buffer = bytearray()
        self.tag = None

    def fileno(self):
        return self.socket.fileno()


class Fleet:
    """Connections that each have one request under way, driven by one thread.

    Requests are made by request(); run() takes (tag, request bytes) from an iterator and gives each
    reply to on_reply(tag, status, body)."""

    def __init__(self, endpoint, connections=16, receive_bytes=None):
        """@param receive_bytes that the kernel keeps of what was not read; None: as it likes."""
        self._count = connections
        self._receive_bytes = receive_bytes
        self.connections = []
        self.connect(endpoint)

    def connect(self, endpoint):
        """Connects anew, perhaps to another server."""
        self.close()
        address = urllib.parse.urlparse(endpoint)
        self.connections = [
            _Connection((address.hostname, address.port), self._receive_bytes)
            for _ in range(self._count)
        ]

    def close(self):
        for connection in self.connections:
            connection.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, requests, on_reply):
        """Until all requests are answered. @return how many there were."""
        source = iter(requests)
        selector = selectors.DefaultSelector()
        busy = 0
        count = 0

        def begin(connection):
            nonlocal busy
            following = next(source, None)
            if following is None:
                return False
            connection.tag, connection.out = following
            busy += 1
            self._write(connection)
            return True

        try:
            for connection in self.connections:
                if not begin(connection):
                    break
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.out else 0)
                selector.register(connection, events, connection)
            while busy:
                ready = selector.select(STALL_SECONDS_MAX)
                if not ready:
                    raise TimeoutError(f"no reply for {STALL_SECONDS_MAX} s; {busy} are missing")
                for key, events in ready:
                    connection = key.data
                    if events & selectors.EVENT_WRITE:
                        self._write(connection)
                        if not connection.out:
                            selector.modify(connection, selectors.EVENT_READ, connection)
                    if not events & selectors.EVENT_READ:
                        continue
                    reply = self._read(connection)
                    if reply is None:
                        continue
                    busy -= 1
                    count += 1
                    on_reply(connection.tag, *reply)
                    if not begin(connection):
                        selector.unregister(connection)
                    elif connection.out:
                        both = selectors.EVENT_READ | selectors.EVENT_WRITE
                        selector.modify(connection, both, connection)
        finally:
            selector.close()
        return count

    @staticmethod
    def _write(connection):
        try:
            sent = connection.socket.send(connection.out)
        except BlockingIOError:
            return
        connection.out = connection.out[sent:]

    @staticmethod
    def _read(connection):
        """@return (status, body) once the reply is whole, else None."""
        try:
            part = connection.socket.recv(READ_BYTES)
        except BlockingIOError:
            return None
        if not part:
            raise ConnectionError("the server closed a connection")
        connection.buffer += part
        buffer = connection.buffer
        if connection.head_end < 0:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            connection.head_end = end + 4
            head = bytes(buffer[:end]).lower()
            length = head.find(b"content-length:")
            connection.wanted = end + 4 + int(head[length + 15 :].split(b"\r\n", 1)[0])
        if len(buffer) < connection.wanted:
            return None
        status = int(buffer[9:12])
        body = bytes(buffer[connection.head_end : connection.wanted])
        del buffer[: connection.wanted]
        connection.head_end = -1
        return status, body


def request(action, **parameters):
    """The bytes of one request."""
    body = json.dumps(parameters, separators=(",", ":")).encode()
    return raw_request(action, body)


def raw_request(action, body):
    return (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
        b"X-Amz-Target: AmazonSQS." + action.encode() + b"\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )


def all_good(tag, status, body):
    """An on_reply that takes nothing but success."""
    check(status == 200, f"{tag}: {status} {body[:300]!r}")
    check(b'"Failed":[{' not in body, f"{tag}: {body[:300]!r}")


class Drain:
    """Receives from queues until they are empty, and deletes what it gets unless told otherwise."""

    def __init__(self, fleet, delete=True, visibility=None, bodies=False):
        self.fleet = fleet
        self.delete = delete
        self.visibility = visibility
        self.keep_bodies = bodies
        self.received = 0
        self.counts = {}  # messages by receive count
        self.bodies = []
        self.ids = set()
        self.most = 0

    def run(self, urls, most=None, wait=0):
        """@param most stop after so many messages of each queue; else at its first empty reply.
        @return messages received."""
        left = {url: most for url in urls}
        lanes = max(1, len(self.fleet.connections) // len(urls))
        todo = [url for url in urls for _ in range(lanes)]
        before = self.received
        parameters = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": wait}
        parameters["AttributeNames"] = ["ApproximateReceiveCount"]
        if self.visibility is not None:
            parameters["VisibilityTimeout"] = self.visibility
        asks = {url: request("ReceiveMessage", QueueUrl=url, **parameters) for url in urls}
        under_way = 0
        deletes = []

        def on_reply(tag, status, body):
            nonlocal under_way
            check(status == 200, f"{tag}: {status} {body[:300]!r}")
            under_way -= 1
            kind, url = tag
            if kind == "delete":
                check(b'"Failed":[{' not in body, f"delete: {body[:300]!r}")
                return
            messages = json.loads(body).get("Messages", []) if len(body) > 2 else []
            if not messages:
                return
            self.received += len(messages)
            for message in messages:
                count = int(message["Attributes"]["ApproximateReceiveCount"])
                self.counts[count] = self.counts.get(count, 0) + 1
                if self.keep_bodies:
                    self.bodies.append(message["Body"])
                    self.ids.add(message["MessageId"])
            if self.delete:
                entries = [
                    {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]}
                    for i, message in enumerate(messages)
                ]
                deletes.append(
                    (url, request("DeleteMessageBatch", QueueUrl=url, Entries=entries))
                )
            if left[url] is not None:
                left[url] -= len(messages)
            if left[url] is None or left[url] > 0:
                todo.append(url)

        def source():
            nonlocal under_way
            while todo or deletes:
                under_way += 1
                if deletes:
                    url, ask = deletes.pop()
                    yield ("delete", url), ask
                else:
                    url = todo.pop()
                    yield ("receive", url), asks[url]

        # A round ends when a connection finds nothing to do; what came up meanwhile is the next.
        while todo or deletes:
            self.fleet.run(source(), on_reply)
        check(under_way == 0, "every request was answered")
        return self.received - before


class Searches:
    """Searches a queue for a text again and again, as the console does: a request after the other,
    each going on where the one before ended, while the block of beside() runs."""

    def __init__(self, endpoint, url, text):
        self.scanned = 0  # messages
        self.seconds = 0.0
        self.found = []  # of each whole search, how many messages
        self._endpoint = urllib.parse.urlparse(endpoint)
        self._ask = {"QueueUrl": url, "Text": text, "MaxResults": 100, "MaxBodyBytes": 0}
        self._token = None
        self._under_way = 0

    @contextlib.contextmanager
    def beside(self):
        over = threading.Event()
        failures = []

        def search():
            try:
                while not over.is_set():
                    self.go_on()
            except Exception as error:  # told by the thread that asked for it
                failures.append(error)

        thread = threading.Thread(target=search, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        if failures:
            raise failures[0]

    def go_on(self):
        """One request."""
        ask = dict(self._ask, **({"NextToken": self._token} if self._token else {}))
        started = time.monotonic()
        connection = http.client.HTTPConnection(
            self._endpoint.hostname, self._endpoint.port, timeout=STALL_SECONDS_MAX
        )
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "Millrace.SearchMessages",
        }
        connection.request("POST", "/console/api/", json.dumps(ask), headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        check(answer.status == 200, f"search: {answer.status} {text[:300]!r}")
        reply = json.loads(text)
        self.seconds += time.monotonic() - started
        self.scanned += reply["Scanned"]
        self._under_way += len(reply.get("Messages", []))
        self._token = reply.get("NextToken")
        if not self._token:
            self.found.append(self._under_way)
            self._under_way = 0


# --- millrace-bench -------------------------------------------------------------------------------


def bench(server, case, seconds_max, **options):
    """Runs one case of millrace-bench. @return its figures."""
    program = os.environ.get("MILLRACE_BENCH", str(ROOT / "build/release/millrace-bench"))
    command = [program, "--case", case, "--endpoint", server.endpoint, "--json", "-"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds_max, check=False
    )
    check(done.returncode in (0, 3), f"millrace-bench: {done.stderr.decode()[-500:]}")
    for line in reversed(done.stdout.decode().splitlines()):
        if line.startswith("{"):
            figures = json.loads(line)
            check(figures["failures"] == 0, f"failures: {figures}")
            check(not figures["gave_up"], f"gave up: {figures}")
            return figures
    raise AssertionError(f"millrace-bench printed no figures: {done.stdout[-500:]!r}")
