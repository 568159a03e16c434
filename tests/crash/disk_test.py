#!/usr/bin/env python3
"""What the real server does about its data directory: one server at a time, formats it does not
know, torn and damaged logs, and a disk that is full."""

import os
import re
import sys
import time

from support import (
    DISK_MEBIBYTES,
    Client,
    Folder,
    Refused,
    Server,
    SmallDisk,
    check,
    run_cases,
)

BINARY_SECONDS_MAX = 60


def start_and_fail(data):
    """Starts a server that must refuse to; @return what it said."""
    server = Server(test_clock=False, data=str(data))
    try:
        server.start()
    except RuntimeError as refusal:
        return str(refusal)
    else:
        server.stop()
        raise AssertionError("the server started")
    finally:
        server.close()


def filled(data, bodies):
    """A data directory whose server was killed after acknowledging `bodies` in a queue "q"."""
    server = Server(test_clock=False, data=str(data)).start()
    client = Client(server.endpoint)
    queue = client.create("q", SqsManagedSseEnabled="false")  # so that find() finds them
    for body in bodies:
        client.send(queue, body)
    server.kill()
    server.close()


def find(data, text):
    """@return the log segment and the offset at which `text` was written last."""
    for segment in sorted(data.glob("shard-*/log/*.segment"), reverse=True):
        offset = segment.read_bytes().rfind(text.encode())
        if offset >= 0:
            return segment, offset
    raise AssertionError(f"{text!r} is in no segment")


def overwrite(path, offset, change):
    with open(path, "r+b") as file:
        file.seek(offset)
        before = file.read(1)
        file.seek(offset)
        file.write(bytes([change(before[0])]))
        os.fsync(file.fileno())


def a_second_server_is_refused():
    with Folder() as folder:
        first = Server(test_clock=False, data=str(folder / "data")).start()
        try:
            said = start_and_fail(folder / "data")
            check("a server uses" in said, said)
            client = Client(first.endpoint)
            client.send(client.create("q"), "the first server goes on")
        finally:
            first.stop()
            first.close()


def a_newer_format_is_refused():
    with Folder() as folder:
        data = folder / "data"
        filled(data, ["one"])
        formats = list(data.glob("shard-*/FORMAT"))
        check(formats, "there is no FORMAT file")
        text = formats[0].read_text()
        version = int(re.search(r"^version (\d+)$", text, re.MULTILINE).group(1))
        formats[0].write_text(text.replace(f"version {version}", f"version {version + 1}"))
        said = start_and_fail(data)
        check(f"format version {version + 1}" in said, said)
        formats[0].write_text(text)
        server = Server(test_clock=False, data=str(data)).start()
        server.stop()
        server.close()


def a_damaged_log_is_refused():
    with Folder() as folder:
        data = folder / "data"
        bodies = [f"message number {i} of the damaged log" for i in range(20)]
        filled(data, bodies)
        segment, offset = find(data, bodies[5])
        overwrite(segment, offset, lambda byte: byte ^ 1)
        said = start_and_fail(data)
        check("corrupt" in said or "damaged" in said or "checksum" in said, said)
        overwrite(segment, offset, lambda byte: byte ^ 1)
        server = Server(test_clock=False, data=str(data)).start()
        server.stop()
        server.close()


def a_torn_tail_is_cut_off():
    with Folder() as folder:
        data = folder / "data"
        bodies = [f"message number {i} of the torn log" for i in range(20)]
        filled(data, bodies)
        segment, offset = find(data, bodies[-1])
        overwrite(segment, offset, lambda byte: byte ^ 1)
        server = Server(test_clock=False, data=str(data)).start()
        try:
            client = Client(server.endpoint)
            queue = client.call("GetQueueUrl", QueueName="q")["QueueUrl"]
            received = set()
            while messages := client.receive(queue):
                received.update(message["Body"] for message in messages)
            check(received == set(bodies[:-1]), f"received {sorted(received)}")
            client.send(queue, "the log goes on")
            check(client.receive(queue)[0]["Body"] == "the log goes on", "it does not go on")
        finally:
            server.stop()
            server.close()


def fill(client, queue):
    """Sends until the disk is said to be full. @return how many were acknowledged, and the text."""
    body = "x" * 200_000
    for sent in range(DISK_MEBIBYTES * 10):
        try:
            client.send(queue, f"{sent} {body}")
        except Refused as refusal:
            check(refusal.status == 503, f"a full disk answers {refusal}")
            return sent, refusal.message
    raise AssertionError("the disk was never full")


def a_full_disk_refuses_sends_and_heals_itself():
    with SmallDisk() as disk:
        server = Server(test_clock=False, data=str(disk / "data")).start()
        try:
            client = Client(server.endpoint)
            queue = client.create("q", VisibilityTimeout=600)
            sent, said = fill(client, queue)
            check("disk" in said, f"the refusal does not name its cause: {said}")
            check(sent >= 100, f"only {sent} messages of 200 kB fit on {DISK_MEBIBYTES} MiB")
            received = set()
            deadline = time.monotonic() + BINARY_SECONDS_MAX
            while len(received) < sent and time.monotonic() < deadline:
                for message in client.receive(queue, WaitTimeSeconds=1):
                    received.add(int(message["Body"].partition(" ")[0]))
                    client.delete(queue, message["ReceiptHandle"])
            check(len(received) == sent, f"{len(received)} of {sent} could be received")
            while True:
                try:
                    client.send(queue, "there is room again")
                    break
                except Refused as refusal:
                    check(time.monotonic() < deadline, f"sends never resumed: {refusal}")
                    client.receive(queue, WaitTimeSeconds=1)  # nothing comes
            again, _ = fill(client, queue)
            check(again >= sent // 2, f"after draining, only {again} of {sent} fit")
            server.kill()
            server.start()
            client = Client(server.endpoint)
            count = int(client.attribute(queue, "ApproximateNumberOfMessages"))
            check(count >= again, f"{count} messages after a kill on a full disk, not {again}")
        finally:
            server.kill()
            server.close()


def main():
    return run_cases(
        [
            a_second_server_is_refused,
            a_newer_format_is_refused,
            a_damaged_log_is_refused,
            a_torn_tail_is_cut_off,
            a_full_disk_refuses_sends_and_heals_itself,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
