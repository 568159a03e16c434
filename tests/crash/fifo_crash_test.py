#!/usr/bin/env python3
"""Kills the real server with SIGKILL again and again, and checks what FIFO queues had promised.

usage: fifo_crash_test.py [--rounds N] [--seconds S] [--seed N]

Clients send to groups with deduplication ids, repeat what they sent, receive and delete, while the
server dies at random moments. As careful producers do, they send what the server did not
acknowledge again, under the same ids, before they send anything else to that group. So the order
of each group is known: the messages' bodies are the group and a number that rises by one.
"""

import collections
import random
import sys
import threading
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
GROUPS = tuple(f"group-{i}" for i in range(16))
VISIBILITY_SECONDS = 3
# The server counts whole milliseconds, and takes the time from the wall clock anew at each start.
CLOCK_TOLERANCE_SECONDS = 0.01
# Ids are remembered for 300 seconds; a repeat may be long on its way.
REPEAT_SECONDS_MAX = 200
REPEATS_AFTER_A_KILL = 3  # of the last messages of each group
WANTED = ("MessageGroupId", "MessageDeduplicationId", "SequenceNumber")


def body_of(group, number):
    return f"{group}/{number}"


class Group:
    """A message group as its senders and receivers see it."""

    def __init__(self):
        self.sending = threading.Lock()  # one sender at a time, or there would be no order
        self.unacknowledged = []  # bodies that have to be sent again before anything else
        self.count = 0  # messages that somebody tried to send
        self.first_left = 0  # nobody has tried to delete it
        self.sequence = 0  # highest acknowledged
        self.held = {}  # bodies of the last receive, which are locked until then


class FifoLedger(Ledger):
    """What the FIFO queue has promised."""

    def __init__(self):
        super().__init__()
        self.groups = {name: Group() for name in GROUPS}
        self.sent_as = {}  # body: (message id, sequence number)
        self.tried_at = {}  # body: when somebody began to send it
        self.floors = {}  # body: the highest acknowledged sequence number before it was sent
        self.sequence = 0  # the queue's highest acknowledged one
        self.repeats = 0
        self.locked_at_kills = 0

    def sending(self, group, count):
        """@return the bodies that are to be sent to `group` now. Under its `sending` lock."""
        with self.lock:
            state = self.groups[group]
            if not state.unacknowledged:
                numbers = range(state.count, state.count + count)
                state.unacknowledged = [body_of(group, number) for number in numbers]
                state.count += count
                for body in state.unacknowledged:
                    self.floors[body] = self.sequence
                    self.tried_at[body] = time.monotonic()
            return list(state.unacknowledged)

    def sent(self, group, body, answer):
        """The send of `body` was acknowledged, for the first time or once more."""
        with self.lock:
            state = self.groups[group]
            told = (answer["MessageId"], int(answer["SequenceNumber"]))
            if body in self.sent_as:
                self.repeats += 1
                if told != self.sent_as[body]:
                    self.violations.append(
                        f"{body} was sent as {self.sent_as[body]}, its repeat as {told}"
                    )
                return
            self.sent_as[body] = told
            self.acknowledged.add(body)
            state.unacknowledged.remove(body)
            if told[1] <= max(state.sequence, self.floors[body]):
                self.violations.append(f"{body} has {told[1]}, not above what was sent before it")
            state.sequence = max(state.sequence, told[1])
            self.sequence = max(self.sequence, told[1])

    def answered(self, queue, messages, asked_at):
        with self.lock:
            now = time.monotonic()
            parts = collections.defaultdict(list)
            for message in messages:
                self._check_message(message, asked_at)
                parts[message["Attributes"]["MessageGroupId"]].append(message["Body"])
            for group, bodies in parts.items():
                self._check_order(group, bodies)
                # An answer that was so long on its way may have been overtaken.
                if now < asked_at + VISIBILITY_SECONDS:
                    self._check_lock(group, bodies, now)
                    until = asked_at + VISIBILITY_SECONDS - CLOCK_TOLERANCE_SECONDS
                    self.groups[group].held = {body: until for body in bodies}

    def _check_message(self, message, asked_at):
        body = message["Body"]
        attributes = message["Attributes"]
        self.received.add(body)
        if body not in self.floors:
            self.violations.append(f"{body!r} was never sent")
        arrived = (message["MessageId"], int(attributes["SequenceNumber"]))
        if self.sent_as.get(body, arrived) != arrived:
            self.violations.append(f"{body} was sent as {self.sent_as[body]}, came as {arrived}")
        if attributes["MessageDeduplicationId"] != body:
            self.violations.append(f"{body} has the id {attributes['MessageDeduplicationId']}")
        if not body.startswith(attributes["MessageGroupId"] + "/"):
            self.violations.append(f"{body} is of the group {attributes['MessageGroupId']}")
        if asked_at > self.deleted_at.get(body, float("inf")):
            self.violations.append(f"{body} came back after its delete was acknowledged")

    def _check_order(self, group, bodies):
        """What comes of a group is what comes first in it, but for what may have been deleted."""
        state = self.groups[group]
        while body_of(group, state.first_left) in self.delete_tried:
            state.first_left += 1
        numbers = [int(body.rpartition("/")[2]) for body in bodies]
        if numbers != sorted(set(numbers)):
            self.violations.append(f"out of order in one answer: {bodies}")
        for number in range(state.first_left, numbers[-1]):
            body = body_of(group, number)
            if number not in numbers and body not in self.delete_tried:
                self.violations.append(f"{bodies} came before {body}")

    def _check_lock(self, group, bodies, now):
        left = self._locked(group, now)
        if left:
            early = max(self.groups[group].held[body] for body in left) - now
            self.violations.append(
                f"{bodies} came while {left} were in flight, {early * 1000:.1f} ms too early"
            )

    def _locked(self, group, now):
        held = self.groups[group].held
        return [
            body for body, until in held.items() if now < until and body not in self.delete_tried
        ]

    def killed(self):
        with self.lock:
            now = time.monotonic()
            self.locked_at_kills += sum(1 for group in GROUPS if self._locked(group, now))

    def some_acknowledged(self, group, rng, count, newest):
        """@return up to `count` bodies, whose ids are remembered, in their order: the newest, or
        any."""
        with self.lock:
            state = self.groups[group]
            since = time.monotonic() - REPEAT_SECONDS_MAX
            first = last = state.count - len(state.unacknowledged)
            while first > 0 and self.tried_at[body_of(group, first - 1)] > since:
                first -= 1
            numbers = range(first, last)
            if not newest:
                numbers = sorted(rng.sample(numbers, min(count, len(numbers))))
            return [body_of(group, number) for number in numbers[-count:]]


