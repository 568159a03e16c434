#!/usr/bin/env python3
"""Lets commits of the real server fail: strace answers the system call that would have written them
with an error, and the disk gets nothing.

Clients send, receive and delete meanwhile. What is acknowledged must be true: such a send stays,
such a delete stays done, after the shard was opened again by itself as well as after a kill. What
failed must be answered with 503.
"""

import concurrent.futures
import pathlib
import shutil
import sys
import tempfile
import threading
import time

from support import Client, Refused, Server, Skipped, TracedServer, check, run_cases

CLIENTS = 3
FAILURES = 3
STEPS_AFTER = 20
SECONDS_MAX = 180
RETRY_SECONDS = 0.02
VISIBILITY_MILLISECONDS = 30_000
FAILED = "shard 0 failed: "


class Worker:
    """One client with a queue of its own, and what it knows of each message there."""

    def __init__(self, endpoint, name):
        self.client = Client(endpoint)
        self.name = name
        self.queue = self.client.create(name)
        self.there = set()  # the send was acknowledged, and nobody tried to delete it
        self.unknown = set()  # the send was refused
        self.gone = set()  # the delete was acknowledged
        self.refusals = 0
        self.steps = 0
        self._pause = threading.Event()  # never set
        self._deadline = time.monotonic() + SECONDS_MAX

    def step(self):
        """Sends a message; receives one, and deletes it in every second step."""
        check(time.monotonic() < self._deadline, f"{self.name}: too long, {self.refusals} refusals")
        body = f"{self.name} {self.steps}"
        self.steps += 1
        try:
            self.client.send(self.queue, body)
            self.there.add(body)
        except Refused as refusal:
            self._refused(refusal)
            self.unknown.add(body)
        for message in self._until_taken(self.client.receive, self.queue, 1):
            body = message["Body"]
            check(body in self.there | self.unknown, f"{body!r} is gone and was received")
            if self.steps % 2 == 0:
                # Its handle stays good when the shard forgets that the message was received.
                self._until_taken(self.client.delete, self.queue, message["ReceiptHandle"])
                self.there.discard(body)
                self.unknown.discard(body)
                self.gone.add(body)

    def _until_taken(self, call, *arguments):
        while True:
            try:
                return call(*arguments)
            except Refused as refusal:
                self._refused(refusal)

    def _refused(self, refusal):
        check(refusal.status == 503, f"a failed commit was answered with {refusal}")
        check(time.monotonic() < self._deadline, f"{self.name}: still {refusal}")
        self.refusals += 1
        self._pause.wait(RETRY_SECONDS)

    def found(self, client):
        """Every body in the queue, and that it is what was promised."""
        bodies = []
        while messages := client.receive(self.queue):
            bodies += [message["Body"] for message in messages]
        found = set(bodies)
        check(len(found) == len(bodies), f"{self.name}: a message was received twice")
        check(not self.there - found, f"acknowledged and lost: {sorted(self.there - found)}")
        check(not self.gone & found, f"deleted and back: {sorted(self.gone & found)}")
        check(found <= self.there | self.unknown, f"{self.name}: never sent: {sorted(found)}")
        return found


def work(workers, done):
    """Each worker steps in a thread of its own until `done(worker)`."""

    def run(worker):
        while not done(worker):
            worker.step()

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
        for running in [threads.submit(run, worker) for worker in workers]:
            running.result()


def look(server, workers):
    """What each queue holds, once nothing is in flight."""
    server.advance(VISIBILITY_MILLISECONDS + 1)
    client = Client(server.endpoint)
    return [worker.found(client) for worker in workers]


def commits_fail(writer, injected, reason):
    """Clients work until `injected` has made FAILURES commits fail, and some more without it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-failed-"))
    options = {"options": ["--commit-writer", writer], "data": str(folder / "data")}
    call = injected.partition(":")[0]
    failing = TracedServer(["-e", f"trace={call}", "-e", f"inject={injected}"], **options)
    server = Server(**options)
    try:
        try:
            failing.start()
        except RuntimeError as error:
            if "io_uring cannot be used" in str(error):
                raise Skipped("io_uring is not permitted here") from error
            raise
        workers = [Worker(failing.endpoint, f"client-{number}") for number in range(CLIENTS)]
        work(workers, lambda worker: failing.log().count(FAILED) >= FAILURES)
        failing.end_tracing()
        last = [worker.steps + STEPS_AFTER for worker in workers]
        work(workers, lambda worker: worker.steps >= last[workers.index(worker)])

        log = failing.log()
        failures = log.count(FAILED)
        refusals = sum(worker.refusals for worker in workers)
        check(log.count(reason) >= failures, f"the log does not say {reason!r} each time:\n{log}")
        check(refusals >= failures, f"{failures} commits failed, but {refusals} calls were refused")
        found = look(failing, workers)
        failing.kill()
        server.start()
        check(look(server, workers) == found, "the kill changed what the queues hold")
        print(
            f"        {failures} failed commits, {refusals} refusals, "
            f"{sum(len(worker.there) for worker in workers)} messages left, "
            f"{sum(len(worker.gone) for worker in workers)} deleted"
        )
        server.stop()
    except BaseException:
        print(f"--- the servers' logs\n{failing.log()[-3000:]}\n{server.log()[-3000:]}")
        raise
    finally:
        failing.close()
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


# The committer thread ends with its shard's life, and strace counts each thread's calls: every life
# ends with its thirtieth commit. With io_uring it is one thread that submits all commits.


def a_write_error_acknowledges_nothing_and_heals():
    commits_fail("thread", "pwritev2:error=EIO:when=30", "Input/output error")


def a_full_disk_acknowledges_nothing_and_heals():
    commits_fail("thread", "pwritev2:error=ENOSPC:when=30", "No space left on device")


def an_error_of_io_uring_acknowledges_nothing_and_heals():
    commits_fail("io_uring", "io_uring_enter:error=EIO:when=30+30", "Input/output error")


def main():
    return run_cases(
        [
            a_write_error_acknowledges_nothing_and_heals,
            a_full_disk_acknowledges_nothing_and_heals,
            an_error_of_io_uring_acknowledges_nothing_and_heals,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
