#!/usr/bin/env python3
"""Scale: the real binary with much of everything, measured against limits.

usage: scale_test.py [--scale F] [--list] [test...]

Without names, every test runs. --scale 0.1 runs them with a tenth of the messages, queues and
connections, to look for mistakes; the limits stay. Each figure is printed beside its limit; the
last line is "N passed, N failed, N skipped". The data is in the folder that MILLRACE_SCALE_DIR
names (default: the system's folder for temporary files).
"""

import argparse
import collections
import json
import random
import resource
import statistics
import sys
import time
import traceback

from load import (
    GIB,
    MIB,
    Drain,
    Figures,
    Fleet,
    Searches,
    Skipped,
    Watched,
    all_good,
    bench,
    check,
    need_disk,
    request,
    watch_for,
)

SCALE = 1.0
START_SECONDS = 3.0


def scaled(count, least=1):
    return max(least, int(count * SCALE))


def counts(fleet, urls):
    """(visible, in flight, delayed) over all `urls`."""
    total = [0, 0, 0]
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]

    def on_reply(tag, status, body):
        all_good(tag, status, body)
        attributes = json.loads(body)["Attributes"]
        for i, name in enumerate(names):
            total[i] += int(attributes[name])

    asks = (
        (url, request("GetQueueAttributes", QueueUrl=url, AttributeNames=names)) for url in urls
    )
    fleet.run(asks, on_reply)
    return tuple(total)


def create(fleet, names, **attributes):
    """@return the queues' URLs in the order of `names`."""
    urls = {}
    attributes = {key: str(value) for key, value in attributes.items()}

    def on_reply(tag, status, body):
        all_good(tag, status, body)
        urls[tag] = json.loads(body)["QueueUrl"]

    more = {"Attributes": attributes} if attributes else {}
    fleet.run(((name, request("CreateQueue", QueueName=name, **more)) for name in names), on_reply)
    return [urls[name] for name in names]


