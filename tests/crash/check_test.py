#!/usr/bin/env python3
"""`millrace check` on data directories of the real server: sound ones, and each with one bit
flipped somewhere. What it does not report must do no harm.

usage: check_test.py [--flips N] [--seed N]
"""

import argparse
import json
import random
import shutil
import subprocess
import sys

from support import BINARY, Client, Folder, Server, check, run_cases

FLIPS = 15
STANDARD, FIFO, DEAD = "work", "steps.fifo", "dead"
WANTED = ["All"]


def run_check(data):
    """@return whether `millrace check` calls `data` sound, and what it said."""
    done = subprocess.run(
        [BINARY, "check", str(data)], capture_output=True, text=True, timeout=60
    )
    return done.returncode == 0, done.stdout + done.stderr


def fill(data):
    """A data directory with messages of all kinds, whose server was stopped in order."""
    server = Server(test_clock=False, data=str(data)).start()
    client = Client(server.endpoint)
    dead = client.create(DEAD)
    arn = client.call("GetQueueAttributes", QueueUrl=dead, AttributeNames=["QueueArn"])
    policy = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 1}
    work = client.create(STANDARD, RedrivePolicy=json.dumps(policy), VisibilityTimeout=0)
    steps = client.create(FIFO, FifoQueue="true", VisibilityTimeout=0)
    for i in range(60):
        client.send(work, f"message {i}", DelaySeconds=i % 3)
        ids = {"MessageGroupId": f"group-{i % 4}", "MessageDeduplicationId": f"id-{i}"}
        client.send(steps, f"step {i}", **ids)
    for _ in range(3):  # some are deleted, some become dead letters
        messages = client.receive(work)
        if messages:
            client.delete(work, messages[0]["ReceiptHandle"])
    server.stop()
    server.close()


def content(data):
    """Everything that a server on `data` hands out, or None if it does not start."""
    server = Server(test_clock=True, data=str(data))
    try:
        server.start()
    except RuntimeError:
        server.close()
        return None
    try:
        client = Client(server.endpoint)
        server.advance(10_000)
        found = []
        for name in (STANDARD, FIFO, DEAD):
            url = client.call("GetQueueUrl", QueueName=name)["QueueUrl"]
            client.call(
                "SetQueueAttributes",
                QueueUrl=url,
                Attributes={"VisibilityTimeout": "3600", "RedrivePolicy": ""},
            )
            while messages := client.receive(url, 10, AttributeNames=WANTED):
                for message in messages:
                    kept = ("MessageGroupId", "MessageDeduplicationId", "SequenceNumber")
                    facts = {key: message["Attributes"].get(key) for key in kept}
                    found.append((name, message["MessageId"], message["Body"], str(facts)))
                    client.delete(url, message["ReceiptHandle"])
        return sorted(found)
    finally:
        server.stop()
        server.close()


def copy(data, folder):
    target = folder / "copy"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(data, target)
    return target


def flip(data, rng):
    """Flips a bit of one of the files. @return which."""
    files = sorted(path for path in data.rglob("*") if path.is_file() and path.stat().st_size > 0)
    # Small files would hardly ever be chosen by their size, and most of a segment is empty.
    path = rng.choice(files)
    bytes_ = bytearray(path.read_bytes())
    used = len(bytes_.rstrip(b"\0")) or len(bytes_)
    at = rng.randrange(used)
    bytes_[at] ^= 1 << rng.randrange(8)
    path.write_bytes(bytes_)
    return f"{path.relative_to(data)}, byte {at}"


def a_sound_directory_is_called_sound():
    with Folder() as folder:
        data = folder / "data"
        fill(data)
        before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
        sound, said = run_check(data)
        check(sound and "is sound" in said, said)
        after = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
        check(before == after, "the check has changed the directory")


def a_directory_in_use_is_not_looked_at():
    with Folder() as folder:
        server = Server(test_clock=False, data=str(folder / "data")).start()
        try:
            sound, said = run_check(folder / "data")
            check(not sound and "a server uses the data directory" in said, said)
        finally:
            server.stop()
            server.close()


def what_is_no_data_directory_is_said_so():
    with Folder() as folder:
        for path in (folder, folder / "nowhere"):
            sound, said = run_check(path)
            check(not sound and "is not a data directory" in said, said)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=FLIPS)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()

    def a_flipped_bit_is_reported_or_does_no_harm():
        with Folder() as folder:
            data = folder / "data"
            fill(data)
            whole = content(copy(data, folder))
            check(whole and len(whole) > 100, f"too little has been stored: {whole}")
            rng = random.Random(options.seed)
            reported = refused = harmless = 0
            for _ in range(options.flips):
                damaged = copy(data, folder)
                where = flip(damaged, rng)
                sound, said = run_check(damaged)
                if not sound:
                    reported += 1
                    continue
                found = content(damaged)
                if found is None:
                    refused += 1
                    continue
                check(found == whole, f"{where} (seed {options.seed}): {said}")
                harmless += 1
            print(f"        {reported} reported, {refused} refused at start, {harmless} harmless")
            check(reported > 0, "no damage was found at all")

    return run_cases(
        [
            a_sound_directory_is_called_sound,
            a_directory_in_use_is_not_looked_at,
            what_is_no_data_directory_is_said_so,
            a_flipped_bit_is_reported_or_does_no_harm,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
