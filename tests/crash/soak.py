#!/usr/bin/env python3
"""Mixed load on the real server for as long as you like, while everything goes wrong that may:
kills, restarts, a full disk, a server that stands still, a machine without a processor to spare;
and backups of the server at work, each of which is restored and checked.

usage: soak.py [--seconds S] [--seed N]

The clients and the ledgers are those of crash_test.py and fifo_crash_test.py, half of the clients
speak the Query protocol. At the end: nothing acknowledged is lost, nothing comes back or twice that
must not, and memory is flat. Ends with a summary; exit status 1 if a promise was broken.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import crash_test
import fifo_crash_test
from backup_test import back_up, restore
from support import (
    Client,
    Folder,
    QueryClient,
    Server,
    SmallDisk,
    Watcher,
    check,
    drain,
    restart,
)

EVENT_SECONDS = (4, 12)  # between two events
STILL_SECONDS = (0.5, 3)
BUSY_SECONDS = 4
FULL_SECONDS = 4
DELAYS = (0, 0, 0, 1, 2)  # seconds, of single sends
ROOM_LEFT_BYTES = 1 << 20
SAMPLE_SECONDS = 1
RSS_MEBIBYTES_MAX = 600
# The last third of the run may need so much more than the first; what is growing grows more.
GROWTH_FACTOR = 1.15
GROWTH_MEBIBYTES = 24
LIFE_SECONDS_MIN = 3  # of a server process, for its memory to say anything


class Memory(Watcher):
    """Samples the resident memory of the server: of each process the highest."""

    def __init__(self, server):
        super().__init__(SAMPLE_SECONDS)
        self._server = server
        self._began = time.monotonic()
        self.lives = {}  # pid: [when it was seen first, seconds, MiB]

    def look(self):
        pid = self._server.pid
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except OSError:
            return
        resident = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        if resident:
            now = time.monotonic() - self._began
            life = self.lives.setdefault(pid, [now, 0, 0])
            life[1] = now - life[0]
            life[2] = max(life[2], int(resident.group(1)) >> 10)

    def told(self):
        """@return the highest of the first and of the last third of the lives, and of all."""
        lives = [mebibytes for _, lasted, mebibytes in self.lives.values()
                 if lasted >= LIFE_SECONDS_MIN]
        check(len(lives) > 0, "no server lived long enough to say what memory it needs")
        third = max(len(lives) // 3, 1)
        return max(lives[:third]), max(lives[-third:]), max(lives)


class Soak:
    """What happens to the server."""

    def __init__(self, server, disk, fleets, rng):
        self.server = server
        self.disk = disk
        self.fleets = fleets
        self.rng = rng
        self.events = collections.Counter()

    def run(self, seconds):
        acts = (
            self.killed, self.killed, self.restarted, self.full, self.still, self.busy,
            self.backed_up,
        )
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.fleets[0].act_for(self.rng.uniform(*EVENT_SECONDS))
            act = self.rng.choice(acts)
            self.events[act.__name__] += 1
            act()
            self.check_promises()

    def check_promises(self):
        for fleet in self.fleets:
            violations = fleet.ledger.violations
            check(not violations, "\n".join(violations[:20]))

    def killed(self):
        restart(self.server, self.fleets, self.server.kill)

    def restarted(self):
        restart(self.server, self.fleets, self.server.stop)

    def full(self):
        """The disk has no room; half of the time the server is killed meanwhile."""
        filler = self.disk / "filler"
        free = os.statvfs(self.disk)
        room = free.f_bavail * free.f_frsize - ROOM_LEFT_BYTES
        with open(filler, "wb") as file:
            if room > 0:
                os.posix_fallocate(file.fileno(), 0, room)
        self.fleets[0].act_for(FULL_SECONDS)
        if self.rng.random() < 0.5:
            self.events["killed while full"] += 1
            restart(self.server, self.fleets, self.server.kill, filler.unlink)
        else:
            filler.unlink()

    def still(self):
        os.kill(self.server.pid, signal.SIGSTOP)
        self.fleets[0].act_for(self.rng.uniform(*STILL_SECONDS))
        os.kill(self.server.pid, signal.SIGCONT)

    def backed_up(self):
        with Folder() as folder:
            back_up(self.disk / "data", folder / "backup")
            restore(folder / "backup", folder / "restored")

    def busy(self):
        """More programs that want to run than there are processors."""
        burn = [sys.executable, "-c", "while True: pass"]
        burners = [subprocess.Popen(burn) for _ in range(2 * (os.cpu_count() or 1))]
        self.fleets[0].act_for(BUSY_SECONDS)
        for burner in burners:
            burner.kill()
            burner.wait()


def soak(options):
    rng = random.Random(options.seed)
    standard, fifo = crash_test.StandardLedger(), fifo_crash_test.FifoLedger()
    with SmallDisk() as disk:
        server = Server(options=("--shards", "2"), test_clock=False, data=str(disk / "data"))
        try:
            client = Client(server.start().endpoint)
            urls = crash_test.create_queues(client)
            steps = fifo_crash_test.create_queue(client)
            clients = (Client, QueryClient)
            fleets = (
                crash_test.StandardFleet(
                    server, standard, urls, options.seed, delays=DELAYS, clients=clients
                ),
                fifo_crash_test.FifoFleet(server, fifo, steps, options.seed, clients=clients),
            )
            happening = Soak(server, disk, fleets, rng)
            with Memory(server) as memory:
                with fleets[0].acting(), fleets[1].acting():
                    happening.run(options.seconds)
                deletes = len(standard.deleted_at) + len(fifo.deleted_at)
                client = Client(server.endpoint)
                wanted = {"AttributeNames": ["ApproximateReceiveCount"]}
                drain(client, urls, standard, crash_test.VISIBILITY_SECONDS, **wanted)
                wanted = {"AttributeNames": fifo_crash_test.WANTED}
                seconds = fifo_crash_test.VISIBILITY_SECONDS
                drain(client, {"steps.fifo": steps}, fifo, seconds, **wanted)
            server.stop()
        except BaseException:
            print(f"--- the server's log\n{server.log()[-3000:]}")
            raise
        finally:
            server.close()
    first, last, most = memory.told()
    print("events:  " + ", ".join(f"{count} {name}" for name, count in happening.events.items()))
    print(
        f"promises: {len(standard.acknowledged)} standard and {len(fifo.acknowledged)} FIFO sends "
        f"acknowledged, {deletes} deletes, {len(standard.dead_at)} dead letters, {fifo.repeats} "
        "repeats: none broken"
    )
    print(f"memory:  {first} MiB in the first third, {last} in the last, {most} at most")
    check(most <= RSS_MEBIBYTES_MAX, f"{most} MiB are more than {RSS_MEBIBYTES_MAX}")
    check(last <= GROWTH_FACTOR * first + GROWTH_MEBIBYTES, "memory grows")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.seconds:.0f} s", flush=True)
    try:
        soak(options)
    except Exception as failure:
        print(f"FAILED with seed {options.seed}: {failure}")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
