#!/usr/bin/env python3
"""Messages are moved and deleted by their ids while the server is killed: each message is in one
queue afterwards, on the same shard or another, and what was acknowledged as deleted is gone."""

import http.client
import json
import random
import sys
import threading

from support import UNKNOWN, Client, Refused, Server, check, run_cases

ROUNDS = 8
QUEUES = 5  # so that there are some on each shard
MESSAGES = 60
PAGES_MAX = 1000
KILL_SECONDS_MAX = 0.1


class ConsoleClient(Client):
    """One that asks what the management console asks, too."""

    def ask(self, action, **parameters):
        self._connection.request(
            "POST",
            "/console/api/",
            json.dumps(parameters).encode(),
            {
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"Millrace.{action}",
            },
        )
        reply = self._connection.getresponse()
        answer = json.loads(reply.read())
        if reply.status != 200:
            code = answer.get("__type", "").rpartition("#")[2]
            raise Refused(reply.status, code, answer.get("message", ""))
        return answer

    def peek(self, queue):
        found, token = [], {}
        for _ in range(PAGES_MAX):
            reply = self.ask("PeekMessages", QueueUrl=queue, MaxResults=100, **token)
            found += reply["Messages"]
            if "NextToken" not in reply:
                return found
            token = {"NextToken": reply["NextToken"]}
        raise AssertionError("the pages do not end")

    def url(self, name):
        return self.call("GetQueueUrl", QueueName=name)["QueueUrl"]


def on_its_way(message):
    return message["State"] == "inFlight" and "VisibleAt" not in message


def all_messages(client, names):
    """The bodies of all queues, once nothing is on its way any more."""
    for _ in range(PAGES_MAX):
        found = [message for name in names for message in client.peek(client.url(name))]
        if not any(on_its_way(message) for message in found):
            return [message["Body"] for message in found]
    raise AssertionError("messages stay on their way")


def work(endpoint, names, seed, deleted):
    """Moves and deletes until the server dies."""
    rng = random.Random(seed)
    try:
        client = ConsoleClient(endpoint)
        while True:
            source, target = (client.url(name) for name in rng.sample(names, 2))
            there = [message for message in client.peek(source) if not on_its_way(message)]
            chosen = rng.sample(there, min(len(there), rng.randint(1, 10)))
            if not chosen:
                continue
            ids = [message["PeekId"] for message in chosen]
            if rng.random() < 0.9:
                client.ask("MoveMessages", SourceUrl=source, DestinationUrl=target, PeekIds=ids)
                continue
            bodies = {message["PeekId"]: message["Body"] for message in chosen}
            deleted["asked"].add(bodies[ids[0]])
            if client.ask("DeleteMessages", QueueUrl=source, PeekIds=ids[:1])["Deleted"]:
                deleted["done"].add(bodies[ids[0]])
    except (*UNKNOWN, Refused, http.client.HTTPException, ValueError):
        return


def nothing_is_lost_or_doubled_by_a_kill():
    server = Server(test_clock=False).start()
    try:
        names = [f"q{number}" for number in range(QUEUES)]
        client = ConsoleClient(server.endpoint)
        sent = set()
        for name in names:
            url = client.create(name)
            for number in range(MESSAGES):
                sent.add(f"{name} {number}")
                delay = {"DelaySeconds": 900} if number % 4 == 0 else {}
                client.send(url, f"{name} {number}", **delay)
        deleted = {"asked": set(), "done": set()}
        for number in range(ROUNDS):
            workers = [
                threading.Thread(target=work, args=(server.endpoint, names, seed, deleted))
                for seed in (2 * number, 2 * number + 1)
            ]
            for worker in workers:
                worker.start()
            workers[0].join(KILL_SECONDS_MAX * random.Random(number).random())
            server.kill()
            for worker in workers:
                worker.join()
            server.start()
            bodies = all_messages(ConsoleClient(server.endpoint), names)
            check(len(bodies) == len(set(bodies)), "a message is there twice")
            check(sent - deleted["asked"] <= set(bodies), "a message is lost")
            check(not deleted["done"] & set(bodies), "a deleted message is back")
            check(set(bodies) <= sent, "a message came from nowhere")
        server.stop()
    finally:
        server.close()


def main():
    return run_cases([nothing_is_lost_or_doubled_by_a_kill])


if __name__ == "__main__":
    sys.exit(main())
