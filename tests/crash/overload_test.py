#!/usr/bin/env python3
"""Far more clients than the real server can serve, for some seconds, with little memory: it stays
up, refuses in the right way, keeps what it acknowledged, and answers as before when they are gone.

How much it serves, tests/scale/scale_test.py measures.
"""

import collections
import contextlib
import json
import resource
import sys
import time
import urllib.request

from support import ROOT, Client, Skipped, Watcher, check, run_cases

sys.path.append(str(ROOT / "tests/scale"))

from load import MIB, Drain, Fleet, Watched, all_good, request  # noqa: E402  (it needs the path)

CROWD = 1000  # connections
SECONDS = 6
BODY = "x" * (16 << 10)
OPTIONS = ["--memory", "64", "--request-memory", "8", "--max-connections", str(CROWD + 100)]
RSS_MAX = 400 * MIB
HEALTH_SECONDS_MAX = 20
AFTERWARDS = 100


class Health(Watcher):
    """Asks GET /health again and again."""

    def __init__(self, endpoint):
        super().__init__(0.2)
        self.answers = collections.Counter()
        self._url = f"{endpoint}/health"

    def look(self):
        try:
            with urllib.request.urlopen(self._url, timeout=HEALTH_SECONDS_MAX) as reply:
                self.answers[reply.status] += 1
        except OSError as failure:
            self.answers[str(failure)] += 1


def need_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CROWD + 200
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        raise Skipped(f"{wanted} open files are needed, {hard} are allowed") from None


@contextlib.contextmanager
def served():
    server = Watched(OPTIONS)
    try:
        with server:
            yield server
    except BaseException:
        print(f"--- the server's log\n{server.log()[-3000:]}")
        raise


def crowd_sends(server, url):
    """@return how often each answer came: statuses, and of refusals the error's name as well."""
    answers = collections.Counter()

    def on_reply(_, status, body):
        refused = "" if status == 200 else json.loads(body)["__type"].rpartition("#")[2]
        answers[status, refused] += 1

    send = request("SendMessage", QueueUrl=url, MessageBody=BODY)
    ends = time.monotonic() + SECONDS
    with Fleet(server.endpoint, CROWD) as crowd:
        crowd.run(iter(lambda: ("send", send) if time.monotonic() < ends else None, None), on_reply)
    return answers


def a_crowd_is_served_or_refused_and_nothing_of_it_is_left():
    need_descriptors()
    with served() as server:
        client = Client(server.endpoint)
        url = client.create("busy", VisibilityTimeout=600)
        with Health(server.endpoint) as health:
            answers = crowd_sends(server, url)
        good = {(200, ""), (503, "ServiceUnavailable")}
        check(set(answers) <= good and answers[200, ""] > 0, f"answers to sends: {answers}")
        check(set(health.answers) == {200}, f"answers to GET /health: {health.answers}")
        check(server.rss_max <= RSS_MAX, f"{server.rss_max // MIB} MiB of memory")
        with Fleet(server.endpoint, 4) as fleet:
            send = request("SendMessage", QueueUrl=url, MessageBody="afterwards")
            fleet.run((("send", send) for _ in range(AFTERWARDS)), all_good)
            got = Drain(fleet)
            got.run([url])
        sent = answers[200, ""] + AFTERWARDS
        check(got.received == sent, f"{got.received} of {sent} messages came back")


def main():
    return run_cases([a_crowd_is_served_or_refused_and_nothing_of_it_is_left])


if __name__ == "__main__":
    sys.exit(main())