class FifoFleet(Fleet):
    """Clients that send to groups, repeat, receive and delete."""

    def __init__(self, server, ledger, url, seed, **more):
        super().__init__(server, ledger, CLIENTS, seed, **more)
        self.url = url
        self.rng = random.Random(f"{seed}/repeats")

    def act(self, client, rng, generation):
        chance = rng.random()
        if chance < 0.35:
            self._send(client, rng)
        elif chance < 0.45:
            group = rng.choice(GROUPS)
            self._transmit(client, group, self.ledger.some_acknowledged(group, rng, 10, False))
        else:
            self._receive(client, rng)

    def killed(self):
        self.ledger.killed()

    def restarted(self):
        """Repeats what was acknowledged last before the kill."""
        client = Client(self.server.endpoint)
        for group in GROUPS:
            bodies = self.ledger.some_acknowledged(group, self.rng, REPEATS_AFTER_A_KILL, True)
            self._transmit(client, group, bodies)

    def _send(self, client, rng):
        group = rng.choice(GROUPS)
        sending = self.ledger.groups[group].sending
        if sending.acquire(blocking=False):
            try:
                bodies = self.ledger.sending(group, rng.choice((1, 1, 3, 10)))
                self._transmit(client, group, bodies)
            finally:
                sending.release()

    def _transmit(self, client, group, bodies):
        """Sends `bodies` in their order, in one request, and tells the ledger."""
        ids = {"MessageGroupId": group}
        if len(bodies) == 1:
            answer = client.send(self.url, bodies[0], MessageDeduplicationId=bodies[0], **ids)
            self.ledger.sent(group, bodies[0], answer)
        elif bodies:
            entries = [
                {"Id": str(i), "MessageBody": body, "MessageDeduplicationId": body, **ids}
                for i, body in enumerate(bodies)
            ]
            answer = client.call("SendMessageBatch", QueueUrl=self.url, Entries=entries)
            for entry in answer.get("Successful", []):
                self.ledger.sent(group, bodies[int(entry["Id"])], entry)

    def _receive(self, client, rng):
        asked_at = time.monotonic()
        messages = client.receive(
            self.url,
            rng.choice((1, 3, 10)),
            WaitTimeSeconds=rng.choice((0, 0, 1)),
            AttributeNames=WANTED,
        )
        self.ledger.answered("steps.fifo", messages, asked_at)
        # What a client does not delete locks its group.
        share = rng.choice((0, 0.5, 1, 1, 1))
        chosen = [message for message in messages if rng.random() < share]
        if not chosen:
            return
        for message in chosen:
            self.ledger.deleting(message["Body"])
        try:
            done = delete_all(client, self.url, chosen)
        except Refused as refusal:
            done = []
            if refusal.status >= 500:
                raise
        if len(done) < len(chosen) and time.monotonic() - asked_at < VISIBILITY_SECONDS:
            self.ledger.broken(f"a delete was refused in time: {[m['Body'] for m in chosen]}")
        for message in done:
            self.ledger.deleted(message["Body"])


