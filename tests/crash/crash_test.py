#!/usr/bin/env python3
"""Kills the real server with SIGKILL again and again, and checks what it had promised.

usage: crash_test.py [--rounds N] [--seconds S] [--seed N]

Clients send, receive and delete while the server dies at random moments. A ledger holds what was
acknowledged. Once the dust has settled: every acknowledged message that nobody tried to delete is
received, no acknowledged delete comes back, dead-letter moves lose and double nothing.
"""

import argparse
import json
import random
import sys
import threading
import time

from support import UNKNOWN, Client, Refused, Server, check, run_cases

CLIENTS = 6
PLAIN_QUEUES = ("orders", "events", "mail")
VISIBILITY_SECONDS = 2
RECEIVE_COUNT_MAX = 2


class Ledger:
    """What clients know of each message, by its body. Every method locks."""

    def __init__(self):
        self._lock = threading.Lock()
        self._number = 0
        self.queue_of = {}
        self.acknowledged = set()
        self.ids = {}
        self.delete_tried = set()
        self.deleted_at = {}  # surely
        self.dead_at = {}  # first received from the dead-letter queue
        self.received = set()
        self.violations = []

    def new_bodies(self, queue, count):
        with self._lock:
            bodies = [f"message-{self._number + i}" for i in range(count)]
            self._number += count
            for body in bodies:
                self.queue_of[body] = queue
            return bodies

    def sent(self, body, message_id):
        with self._lock:
            self.acknowledged.add(body)
            if message_id in self.ids:
                self.violations.append(f"{body} and {self.ids[message_id]} have the same id")
            self.ids[message_id] = body

    def got(self, queue, message, asked_at):
        with self._lock:
            body = message["Body"]
            if body not in self.queue_of:
                self.violations.append(f"{body!r} was never sent")
                return
            home = self.queue_of[body]
            self.received.add(body)
            known = self.ids.get(message["MessageId"])
            if known not in (None, body):
                self.violations.append(f"{body} arrived under the id of {known}")
            if asked_at > self.deleted_at.get(body, float("inf")):
                self.violations.append(f"{body} came back after its delete was acknowledged")
            if queue != home and (home, queue) != ("work", "dead"):
                self.violations.append(f"{body} of {home} was received from {queue}")
            if queue == "dead":
                self.dead_at.setdefault(body, time.monotonic())
                if int(message["Attributes"]["ApproximateReceiveCount"]) <= RECEIVE_COUNT_MAX:
                    self.violations.append(f"{body} went to the dead-letter queue too early")
            elif asked_at > self.dead_at.get(body, float("inf")):
                self.violations.append(f"{body} was received from {queue} after dead")

    def deleting(self, body):
        with self._lock:
            self.delete_tried.add(body)

    def deleted(self, body):
        with self._lock:
            self.deleted_at.setdefault(body, time.monotonic())

    def must_exist(self):
        with self._lock:
            return self.acknowledged - self.delete_tried