def server_time(fleet):
    """The server's clock in milliseconds, and a commit that makes it durable: a test clock goes on
    after a kill from the later of that and the system's time."""
    (url,) = create(fleet, ["clock"])
    send_one(fleet, url, "now")
    times = []

    def on_reply(tag, status, body):
        all_good(tag, status, body)
        for message in json.loads(body)["Messages"]:
            times.append(int(message["Attributes"]["SentTimestamp"]))
            handle = message["ReceiptHandle"]
            removes.append((tag, request("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)))

    removes = []
    ask = request("ReceiveMessage", QueueUrl=url, AttributeNames=["SentTimestamp"])
    fleet.run([("receive", ask)], on_reply)
    fleet.run(removes, all_good)
    return times[0]


def settle(server, fleet):
    """Lets the server write what it writes lazily."""
    for _ in range(5):
        server.advance(2000)
        server_time(fleet)


def receive_once(fleet, url, **more):
    """@return the messages that one receive brings."""
    got = []

    def on_reply(tag, status, body):
        all_good(tag, status, body)
        got.extend(json.loads(body).get("Messages", []))

    ask = request("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, **more)
    fleet.run([("receive", ask)], on_reply)
    return got


def advance_to(server, fleet, moment):
    """Moves the server's clock to `moment`, which must not be over."""
    now = server_time(fleet)
    check(now <= moment, f"the moment was {now - moment} ms ago: the machine was too slow")
    server.advance(moment - now)


def send_one(fleet, url, body):
    fleet.run([("send", request("SendMessage", QueueUrl=url, MessageBody=body))], all_good)


def batch(url, bodies, **more):
    entries = [{"Id": str(i), "MessageBody": body, **more} for i, body in enumerate(bodies)]
    return request("SendMessageBatch", QueueUrl=url, Entries=entries)


def chunks(total, size):
    for first in range(0, total, size):
        yield range(first, min(total, first + size))


def restart_killed(
    figures, server, name="killed: time until /health is good", seconds_max=START_SECONDS
):
    server.kill()
    figures.at_most(name, server.timed_start(), seconds_max, "s")


# --- the tests ------------------------------------------------------------------------------------


def backlog(figures):
    """Ten million messages of 1 KiB in one queue: memory, speed, and a kill."""
    total = scaled(10_000_000)
    need_disk(int(total * 1300) + 3 * GIB)
    server = Watched()
    with server:
        short = bench(server, "drain", 300, batch=10, count=scaled(200_000, 20_000))
        figures.note("short queue: filled, messages/s", short["fill_per_second"])
        figures.note("short queue: drained, messages/s", short["removed_per_second"])
        server.forget_peaks()
        filled = bench(
            server, "send", 3600, batch=10, count=total, queue="backlog", size=1024, patience=60
        )
        figures.note("backlog: filled, messages/s", filled["sent_per_second"])
        figures.at_most("memory while it fills, MiB", server.rss_max // MIB, 1024)
        figures.note("data directory, MiB", server.disk() // MIB)
        with Fleet(server.endpoint, 1) as fleet:
            urls = create(fleet, ["backlog"])
            figures.equal("counts before the kill", counts(fleet, urls), (total, 0, 0))
        restart_killed(figures, server)
        with Fleet(server.endpoint, 1) as fleet:
            figures.equal("counts after the kill", counts(fleet, urls), (total, 0, 0))
        server.forget_peaks()
        own = 1000
        drained = bench(
            server, "drain", 3600, batch=10, count=own, queue="backlog", size=1024, patience=60
        )
        figures.equal("backlog: drained, messages", drained["removed"], total + own)
        again = bench(server, "drain", 300, batch=10, count=scaled(200_000, 20_000))
        figures.note("short queue again: drained, messages/s", again["removed_per_second"])
        yardstick = (short["removed_per_second"] + again["removed_per_second"]) / 2
        figures.at_least(
            "backlog: drained, messages/s", drained["removed_per_second"], yardstick / 2
        )
        figures.at_most("memory while it drains, MiB", server.rss_max // MIB, 1024)
        with Fleet(server.endpoint, 1) as fleet:
            figures.equal("counts at the end", counts(fleet, urls), (0, 0, 0))


MEMORY_MIB = 700  # of a server with the default --memory 256 and --request-memory 64


def returned(figures):
    """A million messages are received once and come back."""
    queues = 10
    each = scaled(100_000)
    server = Watched(test_clock=True)
    with server, Fleet(server.endpoint, 20) as fleet:
        urls = create(fleet, [f"back-{i}" for i in range(queues)], VisibilityTimeout=3600)
        body = "x" * 1000
        sends = (
            (url, batch(url, [f"{i} {body}" for i in part]))
            for part in chunks(each, 10)
            for url in urls
        )
        fleet.run(sends, all_good)
        server.forget_peaks()
        first = Drain(fleet, delete=False)
        begun = server_time(fleet)
        got = 0
        for _ in range(10):
            got += first.run(urls, most=each // 10)
            server.advance(1000)
        got += first.run(urls)
        figures.equal("received once", got, queues * each)
        figures.equal("counts in flight", counts(fleet, urls), (0, queues * each, 0))
        settle(server, fleet)
        fleet.close()
        restart_killed(figures, server)
        fleet.connect(server.endpoint)
        figures.equal("counts after the kill", counts(fleet, urls), (0, queues * each, 0))
        advance_to(server, fleet, begun + 3_600_000 - 1)
        none = Drain(fleet, delete=False)
        figures.equal("received before their time", none.run(urls), 0)
        server.advance(30_000)
        figures.equal("counts after their time", counts(fleet, urls), (queues * each, 0, 0))
        started = time.monotonic()
        second = Drain(fleet)
        figures.equal("received again", second.run(urls), queues * each)
        figures.note("drained, messages/s", int(queues * each / (time.monotonic() - started)))
        figures.equal("receive counts", second.counts, {2: queues * each})
        figures.equal("counts at the end", counts(fleet, urls), (0, 0, 0))
        figures.at_most("memory, MiB", server.rss_max // MIB, MEMORY_MIB)


def delayed(figures):
    """Two million delayed messages, due at many different times."""
    total = scaled(2_000_000)
    rounds = 50
    part = total // rounds // 10 * 10
    total = part * rounds
    server = Watched(test_clock=True)
    with server, Fleet(server.endpoint, 16) as fleet:
        (url,) = create(fleet, ["later"], VisibilityTimeout=600)
        rng = random.Random(1)
        due = []  # milliseconds of the server's clock
        clock = server_time(fleet)
        body = "x" * 200
        for _ in range(rounds):
            sends = []
            for some in chunks(part, 10):
                delay = rng.randint(400, 900)
                due += [clock + delay * 1000] * len(some)
                sends.append((url, batch(url, [body] * len(some), DelaySeconds=delay)))
            fleet.run(sends, all_good)
            server.advance(2000)
            clock += 2000
        due.sort()
        server_time(fleet)
        figures.equal("counts while delayed", counts(fleet, [url]), (0, 0, total))
        fleet.close()
        restart_killed(figures, server)
        fleet.connect(server.endpoint)
        figures.equal("counts after the kill", counts(fleet, [url]), (0, 0, total))
        clock = server_time(fleet)
        check(clock < due[0], "the machine was too slow: messages are due already")
        drain = Drain(fleet)
        wrong = []
        for moment in [due[0] - 1] + list(range(due[0], due[-1], (due[-1] - due[0]) // 12)):
            server.advance(moment - clock)
            clock = moment
            drain.run([url])
            visible = sum(1 for time_due in due if time_due <= moment)
            if drain.received != visible:
                wrong.append((moment - due[0], drain.received, visible))
        figures.equal("moments with the wrong messages", wrong, [])
        figures.at_most("memory while they become due, MiB", server.rss_max // MIB, MEMORY_MIB)
        server.advance(due[-1] - clock)
        drain.run([url])
        figures.equal("received", drain.received, total)
        figures.equal("receive counts", drain.counts, {1: total})
        figures.equal("counts at the end", counts(fleet, [url]), (0, 0, 0))
        figures.at_most("memory, MiB", server.rss_max // MIB, MEMORY_MIB)


def in_flight(figures):
    """Two thousand queues with two thousand messages in flight each."""
    queues = scaled(2000)
    each = 2000
    total = queues * each
    server = Watched(test_clock=True)
    with server, Fleet(server.endpoint, 16) as fleet:
        urls = create(fleet, [f"busy-{i}" for i in range(queues)], VisibilityTimeout=3600)
        body = "x" * 100
        sends = ((url, batch(url, [body] * len(part))) for part in chunks(each, 10) for url in urls)
        started = time.monotonic()
        fleet.run(sends, all_good)
        figures.note("sent, messages/s", int(total / (time.monotonic() - started)))
        figures.at_most("memory after sending, MiB", server.rss_max // MIB, MEMORY_MIB)
        drain = Drain(fleet, delete=False)
        begun = server_time(fleet)
        started = time.monotonic()
        for _ in range(10):
            drain.run(urls, most=each // 10)
            server.advance(1000)
        drain.run(urls)
        figures.note("received, messages/s", int(total / (time.monotonic() - started)))
        figures.equal("received", drain.received, total)
        figures.equal("counts in flight", counts(fleet, urls), (0, total, 0))
        settle(server, fleet)
        figures.at_most("memory in flight, MiB", server.rss_max // MIB, MEMORY_MIB)
        fleet.close()
        restart_killed(figures, server)
        fleet.connect(server.endpoint)
        figures.equal("counts after the kill", counts(fleet, urls), (0, total, 0))
        advance_to(server, fleet, begun + 3_600_000 - 1)
        early = Drain(fleet, delete=False)
        figures.equal("received before their time", early.run(urls), 0)
        server.advance(30_000)
        figures.equal("counts after their time", counts(fleet, urls), (total, 0, 0))
        again = Drain(fleet)
        again.run(urls)
        figures.equal("received again", again.counts, {2: total})
        figures.equal("counts at the end", counts(fleet, urls), (0, 0, 0))
        figures.at_most("memory, MiB", server.rss_max // MIB, MEMORY_MIB)


def deaf(figures):
    """Five hundred receivers ask for 1 MiB messages and read nothing."""
    receivers = scaled(500)
    body = "x" * (MIB - 100)
    server = Watched()
    with server, Fleet(server.endpoint, 4) as fleet:
        url, other = create(fleet, ["large", "other"], VisibilityTimeout=3600)
        fleet.run(
            (
                (i, request("SendMessage", QueueUrl=url, MessageBody=body))
                for i in range(receivers + 100)
            ),
            all_good,
        )
        server.forget_peaks()
        figures.note("memory before, MiB", server.rss() // MIB)
        with Fleet(server.endpoint, receivers, receive_bytes=4096) as silent:
            # Four messages fit in a reply, which is more than the kernel takes of it.
            ask = request(
                "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=10
            )
            for connection in silent.connections:
                connection.socket.setblocking(True)
                connection.socket.sendall(ask)
            worst = 0.0
            over = time.monotonic() + 15
            served = 0
            while time.monotonic() < over:
                started = time.monotonic()
                send_one(fleet, other, "hi")
                got = Drain(fleet)
                got.run([other])
                served += got.received
                worst = max(worst, time.monotonic() - started)
                watch_for(0.05)
            figures.at_most("memory with deaf receivers, MiB", server.rss_max // MIB, 600)
            figures.note("messages served to others meanwhile", served)
            figures.at_most("longest send, receive, delete of others", worst, 2.0, "s")
            figures.equal("messages of others left", counts(fleet, [other]), (0, 0, 0))
        watch_for(2)
        figures.equal("counts after they hung up", sum(counts(fleet, [url])), receivers + 100)
        figures.at_least("large messages back at once", counts(fleet, [url])[0], 100)
        got = Drain(fleet)
        got.run([url])
        figures.note("large messages received after that", got.received)
        figures.at_most("memory at the end, MiB", server.rss_max // MIB, 600)


def space(figures):
    """One dead letter stays while 20 GB pass another queue of its shard; then a purge of 5 GB."""
    through = scaled(20_000) * MIB
    purged = scaled(5_000) * MIB
    need_disk(12 * GIB)
    server = Watched()
    with server, Fleet(server.endpoint, 4) as fleet:
        dead, work = create(fleet, ["dead", "work"])
        arn = "arn:aws:sqs:us-east-1:000000000000:dead"
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
        (source,) = create(fleet, ["source"], RedrivePolicy=policy, VisibilityTimeout=0)
        send_one(fleet, source, "stay")
        for _ in range(3):
            Drain(fleet, delete=False).run([source], most=1)
        figures.equal("dead letters", counts(fleet, [dead]), (1, 0, 0))
        size = 100_000
        body = "".join(random.Random(2).choices("abcdefghijklmnop", k=size))
        moved = 0
        started = time.monotonic()
        while moved < through:
            ask = batch(work, [body] * 10)
            fleet.run(((work, ask) for _ in range(100)), all_good)
            drain = Drain(fleet)
            drain.run([work])
            check(drain.received == 1000, f"{drain.received} of 1000 messages came back")
            moved += 1000 * size
        seconds = time.monotonic() - started
        figures.note("passed, MB/s", int(moved / 1e6 / seconds))
        figures.at_most("highest disk use on the way, MiB", server.disk_max // MIB, 2048)
        watch_for(10)
        figures.at_most("disk use at the end, MiB", server.disk() // MIB, 2048)
        figures.note("memory, MiB", server.rss_max // MIB)
        figures.equal("dead letters at the end", counts(fleet, [dead]), (1, 0, 0))
        kept = Drain(fleet, delete=False, visibility=0, bodies=True)
        kept.run([dead], most=1)
        figures.equal("the dead letter", kept.bodies[:1], ["stay"])

        fleet.run(((work, batch(work, [body] * 10)) for _ in range(purged // size // 10)), all_good)
        figures.note("disk use before the purge, MiB", server.disk() // MIB)
        fleet.run([("purge", request("PurgeQueue", QueueUrl=work))], all_good)
        started = time.monotonic()
        while server.disk() > 2048 * MIB and time.monotonic() - started < 120:
            watch_for(0.5)
        seconds = time.monotonic() - started
        figures.at_most("purge: time until the disk is free", seconds, 60.0, "s")
        figures.equal("counts after the purge", counts(fleet, [work]), (0, 0, 0))
        figures.note("disk use after the purge, MiB", server.disk() // MIB)
        fleet.close()
        restart_killed(figures, server)
        fleet.connect(server.endpoint)
        figures.equal("dead letters after a kill", counts(fleet, [dead]), (1, 0, 0))


def hang_up(figures):
    """A hundred long pollers hang up; what is sent then goes to others at once."""
    pollers = 100
    server = Watched()
    with server, Fleet(server.endpoint, 10) as fleet:
        (url,) = create(fleet, ["polled"], VisibilityTimeout=3600)
        poll = request("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=10)
        for round_number, wait in enumerate((0.5, 0.0)):
            gone = Fleet(server.endpoint, pollers)
            for connection in gone.connections:
                connection.socket.sendall(poll)
            watch_for(1)
            gone.close()
            watch_for(wait)
            sends = (request("SendMessage", QueueUrl=url, MessageBody=str(i)) for i in range(100))
            fleet.run(enumerate(sends), all_good)
            started = time.monotonic()
            got = Drain(fleet, bodies=True)
            got.run([url])
            label = ("half a second after", "at once after")[round_number]
            figures.equal(f"received, sent {label}", len(set(got.bodies)), 100)
            figures.equal(f"receive counts, sent {label}", got.counts, {1: 100})
            figures.at_most(f"seconds, sent {label}", time.monotonic() - started, 2.0, "s")


def queues(figures):
    """Ten thousand queues."""
    total = scaled(10_000)
    server = Watched()
    with server, Fleet(server.endpoint, 16) as fleet:
        names = [f"queue-{i}" for i in range(total)]
        started = time.monotonic()
        urls = create(fleet, names)
        figures.note("created, queues/s", int(total / (time.monotonic() - started)))
        sends = (request("SendMessage", QueueUrl=url, MessageBody=url) for url in urls)
        fleet.run(enumerate(sends), all_good)
        figures.at_most("memory, MiB", server.rss_max // MIB, 300)
        fleet.close()
        server.stop()
        figures.at_most("time until /health is good", server.timed_start(), START_SECONDS, "s")
        restart_killed(figures, server)
        fleet.connect(server.endpoint)
        figures.equal("counts after the kill", counts(fleet, urls), (total, 0, 0))
        figures.at_most("memory after the kill, MiB", server.rss_max // MIB, 300)
        got = Drain(fleet)
        figures.equal("received", got.run(urls), total)


def search(figures):
    """A text is looked for in a million messages while the same queue is sent to."""
    total = scaled(1_000_000)
    rounds = 5
    server = Watched()
    with server:
        filled = bench(server, "send", 3600, batch=10, count=total, queue="searched", size=1024)
        figures.note("filled, messages/s", filled["sent_per_second"])
        with Fleet(server.endpoint, 1) as fleet:
            (url,) = create(fleet, ["searched"])
            send_one(fleet, url, "the needle in it")
        searches = Searches(server.endpoint, url, "needle")
        server.forget_peaks()

        def send_p99():
            load = {"rate": 500, "seconds": 8, "warmup": 2, "size": 1024, "producers": 16}
            return bench(server, "send", 300, queue="searched", **load)["send_p99_ms"]

        alone, beside = [], []
        for _ in range(rounds):
            alone.append(send_p99())
            with searches.beside():
                beside.append(send_p99())
        while not searches.found:
            searches.go_on()
        figures.note("send p99 alone, ms, each round", ", ".join(map(str, alone)))
        figures.note("send p99 beside searches, ms, each round", ", ".join(map(str, beside)))
        figures.note("searched, messages/s", int(searches.scanned / searches.seconds))
        figures.note("whole searches", len(searches.found))
        figures.equal("messages that each found", set(searches.found), {1})
        ratio = statistics.median(beside) / statistics.median(alone)
        figures.at_most("beside searches / alone, medians", ratio, 2.0)
        figures.at_most("memory, MiB", server.rss_max // MIB, MEMORY_MIB)


def need_files(count):
    """Skips the test where a process may not have so many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))
    except (OSError, ValueError):
        raise Skipped(f"{count} open files are needed, {hard} are allowed") from None


def refused_softly(tag, status, body):
    """An on_reply for a server that has too much to do: it may say so, and nothing else."""
    check(status in (200, 503), f"{tag}: {status} {body[:300]!r}")


def overload(figures):
    """Twenty thousand connections (or as many as may be open) that all send at once, again and
    again, to a server that carries a small part of that; then none of them."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    total = scaled(20_000, 500)
    if 0 <= allowed < total + 500:
        total = allowed - 500
    need_files(total + 500)
    server = Watched(["--max-connections", str(total + 200)])
    with server, Fleet(server.endpoint, 32) as fleet:
        urls = create(fleet, [f"busy-{i}" for i in range(8)], VisibilityTimeout=600)
        body = "x" * 1024
        sends = [request("SendMessage", QueueUrl=url, MessageBody=body) for url in urls]

        def rate(seconds):
            """Replies a second to as much as 32 connections can ask."""
            started = time.monotonic()

            def until_over():
                number = 0
                while time.monotonic() < started + seconds:
                    yield "send", sends[number % len(sends)]
                    number += 1

            done = fleet.run(until_over(), all_good)
            return done / (time.monotonic() - started)

        rate(1)  # warm
        before = rate(5)
        figures.note("sends a second before", round(before))
        server.forget_peaks()
        with Fleet(server.endpoint, total) as crowd:
            statuses = collections.Counter()

            def on_reply(tag, status, reply):
                refused_softly(tag, status, reply)
                statuses[status] += 1

            rounds = 4
            started = time.monotonic()
            crowd.run(
                (("send", sends[i % len(sends)]) for i in range(rounds * total)), on_reply
            )
            seconds = time.monotonic() - started
            figures.note("connections", total)
            figures.note("replies a second under overload", round(rounds * total / seconds))
            figures.note("refused with 503", statuses[503])
            figures.at_least("answered of what was asked", sum(statuses.values()), rounds * total)
            figures.at_most("memory, MiB", server.rss_max // MIB, 600)
            ended = time.monotonic()
        recovered = rate(1)
        while recovered < 0.85 * before and time.monotonic() < ended + 30:
            recovered = rate(1)
        figures.at_most("seconds until 85 % of the rate", time.monotonic() - ended, 5, "s")
        figures.note("sends a second afterwards", round(recovered))


def polls(figures):
    """Ten thousand long polls on ten thousand connections at which nothing comes."""
    total = scaled(10_000)
    need_files(total + 500)
    server = Watched()
    with server, Fleet(server.endpoint, 1) as fleet:
        many = min(total, 100)
        urls = create(fleet, [f"quiet-{i}" for i in range(many)])
        figures.note("memory before, MiB", server.rss() // MIB)
        server.forget_peaks()
        with Fleet(server.endpoint, total) as idle:
            asks = [
                request("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=10)
                for url in urls
            ]
            started = time.monotonic()
            for i, connection in enumerate(idle.connections):
                connection.socket.setblocking(True)
                connection.socket.sendall(asks[i % many])
            begun = time.monotonic() - started
            watch_for(3)
            cpu = server.cpu_seconds()
            watch_for(5)
            share = (server.cpu_seconds() - cpu) / 5 * 100
            figures.at_most("memory, MiB", server.rss_max // MIB, 300)
            figures.at_most("CPU of a core while they wait", share, 2.0, "%")
            send_one(fleet, urls[0], "hi")
            watch_for(1)
            woken = 0
            for connection in idle.connections:
                connection.socket.setblocking(False)
                try:
                    woken += bool(connection.socket.recv(65536))
                except BlockingIOError:
                    pass
            check(begun + 3 + 5 + 1 < 19, f"the polls took {begun:.1f} s to begin: too long")
            figures.equal("polls that one send wakes", woken, 1)


def shards(figures):
    """A store with two shards opens with four; numbers go on after a kill."""
    names = [f"part-{i}" for i in range(scaled(200, 20))]
    server = Watched(["--shards", "2"])
    with server, Fleet(server.endpoint, 8) as fleet:
        urls = create(fleet, names)
        sends = ((url, batch(url, [f"{url} {i}" for i in range(10)])) for url in urls)
        fleet.run(sends, all_good)
        fleet.close()
        server.stop()
        server.with_options("--shards", "4")
        figures.at_most("raised to 4: time to start", server.timed_start(), START_SECONDS, "s")
        fleet.connect(server.endpoint)
        figures.equal("counts with 4 shards", counts(fleet, urls), (10 * len(urls), 0, 0))
        more = create(fleet, [f"more-{i}" for i in range(40)])
        fleet.run(((url, batch(url, [f"{url} {i}" for i in range(10)])) for url in more), all_good)
        seen = Drain(fleet, bodies=True)
        seen.run(urls + more)
        figures.equal("received", len(set(seen.bodies)), 10 * len(urls + more))
        figures.equal("different ids", len(seen.ids), 10 * len(urls + more))
        fleet.close()
        restart_killed(figures, server)
        fleet.connect(server.endpoint)
        figures.equal("counts after drain and kill", counts(fleet, urls + more), (0, 0, 0))
        fleet.run(((url, batch(url, ["again"] * 10)) for url in urls + more), all_good)
        again = Drain(fleet, bodies=True)
        again.run(urls + more)
        figures.equal("received after the kill", again.received, 10 * len(urls + more))
        figures.equal("ids that were seen before", len(again.ids & seen.ids), 0)
        fleet.close()
        server.stop()
        server.with_options("--shards", "2")
        try:
            server.start()
            refusal = "it started"
        except RuntimeError as error:
            lines = [line for line in str(error).splitlines() if "shards" in line]
            refusal = lines[-1] if lines else str(error)
        figures.equal("lowering is refused", "4" in refusal and "shards" in refusal, True)
        print(f"    {refusal}")
        server.with_options("--shards", "4")
        server.start()


FIFO_START_SECONDS = 5.0


def fifo_groups(figures):
    """Five million groups in one FIFO queue, a message in each."""
    parts = 10
    part = scaled(500_000)
    total = parts * part
    server = Watched(test_clock=True)
    with server, Fleet(server.endpoint, 1) as fleet:
        rates = []
        for _ in range(parts):
            # Each run has groups of its own, and the ids of five minutes have to fit in memory.
            filled = bench(
                server, "send", 3600, batch=10, count=part, groups=part, queue="groups", size=100
            )
            rates.append(filled["sent_per_second"])
            server.advance(100_000)
        fleet.connect(server.endpoint)  # it was idle for too long
        figures.note("sent, messages/s", f"{rates[0]} first, {rates[-1]} last")
        figures.at_most("memory after sending, MiB", server.rss_max // MIB, MEMORY_MIB)
        (url,) = create(fleet, ["groups.fifo"], FifoQueue="true")
        figures.equal("counts before the kill", counts(fleet, [url]), (total, 0, 0))
        figures.note("data directory, MiB", server.disk() // MIB)
        fleet.close()
        restart_killed(figures, server, seconds_max=FIFO_START_SECONDS)
        fleet.connect(server.endpoint)
        figures.equal("counts after the kill", counts(fleet, [url]), (total, 0, 0))
        server.forget_peaks()
        wanted = scaled(100_000)
        numbers = []
        started = time.monotonic()
        while len(numbers) < wanted:
            messages = receive_once(fleet, url, AttributeNames=["SequenceNumber"])
            check(messages, f"only {len(numbers)} messages came")
            numbers += [int(message["Attributes"]["SequenceNumber"]) for message in messages]
            entries = [
                {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]}
                for i, message in enumerate(messages)
            ]
            ask = request("DeleteMessageBatch", QueueUrl=url, Entries=entries)
            fleet.run([("delete", ask)], all_good)
        figures.note(
            "received by one client, messages/s", int(wanted / (time.monotonic() - started))
        )
        figures.equal("the oldest came first", numbers == sorted(set(numbers)), True)
        figures.equal("counts at the end", counts(fleet, [url]), (total - len(numbers), 0, 0))
        figures.at_most("memory while they come, MiB", server.rss_max // MIB, MEMORY_MIB)


def fifo_blocked(figures):
    """A million messages behind one group that is in flight."""
    total = scaled(1_000_000)
    rounds = 5
    server = Watched()
    with server, Fleet(server.endpoint, 1) as fleet:
        filled = bench(
            server, "send", 3600, batch=10, count=total, groups=1, queue="blocked", size=1024
        )
        figures.note("sent to one group, messages/s", filled["sent_per_second"])
        fleet.connect(server.endpoint)  # it was idle for too long
        (url,) = create(fleet, ["blocked.fifo"], FifoQueue="true")
        taken = len(receive_once(fleet, url, VisibilityTimeout=43_200))
        figures.equal("counts", counts(fleet, [url]), (total - taken, taken, 0))
        ratios = []
        for number in range(rounds):
            lives = {
                queue: bench(
                    server, "life", 300, batch=10, groups=1000, count=scaled(50_000), queue=queue
                )
                for queue in ("blocked", "free")
            }
            for queue, figure in lives.items():
                check(figure["lost"] + figure["duplicates"] + figure["foreign"] == 0, str(figure))
                figures.note(f"{queue}: lives/s, round {number + 1}", figure["lives_per_second"])
            ratios.append(lives["blocked"]["lives_per_second"] / lives["free"]["lives_per_second"])
        fleet.connect(server.endpoint)  # it was idle for too long
        figures.at_least("blocked / free, median", statistics.median(ratios), 0.8)
        figures.equal("received of the blocked group", receive_once(fleet, url), [])
        fleet.close()
        restart_killed(figures, server, seconds_max=FIFO_START_SECONDS)
        fleet.connect(server.endpoint)
        figures.equal("counts after the kill", counts(fleet, [url]), (total - taken, taken, 0))
        ask = request(
            "SendMessage",
            QueueUrl=url,
            MessageBody="behind",
            MessageGroupId="other",
            MessageDeduplicationId="behind",
        )
        fleet.run([("send", ask)], all_good)
        started = time.monotonic()
        messages = receive_once(fleet, url, WaitTimeSeconds=20)
        figures.equal("received after the kill", [m["Body"] for m in messages], ["behind"])
        figures.at_most("seconds that it took", time.monotonic() - started, 5.0, "s")
        figures.at_most("memory, MiB", server.rss_max // MIB, MEMORY_MIB)


def fair(figures):
    """Fifty quiet tenants beside a noisy one with a hundred times the traffic and a backlog."""
    backlog = scaled(1_000_000)
    server = Watched()
    with server:
        load = {"quiet": 50, "noisy": 100, "consumers": 64, "work": 20}
        found = bench(server, "fair", 3600, seconds=10, warmup=4, count=backlog, **load)
        figures.equal("noisy backlog", found["noisy_backlog"], backlog)
        figures.note("quiet messages received beside it", found["quiet_received"])
        figures.note("noisy messages received with them", found["noisy_received"])
        for name in ("alone_in_queue", "in_queue"):
            for share in ("p50", "p90", "p99"):
                label = f"quiet, {'alone' if 'alone' in name else 'beside noise'}, {share}, ms"
                figures.note(label, found[f"{name}_{share}_ms"])
        figures.note("time in queue, beside noise / alone, mean", found["in_queue_ratio_mean"])
        figures.at_most("and median", found["in_queue_ratio_p50"], 2.0)
        figures.at_most("memory, MiB", server.rss_max // MIB, MEMORY_MIB)


def fifo_ids(figures):
    """A million deduplication ids that are all still remembered."""
    total = scaled(1_000_000)
    server = Watched(test_clock=True)
    with server, Fleet(server.endpoint, 16) as fleet:
        (url,) = create(fleet, ["ids.fifo"], FifoQueue="true")

        def send_part(part):
            entries = [
                {
                    "Id": str(i),
                    "MessageBody": "x" * 100,
                    "MessageGroupId": str(i % 1000),
                    "MessageDeduplicationId": f"id-{i}",
                }
                for i in part
            ]
            return part, request("SendMessageBatch", QueueUrl=url, Entries=entries)

        first = {}  # what a sample of the sends was told
        repeated = {}
        sample = set(range(0, total, 97))

        def keep_in(told):
            def on_reply(tag, status, body):
                all_good(tag, status, body)
                if sample.isdisjoint(tag):
                    return
                for entry in json.loads(body)["Successful"]:
                    if int(entry["Id"]) in sample:
                        told[int(entry["Id"])] = (entry["MessageId"], entry["SequenceNumber"])

            return on_reply

        begun = time.monotonic()
        fleet.run((send_part(part) for part in chunks(total, 10)), keep_in(first))
        figures.note("sent, messages/s", int(total / (time.monotonic() - begun)))
        figures.equal("counts before the kill", counts(fleet, [url]), (total, 0, 0))
        fleet.close()
        restart_killed(figures, server, seconds_max=FIFO_START_SECONDS)
        fleet.connect(server.endpoint)
        ordered = sorted(sample)
        parts = (ordered[i : i + 10] for i in range(0, len(ordered), 10))
        fleet.run((send_part(part) for part in parts), keep_in(repeated))
        check(time.monotonic() - begun < 290, "the machine was too slow: the first ids are too old")
        figures.equal("repeats", len(repeated), len(sample))
        figures.equal("recognised", sum(first[i] == repeated[i] for i in repeated), len(sample))
        figures.equal("counts after the repeats", counts(fleet, [url]), (total, 0, 0))
        figures.at_most("memory with all ids, MiB", server.rss_max // MIB, MEMORY_MIB)
        server.advance(301_000)
        fleet.run([send_part(ordered[:10])], keep_in(repeated))
        figures.equal("after five minutes, new", counts(fleet, [url]), (total + 10, 0, 0))


TESTS = (
    hang_up,
    shards,
    queues,
    overload,
    polls,
    search,
    deaf,
    returned,
    delayed,
    in_flight,
    fair,
    fifo_ids,
    fifo_blocked,
    fifo_groups,
    space,
    backlog,
)


def run(tests):
    passed = failed = skipped = 0
    for test in tests:
        started = time.monotonic()
        print(f"{test.__name__}: {test.__doc__.splitlines()[0]}", flush=True)
        figures = Figures(test.__name__)
        try:
            test(figures)
            check(not figures.failures, "; ".join(figures.failures))
            passed += 1
            result = "ok"
        except Skipped as reason:
            skipped += 1
            result = f"skipped: {reason}"
        except Exception:  # a test may fail in any way
            failed += 1
            result = "FAILED\n" + traceback.format_exc()
        print(f"{test.__name__} {result} ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def main():
    global SCALE
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size")
    parser.add_argument("--list", action="store_true", help="print the names of the tests")
    parser.add_argument("tests", nargs="*", metavar="test")
    options = parser.parse_args()
    SCALE = options.scale
    named = {test.__name__: test for test in TESTS}
    if options.list:
        print("\n".join(named))
        return 0
    unknown = [name for name in options.tests if name not in named]
    if unknown:
        parser.error(f"no test {unknown[0]!r}; the tests are: {', '.join(named)}")
    return run([named[name] for name in options.tests] or list(TESTS))


if __name__ == "__main__":
    sys.exit(main())
