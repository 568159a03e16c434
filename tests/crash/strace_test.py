#!/usr/bin/env python3
"""Watches the system calls of the real server: each acknowledged send and delete was on disk before
its reply was written.

Every request carries a marker in a header. In the trace, a durable write to the log (pwritev2 with
RWF_DSYNC, or a write and an fdatasync behind it) must begin after the request with that marker was
read and end before its reply is written. The checker itself is checked on traces that cheat.
"""

import re
import sys
import time

from support import Client, TracedServer, check, run_cases

CALLS = (
    "io_uring_enter,pwritev2,pwritev,pwrite64,fdatasync,fsync,"
    "sendmsg,sendto,write,writev,recvmsg,recvfrom,read,readv"
)
REQUESTS = 20

WHOLE = re.compile(r"^(\d+) +(\d+\.\d+) (\w+)\((.*)\) += (-?\d+).*?(?:<(\d+\.\d+)>)?$")
BEGUN = re.compile(r"^(\d+) +(\d+\.\d+) (\w+)\((.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +\d+\.\d+ <\.\.\. (\w+) resumed>(.*)\) += (-?\d+).*?<(\d+\.\d+)>$")
DESCRIPTOR = re.compile(r"^(\d+)<(.*?)>")
MARKER = re.compile(r"X-Marker: ([\w-]+)")


class Call:
    """One system call: `file` as strace names its first argument's file."""

    def __init__(self, name, arguments, result, begun_at, ended_at):
        self.name = name
        self.arguments = arguments
        self.result = result
        self.begun_at = begun_at
        self.ended_at = ended_at
        descriptor = DESCRIPTOR.match(arguments)
        self.descriptor = descriptor.group(1) if descriptor else None
        self.file = descriptor.group(2) if descriptor else ""


def parse(text):
    """The finished calls of a trace made with -f -ttt -T -y, in order of their beginning."""
    calls = []
    begun = {}
    for line in text.splitlines():
        if match := BEGUN.match(line):
            thread, at, name, arguments = match.groups()
            begun[thread] = (name, arguments, float(at))
        elif match := RESUMED.match(line):
            thread, name, rest, result, duration = match.groups()
            if thread not in begun:
                continue
            name, arguments, at = begun.pop(thread)
            calls.append(Call(name, arguments + rest, int(result), at, at + float(duration)))
        elif match := WHOLE.match(line):
            _, at, name, arguments, result, duration = match.groups()
            at = float(at)
            calls.append(Call(name, arguments, int(result), at, at + float(duration or 0)))
    calls.sort(key=lambda call: call.begun_at)
    return calls


def durable_spans(calls):
    """(begin, end) of everything that made bytes of the log durable."""
    spans = []
    written = {}
    for call in calls:
        if "/log/" not in call.file or call.result < 0:
            continue
        if call.name == "pwritev2" and "RWF_DSYNC" in call.arguments:
            spans.append((call.begun_at, call.ended_at))
        elif call.name in ("pwritev2", "pwritev", "pwrite64"):
            written.setdefault(call.file, call.begun_at)
        elif call.name in ("fdatasync", "fsync") and call.file in written:
            spans.append((written.pop(call.file), call.ended_at))
    return spans


def audit(text):
    """@return (number of acknowledged requests found, list of those that were not durable)."""
    calls = parse(text)
    spans = durable_spans(calls)
    waiting = {}  # descriptor: marker and when its request was read
    seen = 0
    early = []
    for call in calls:
        if call.name in ("recvmsg", "recvfrom", "read", "readv") and call.result > 0:
            if marker := MARKER.search(call.arguments):
                waiting[call.descriptor] = (marker.group(1), call.ended_at)
        elif call.name in ("sendmsg", "sendto", "write", "writev") and call.result > 0:
            if "HTTP/1.1 200" not in call.arguments or call.descriptor not in waiting:
                continue
            marker, read_at = waiting.pop(call.descriptor)
            seen += 1
            if not any(read_at <= begin and end <= call.begun_at for begin, end in spans):
                early.append(marker)
    return seen, early


def record():
    """Runs a traced server and a client that sends and deletes. @return the trace."""
    server = TracedServer(
        ["-ttt", "-T", "-y", "-s", "700", "-e", f"trace={CALLS}"],
        test_clock=False,
        options=["--commit-writer", "thread"],
    )
    try:
        server.start()
        try:
            client = Client(server.endpoint)
            queue = client.create("traced")
            for number in range(REQUESTS):
                client.send(queue, f"body {number}", headers={"X-Marker": f"send-{number}"})
            for number in range(REQUESTS):
                handle = client.receive(queue, 1)[0]["ReceiptHandle"]
                client.delete(queue, handle, headers={"X-Marker": f"delete-{number}"})
        finally:
            server.stop()
        deadline = time.monotonic() + 10  # the tracer ends just after what it traces
        while "+++ exited with" not in (text := server.trace_path.read_text(errors="replace")):
            check(time.monotonic() < deadline, "the trace does not end")
        return text
    finally:
        server.close()


REQUEST = 'recvmsg(9<socket:[5]>, {iov_base="POST / HTTP/1.1\\r\\nX-Marker: one\\r\\n"}, 0) = 40'
REPLY = 'sendmsg(9<socket:[5]>, {iov_base="HTTP/1.1 200 OK\\r\\n"}, MSG_NOSIGNAL) = 90'
WRITE = 'pwritev2(7</data/log/1.segment>, [{iov_base="frame"}], 1, 4096, RWF_DSYNC'
SAMPLE = f"""\
71 100.000100 {REQUEST} <0.000010>
72 100.000200 {WRITE} <unfinished ...>
71 100.000300 read(5<anon_inode:[eventfd]>, "1", 8) = 8 <0.000010>
72 100.000900 <... pwritev2 resumed>) = 4096 <0.000700>
71 100.001000 {REPLY} <0.000020>
"""


def the_checker_accepts_a_reply_after_the_sync():
    check(audit(SAMPLE) == (1, []), f"the sample was read as {audit(SAMPLE)}")


def the_checker_sees_a_reply_before_the_sync_ends():
    doctored = SAMPLE.replace("100.001000", "100.000800")
    check(audit(doctored) == (1, ["one"]), "an early reply passed")


def the_checker_sees_a_write_that_is_not_synced():
    check(audit(SAMPLE.replace("RWF_DSYNC", "0")) == (1, ["one"]), "an unsynced write passed")


def the_checker_sees_a_sync_from_before_the_request():
    doctored = SAMPLE.replace("100.000200", "100.000050")
    check(audit(doctored) == (1, ["one"]), "an older sync was taken for this request's")


def the_checker_accepts_a_write_with_a_sync_behind_it():
    separate = SAMPLE.replace("RWF_DSYNC", "0").replace(
        "71 100.001000",
        "72 100.000910 fdatasync(7</data/log/1.segment>) = 0 <0.000050>\n71 100.001000",
    )
    check(audit(separate) == (1, []), "a write with fdatasync behind it did not pass")


def every_reply_follows_its_sync():
    seen, early = audit(record())
    check(seen == 2 * REQUESTS, f"{seen} of {2 * REQUESTS} replies were found in the trace")
    check(not early, f"answered before they were durable: {early}")


def main():
    return run_cases(
        [
            the_checker_accepts_a_reply_after_the_sync,
            the_checker_sees_a_reply_before_the_sync_ends,
            the_checker_sees_a_write_that_is_not_synced,
            the_checker_sees_a_sync_from_before_the_request,
            the_checker_accepts_a_write_with_a_sync_behind_it,
            every_reply_follows_its_sync,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
