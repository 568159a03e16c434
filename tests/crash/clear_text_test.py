#!/usr/bin/env python3
"""What is on the disk of an encrypted queue: nothing of a message in clear, in no file of the data
directory, while the server runs, after kill -9 and after a clean stop."""

import json
import pathlib
import sys
import tempfile

from support import Client, Server, check, run_cases

# Each kind of text that a client chooses begins with its own word; none may be found.
WORDS = ("BODYTEXT", "NAMETEXT", "TYPETEXT", "VALUETEXT", "GROUPTEXT", "DEDUPTEXT", "TRACETEXT")
MESSAGES = 200


def message(number, fifo):
    more = {
        "MessageAttributes": {
            f"NAMETEXT{number}": {
                "DataType": "String.TYPETEXT",
                "StringValue": f"VALUETEXT{number}",
            }
        },
        "MessageSystemAttributes": {
            "AWSTraceHeader": {"DataType": "String", "StringValue": f"TRACETEXT{number}"}
        },
    }
    if fifo:
        more["MessageGroupId"] = f"GROUPTEXT{number % 7}"
        more["MessageDeduplicationId"] = f"DEDUPTEXT{number}"
    return f"BODYTEXT{number} " + "x" * (number % 50), more


def fill(client):
    """Messages in all that can become of them: waiting, delayed, in flight, dead, moved by a task,
    deleted and purged. @return their queues."""
    queues = []
    for fifo in (False, True):
        end, attributes = (".fifo", {"FifoQueue": "true"}) if fifo else ("", {})
        dead = client.create("dead" + end, **attributes)
        policy = {
            "deadLetterTargetArn": client.attribute(dead, "QueueArn"),
            "maxReceiveCount": 1,
        }
        queue = client.create("q" + end, RedrivePolicy=json.dumps(policy), **attributes)
        purged = client.create("purged" + end, **attributes)
        queues += [queue, dead]
        for number in range(MESSAGES):
            body, more = message(number, fifo)
            if not fifo and number % 5 == 0:
                more["DelaySeconds"] = 600
            client.send(queue, body, **more)
            client.send(purged, body, **{k: v for k, v in more.items() if k != "DelaySeconds"})
        client.call("PurgeQueue", QueueUrl=purged)
        for _ in range(5):
            client.receive(queue, VisibilityTimeout=0, AttributeNames=["All"])
        for received in client.receive(queue, VisibilityTimeout=600)[:5]:
            client.delete(queue, received["ReceiptHandle"])
        if fifo:
            client.receive(queue, ReceiveRequestAttemptId="DEDUPTEXTattempt")
        client.call("StartMessageMoveTask", SourceArn=client.attribute(dead, "QueueArn"))
    body, more = message(1, False)
    client.send(client.create("fair"), body, MessageGroupId="GROUPTEXTtenant", **more)
    return queues


def found(folder):
    """The words that stand in a file below `folder`, with the file."""
    hits = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        hits += [f"{word} in {path.name}" for word in WORDS if word.encode() in data]
    return hits


def nothing_is_in_clear():
    with tempfile.TemporaryDirectory(prefix="millrace-clear-") as folder:
        data = pathlib.Path(folder) / "data"
        server = Server(data=str(data), options=["--relax-purge-interval"]).start()
        try:
            client = Client(server.endpoint)
            queues = fill(client)
            check(not found(data), f"while it runs: {found(data)}")
            server.kill()
            check(not found(data), f"after kill -9: {found(data)}")
            server.start()
            check(not found(data), f"after a recovery: {found(data)}")
            client = Client(server.endpoint)
            server.advance(700_000)
            bodies = [m["Body"] for url in queues for m in client.receive(url)]
            check(any(body.startswith("BODYTEXT") for body in bodies), "they can be read")
            server.stop()
            check(not found(data), f"after a clean stop: {found(data)}")
        finally:
            server.close()


def what_is_not_encrypted_is_found():
    """The search itself works."""
    with tempfile.TemporaryDirectory(prefix="millrace-clear-") as folder:
        data = pathlib.Path(folder) / "data"
        server = Server(data=str(data)).start()
        try:
            client = Client(server.endpoint)
            queue = client.create("q.fifo", FifoQueue="true", SqsManagedSseEnabled="false")
            body, more = message(1, True)
            client.send(queue, body, **more)
            server.stop()
            missing = [word for word in WORDS if not any(word in hit for hit in found(data))]
            check(not missing, f"not found: {missing}")
        finally:
            server.close()


if __name__ == "__main__":
    sys.exit(run_cases([nothing_is_in_clear, what_is_not_encrypted_is_found]))
