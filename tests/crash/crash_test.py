#!/usr/bin/env python3
"""Kills the real server with SIGKILL again and again, and checks what it had promised.

usage: crash_test.py [--rounds N] [--seconds S] [--seed N]

Clients send, receive and delete while the server dies at random moments. A ledger holds what was
acknowledged. Once the dust has settled: every acknowledged message that nobody tried to delete is
received, no acknowledged delete comes back, dead-letter moves lose and double nothing.
"""

import json
import random
import sys
import time

from support import (
    Client,
    Fleet,
    Ledger,
    Refused,
    Server,
    check,
    delete_all,
    drain,
    logged_server,
    run_storm_cases,
    storm_options,
)

CLIENTS = 6
PLAIN_QUEUES = ("orders", "events", "mail")
VISIBILITY_SECONDS = 2
RECEIVE_COUNT_MAX = 2


class StandardLedger(Ledger):
    """What standard queues have promised."""

    def __init__(self):
        super().__init__()
        self._number = 0
        self.queue_of = {}
        self.ids = {}
        self.dead_at = {}  # first received from the dead-letter queue

    def new_bodies(self, queue, count):
        with self.lock:
            bodies = [f"message-{self._number + i}" for i in range(count)]
            self._number += count
            for body in bodies:
                self.queue_of[body] = queue
            return bodies

    def sent(self, body, message_id):
        with self.lock:
            self.acknowledged.add(body)
            if message_id in self.ids:
                self.violations.append(f"{body} and {self.ids[message_id]} have the same id")
            self.ids[message_id] = body

    def answered(self, queue, messages, asked_at):
        with self.lock:
            for message in messages:
                self._got(queue, message, asked_at)

    def _got(self, queue, message, asked_at):
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


class StandardFleet(Fleet):
    """Clients that send, receive and delete."""

    def __init__(self, server, ledger, urls, seed, delays=(0,), **more):
        super().__init__(server, ledger, CLIENTS, seed, **more)
        self.urls = urls
        self.delays = delays

    def act(self, client, rng, generation):
        if rng.random() < 0.5:
            self._send(client, rng)
        else:
            self._receive(client, rng, generation)

    def _send(self, client, rng):
        queue = rng.choice(PLAIN_QUEUES + ("work",))
        bodies = self.ledger.new_bodies(queue, rng.choice((1, 1, 10)))
        url = self.urls[queue]
        if len(bodies) == 1:
            answer = client.send(url, bodies[0], DelaySeconds=rng.choice(self.delays))
            self.ledger.sent(bodies[0], answer["MessageId"])
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
        self.ledger.answered(queue, messages, asked_at)
        chosen = [m for m in messages if rng.random() < (0.3 if queue == "work" else 0.7)]
        if not chosen:
            return
        for message in chosen:
            self.ledger.deleting(message["Body"])
        chosen = delete_all(client, self.urls[queue], chosen)
        # Only while nobody else can hold the message is an acknowledged delete surely a delete.
        in_time = time.monotonic() - asked_at < VISIBILITY_SECONDS
        if in_time and generation == self.generation:
            for message in chosen:
                self.ledger.deleted(message["Body"])


def create_queues(client):
    """@return the URLs of the queues by their names."""
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
    return urls


def storm(options):
    """Kill, restart, repeat; then check the ledger."""
    ledger = StandardLedger()
    with logged_server() as server:
        urls = create_queues(Client(server.endpoint))
        fleet = StandardFleet(server, ledger, urls, options.seed)
        fleet.storm(options.rounds, options.seconds, random.Random(options.seed))
        deletes = len(ledger.deleted_at)
        drain(
            Client(server.endpoint),
            urls,
            ledger,
            VISIBILITY_SECONDS,
            AttributeNames=["ApproximateReceiveCount"],
        )
        check(len(ledger.acknowledged) > 100 and deletes > 0, "too little has happened")
        print(
            f"        {options.rounds} kills, {len(ledger.acknowledged)} acknowledged sends, "
            f"{deletes} acknowledged deletes, {len(ledger.dead_at)} dead letters"
        )


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
    options = storm_options(__doc__.splitlines()[0], rounds=20, seconds=1.0)

    def nothing_acknowledged_is_lost_by_kills():
        storm(options)

    return run_storm_cases(
        [
            a_handle_survives_a_kill,
            an_old_handle_leaves_a_newer_delivery_alone,
            a_handle_that_was_forgotten_still_deletes,
            nothing_acknowledged_is_lost_by_kills,
        ],
        options,
    )


if __name__ == "__main__":
    sys.exit(main())