def create_queue(client):
    """@return its URL."""
    return client.create("steps.fifo", FifoQueue="true", VisibilityTimeout=VISIBILITY_SECONDS)


def storm(options):
    """Kill, restart, repeat; then check the ledger."""
    ledger = FifoLedger()
    with logged_server() as server:
        url = create_queue(Client(server.endpoint))
        fleet = FifoFleet(server, ledger, url, options.seed)
        fleet.storm(options.rounds, options.seconds, random.Random(options.seed))
        deletes = len(ledger.deleted_at)
        client = Client(server.endpoint)
        drain(client, {"steps.fifo": url}, ledger, VISIBILITY_SECONDS, AttributeNames=WANTED)
        print(
            f"        {options.rounds} kills, {len(ledger.acknowledged)} acknowledged sends, "
            f"{ledger.repeats} repeats, {deletes} acknowledged deletes, "
            f"{ledger.locked_at_kills} groups in flight at kills"
        )
        enough = min(len(ledger.acknowledged) // 100, ledger.repeats, ledger.locked_at_kills)
        check(enough > 0 and deletes > 0, "too little has happened")


def fifo_queue(server):
    """@return a client, and the URL of a new queue."""
    client = Client(server.endpoint)
    return client, client.create("steps.fifo", FifoQueue="true", VisibilityTimeout=30)


def send(client, url, body, group="one"):
    return client.send(url, body, MessageGroupId=group, MessageDeduplicationId=body)


def bodies_of(messages):
    return [message["Body"] for message in messages]


def a_locked_group_stays_locked_over_a_kill():
    with Server() as server:
        client, url = fifo_queue(server)
        send(client, url, "first")
        send(client, url, "second")
        (first,) = client.receive(url, 1)
        server.kill()
        server.start()
        client = Client(server.endpoint)
        check(client.receive(url) == [], "a group was handed out while it was in flight")
        send(client, url, "elsewhere", group="two")
        got = bodies_of(client.receive(url))
        check(got == ["elsewhere"], f"of the other group came {got}")
        client.delete(url, first["ReceiptHandle"])
        got = bodies_of(client.receive(url))
        check(got == ["second"], f"behind the deleted message came {got}")


def a_locked_group_comes_back_in_order_after_its_time():
    with Server() as server:
        client, url = fifo_queue(server)
        for body in ("first", "second", "third"):
            send(client, url, body)
        client.receive(url, 2)
        server.kill()
        server.start()
        client = Client(server.endpoint)
        server.advance(31_000)
        got = bodies_of(client.receive(url))
        check(got == ["first", "second", "third"], f"received {got}")


def ids_are_remembered_over_a_kill_for_their_time():
    with Server() as server:
        client, url = fifo_queue(server)
        first = send(client, url, "once")
        client.delete(url, client.receive(url)[0]["ReceiptHandle"])
        server.kill()
        server.start()
        client = Client(server.endpoint)
        again = send(client, url, "once")
        check(again["SequenceNumber"] == first["SequenceNumber"], "the repeat is another message")
        check(client.receive(url) == [], "the repeat was delivered")
        server.advance(5 * 60_000)
        later = send(client, url, "once")
        rises = int(later["SequenceNumber"]) > int(first["SequenceNumber"])
        check(rises, "the sequence numbers do not rise")
        check(bodies_of(client.receive(url)) == ["once"], "what was sent later did not come")


def main():
    options = storm_options(__doc__.splitlines()[0], rounds=10, seconds=4.0)

    def kills_break_no_promise_of_fifo_queues():
        storm(options)

    return run_storm_cases(
        [
            a_locked_group_stays_locked_over_a_kill,
            a_locked_group_comes_back_in_order_after_its_time,
            ids_are_remembered_over_a_kill_for_their_time,
            kills_break_no_promise_of_fifo_queues,
        ],
        options,
    )


if __name__ == "__main__":
    sys.exit(main())