class Fleet:
    """The client threads, and the server that they find again after each kill."""

    def __init__(self, server, ledger, seed):
        self.endpoint = server.endpoint
        self.ledger = ledger
        self.generation = 0
        self.urls = {}
        self.up = threading.Event()
        self.over = threading.Event()
        self.threads = [
            threading.Thread(target=self._run, args=(random.Random(f"{seed}/{number}"),))
            for number in range(CLIENTS)
        ]

    def _run(self, rng):
        client, generation = None, None
        while not self.over.is_set():
            if not self.up.wait(0.1):
                continue
            if generation != self.generation:
                generation = self.generation
                client = Client(self.endpoint)
            try:
                if rng.random() < 0.5:
                    self._send(client, rng)
                else:
                    self._receive(client, rng, generation)
            except UNKNOWN:
                client = Client(self.endpoint)
                self.over.wait(0.02)
            except Refused as refusal:
                if refusal.status < 500:
                    self.ledger.violations.append(str(refusal))

    def _send(self, client, rng):
        queue = rng.choice(PLAIN_QUEUES + ("work",))
        bodies = self.ledger.new_bodies(queue, rng.choice((1, 1, 10)))
        url = self.urls[queue]
        if len(bodies) == 1:
            self.ledger.sent(bodies[0], client.send(url, bodies[0])["MessageId"])
            return
        entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)]
        answer = client.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        for entry in answer.get("Successful", []):
            self.ledger.sent(bodies[int(entry["Id"])], entry["MessageId"])

    def _receive(self, client, rng, generation):
        queue = rng.choice(PLAIN_QUEUES + ("work", "dead"))
        asked_at = time.monotonic()
        messages = client.receive(
            self.urls[queue],
            rng.choice((1, 10)),
            WaitTimeSeconds=rng.choice((0, 0, 1)),
            AttributeNames=["ApproximateReceiveCount"],
        )
        for message in messages:
            self.ledger.got(queue, message, asked_at)
        chosen = [m for m in messages if rng.random() < (0.3 if queue == "work" else 0.7)]
        if not chosen:
            return
        for message in chosen:
            self.ledger.deleting(message["Body"])
        if len(chosen) == 1:
            client.delete(self.urls[queue], chosen[0]["ReceiptHandle"])
        else:
            entries = [
                {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(chosen)
            ]
            answer = client.call("DeleteMessageBatch", QueueUrl=self.urls[queue], Entries=entries)
            done = {int(entry["Id"]) for entry in answer.get("Successful", [])}
            chosen = [message for i, message in enumerate(chosen) if i in done]
        # Only while nobody else can hold the message is an acknowledged delete surely a delete.
        in_time = time.monotonic() - asked_at < VISIBILITY_SECONDS
        if in_time and generation == self.generation:
            for message in chosen:
                self.ledger.deleted(message["Body"])


def drain(client, urls, ledger):
    """Receives and deletes everything, until a round of long polls that is longer than two
    visibility timeouts has found nothing."""
    drained = []
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 2 * VISIBILITY_SECONDS + len(urls):
        for queue, url in urls.items():
            messages = None
            while messages != []:
                asked_at = time.monotonic()
                messages = client.receive(
                    url, WaitTimeSeconds=1, AttributeNames=["ApproximateReceiveCount"]
                )
                for message in messages:
                    quiet_since = time.monotonic()
                    ledger.got(queue, message, asked_at)
                    drained.append(message["Body"])
                    client.delete(url, message["ReceiptHandle"])
                    ledger.deleted(message["Body"])
    return drained


def storm(options):
    """Kill, restart, repeat; then check the ledger."""
    rng = random.Random(options.seed)
    ledger = Ledger()
    server = Server(test_clock=False).start()
    try:
        client = Client(server.endpoint)
        urls = {
            name: client.create(name, VisibilityTimeout=VISIBILITY_SECONDS)
            for name in PLAIN_QUEUES + ("dead",)
        }
        policy = {
            "deadLetterTargetArn": client.attribute(urls["dead"], "QueueArn"),
            "maxReceiveCount": RECEIVE_COUNT_MAX,
        }
        urls["work"] = client.create(
            "work", VisibilityTimeout=VISIBILITY_SECONDS, RedrivePolicy=json.dumps(policy)
        )
        fleet = Fleet(server, ledger, options.seed)
        fleet.urls = urls
        fleet.up.set()
        for thread in fleet.threads:
            thread.start()
        try:
            for _ in range(options.rounds):
                fleet.over.wait(rng.uniform(0.2, 1) * options.seconds)
                fleet.up.clear()
                fleet.generation += 1
                server.kill()
                server.start()
                fleet.endpoint = server.endpoint
                fleet.up.set()
        finally:
            fleet.over.set()
            for thread in fleet.threads:
                thread.join()
        deletes = len(ledger.deleted_at)
        client = Client(server.endpoint)
        drained = drain(client, urls, ledger)
        for queue, url in urls.items():
            for name in ("", "NotVisible", "Delayed"):
                count = client.attribute(url, f"ApproximateNumberOfMessages{name}")
                check(count == "0", f"the empty queue {queue} counts {count} messages{name}")
        lost = ledger.must_exist() - ledger.received
        check(not ledger.violations, "\n".join(ledger.violations[:20]))
        never_again = ledger.must_exist() - set(drained)
        check(not lost, f"{len(lost)} acknowledged messages were lost, as {sorted(lost)[:5]}")
        check(not never_again, f"messages that nobody deleted are gone: {sorted(never_again)[:5]}")
        check(len(drained) == len(set(drained)), "a message was drained twice")
        check(len(ledger.acknowledged) > 100 and deletes > 0, "too little has happened")
        print(
            f"        {options.rounds} kills, {len(ledger.acknowledged)} acknowledged sends, "
            f"{deletes} acknowledged deletes, {len(ledger.dead_at)} dead letters"
        )
        server.stop()
    except BaseException:
        print(f"--- the server's log\n{server.log()[-3000:]}")
        server.kill()
        raise
    finally:
        server.close()


def a_handle_survives_a_kill():
    with Server() as server:
        client = Client(server.endpoint)
        queue = client.create("handles")
        client.send(queue, "one")
        handle = client.receive(queue, VisibilityTimeout=30)[0]["ReceiptHandle"]
        server.kill()
        server.start()
        client = Client(server.endpoint)
        client.delete(queue, handle)
        server.advance(60_000)
        check(client.receive(queue) == [], "the handle from before the kill deleted nothing")


def an_old_handle_leaves_a_newer_delivery_alone():
    with Server() as server:
        client = Client(server.endpoint)
        queue = client.create("handles")
        client.send(queue, "one")
        old = client.receive(queue, VisibilityTimeout=1)[0]["ReceiptHandle"]
        server.advance(2_000)
        server.kill()
        server.start()
        client = Client(server.endpoint)
        server.advance(40_000)
        newer = client.receive(queue, VisibilityTimeout=30)
        check(len(newer) == 1, "the message is not visible again")
        client.delete(queue, old)
        try:
            client.call(
                "ChangeMessageVisibility", QueueUrl=queue, ReceiptHandle=old, VisibilityTimeout=0
            )
        except Refused:
            pass
        check(client.receive(queue) == [], "an old handle ended a newer delivery")
        server.advance(31_000)
        check(len(client.receive(queue)) == 1, "an old handle deleted a newer delivery's message")


def a_handle_that_was_forgotten_still_deletes():
    """The newest delivery may be forgotten by a kill while an older one is remembered."""
    with Server() as server:
        client = Client(server.endpoint)
        queue = client.create("handles")
        client.send(queue, "one")
        first = client.receive(queue, VisibilityTimeout=600)[0]["ReceiptHandle"]
        server.advance(2_000)
        client.send(queue, "two")  # takes the first delivery to disk along
        server.advance(2_000)
        client.call(
            "ChangeMessageVisibility", QueueUrl=queue, ReceiptHandle=first, VisibilityTimeout=0
        )
        handles = {}
        while len(handles) < 2:  # one receive may give a part of what is there
            handles.update({m["Body"]: m["ReceiptHandle"] for m in client.receive(queue)})
        server.kill()
        server.start()
        client = Client(server.endpoint)
        client.delete(queue, handles["one"])
        client.delete(queue, handles["two"])
        server.advance(700_000)
        left = [message["Body"] for message in client.receive(queue)]
        check(left == [], f"deleted with its newest handle, and still there: {left}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()

    def nothing_acknowledged_is_lost_by_kills():
        storm(options)

    status = run_cases(
        [
            a_handle_survives_a_kill,
            an_old_handle_leaves_a_newer_delivery_alone,
            a_handle_that_was_forgotten_still_deletes,
            nothing_acknowledged_is_lost_by_kills,
        ]
    )
    if status != 0:
        print(f"seed {options.seed}: crash_test.py --seed {options.seed}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
