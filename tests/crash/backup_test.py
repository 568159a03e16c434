#!/usr/bin/env python3
"""`millrace backup` and `millrace restore` with the real server: under load, with damaged backups,
full targets, and servers that die.

usage: backup_test.py [--rounds N] [--seconds S] [--seed N]
"""

import json
import os
import random
import shutil
import subprocess
import sys
import threading

import crash_test
import fifo_crash_test
from check_test import content, fill, run_check
from support import (
    BINARY,
    DISK_MEBIBYTES,
    Client,
    Fleet,
    Folder,
    Ledger,
    Refused,
    Server,
    SmallDisk,
    check,
    drain,
    run_storm_cases,
    storm_options,
)

SHARDS = ("--shards", "3")
COMMAND_SECONDS_MAX = 120
PAIRS = 3  # of a queue and its dead-letter queue, on different shards
MOVERS = 4


def millrace(*arguments):
    """@return whether the command ended well, and what it said."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr


def back_up(data, target, *more):
    """A backup with the keyring, which must succeed."""
    done, said = millrace("backup", data, target, "--with-keyring", *more)
    check(done, said)
    check((target / "MANIFEST").exists(), "a backup without a manifest")


def restore(backup, data):
    """Restores, which must succeed, and checks what was restored."""
    done, said = millrace("restore", backup, data)
    check(done, said)
    sound, said = run_check(data)
    check(sound, said)


def refused(said, *command):
    """The command must fail, say so, and leave nothing at the path that is its last argument."""
    done, told = millrace(*command)
    check(not done and said in told, f"{command} said: {told}")
    check(not command[-1].exists(), f"{command} left {command[-1]}")


# --- without a server -----------------------------------------------------------------------------


def what_is_restored_is_what_was_there():
    with Folder() as folder:
        fill(folder / "data")
        back_up(folder / "data", folder / "backup")
        restore(folder / "backup", folder / "restored")
        before, after = content(folder / "data"), content(folder / "restored")
        check(len(before) > 100 and before == after, f"{len(after)} of {len(before)} are there")


def only_an_empty_directory_is_filled():
    with Folder() as folder:
        fill(folder / "data")
        back_up(folder / "data", folder / "backup")
        (folder / "empty").mkdir()
        restore(folder / "backup", folder / "empty")
        for command in (("backup", folder / "data"), ("restore", folder / "backup")):
            before = sorted(folder.rglob("*"))
            done, said = millrace(*command, folder / "empty")
            check(not done and "not an empty directory" in said, said)
            check(sorted(folder.rglob("*")) == before, "files came or went")
        refused("in the data directory", "backup", folder / "data", folder / "data" / "backup")


def the_keyring_is_left_out_unless_it_is_asked_for():
    with Folder() as folder:
        fill(folder / "data")
        done, said = millrace("backup", folder / "data", folder / "backup")
        check(done and "keyring is NOT in it" in said, said)
        check(not list((folder / "backup").rglob("keyring*")), "the keyring is in it")
        done, said = millrace("restore", folder / "backup", folder / "restored")
        check(done and "keyring was not in the backup" in said, said)
        shutil.copy(folder / "data" / "keyring", folder / "restored" / "keyring")
        check(content(folder / "restored") == content(folder / "data"), "something is missing")


def a_flipped_bit_is_refused():
    with Folder() as folder:
        fill(folder / "data")
        backup = folder / "backup"
        back_up(folder / "data", backup)
        ours = ("MANIFEST", "key", "keyring", "shard-*/FORMAT", "shard-*/log/*", "shard-*/rows/*")
        for pattern in ours:
            path = max(backup.glob(pattern), key=lambda each: each.stat().st_size)
            whole = path.read_bytes()
            at = (len(whole.rstrip(b"\0")) or len(whole)) // 2
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            refused("not as it was written", "restore", backup, folder / "restored")
            path.write_bytes(whole)
        path.write_bytes(whole[:-1])
        refused("not as it was written", "restore", backup, folder / "restored")
        path.unlink()
        refused("cannot read", "restore", backup, folder / "restored")
        path.write_bytes(whole)
        restore(backup, folder / "restored")


def other_versions_are_refused():
    with Folder() as folder:
        data, backup = folder / "data", folder / "backup"
        fill(data)
        back_up(data, backup)
        manifest = backup / "MANIFEST"
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(text.replace("version 1\n", "version 2\n"), encoding="utf-8")
        refused("backup version 2", "restore", backup, folder / "restored")
        manifest.unlink()
        refused("is not a backup", "restore", backup, folder / "restored")
        for file in data.glob("shard-*/FORMAT"):
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace("version 3\n", "version 2\n"), encoding="utf-8")
        back_up(data, folder / "older")
        refused("format version 2", "restore", folder / "older", folder / "restored")


# --- beside a server ------------------------------------------------------------------------------


class Movers(Fleet):
    """Clients that send, and receive until the message is a dead letter; nothing is deleted."""

    def __init__(self, server, ledger, pairs, seed):
        super().__init__(server, ledger, MOVERS, seed)
        self.pairs = pairs

    def act(self, client, rng, generation):
        number, url = rng.choice(self.pairs)
        with self.ledger.lock:
            self.ledger.count += 10
            count = self.ledger.count
        bodies = [f"{number}/{i}" for i in range(count - 10, count)]
        entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)]
        client.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        with self.ledger.lock:
            self.ledger.acknowledged.update(bodies)
        for _ in range(3):
            client.receive(url)


class MoversLedger(Ledger):
    def __init__(self):
        super().__init__()
        self.count = 0

    def answered(self, queue, messages, asked_at):
        with self.lock:
            self.received.update(message["Body"] for message in messages)


def create_pairs(client):
    """Queues whose messages are dead letters after one receive. @return numbers and URLs, and the
    URLs of all."""
    pairs, all_urls = [], {}
    for number in range(PAIRS):
        dead = client.create(f"dead-{number}")
        policy = {
            "deadLetterTargetArn": client.attribute(dead, "QueueArn"),
            "maxReceiveCount": 1,
        }
        hot = client.create(
            f"hot-{number}", VisibilityTimeout=0, RedrivePolicy=json.dumps(policy)
        )
        pairs.append((number, hot))
        all_urls.update({f"dead-{number}": dead, f"hot-{number}": hot})
    return pairs, all_urls


class Known:
    """What a ledger knew before a backup was begun, and what was tried until it was made."""

    def __init__(self, ledger):
        self._ledger = ledger
        with ledger.lock:
            self._acknowledged = set(ledger.acknowledged)
            self._deleted_at = dict(ledger.deleted_at)

    def made(self):
        with self._ledger.lock:
            self._delete_tried = set(self._ledger.delete_tried)

    def rewind(self):
        """Takes the ledger back, when no client acts any more."""
        check(not self._ledger.violations, "\n".join(self._ledger.violations[:20]))
        self._ledger.acknowledged = self._acknowledged
        self._ledger.deleted_at = self._deleted_at
        self._ledger.delete_tried = self._delete_tried
        self._ledger.received = set()
        return len(self._acknowledged)


def dead_letters_are_neither_lost_nor_doubled(options):
    with Folder() as folder:
        data = folder / "data"
        server = Server(options=SHARDS, test_clock=False, data=str(data)).start()
        ledger = MoversLedger()
        pairs, urls = create_pairs(Client(server.endpoint))
        fleet = Movers(server, ledger, pairs, options.seed)
        backups = []
        with fleet.acting():
            for number in range(options.rounds):
                fleet.act_for(options.seconds)
                known = Known(ledger)
                back_up(data, folder / f"backup-{number}")
                known.made()
                backups.append((known, folder / f"backup-{number}"))
        server.kill()
        server.close()
        for known, backup in backups:
            count = known.rewind()
            restore(backup, folder / "restored")
            with Server(options=SHARDS, test_clock=False, data=str(folder / "restored")) as again:
                client = Client(again.endpoint)
                for number, hot in pairs:  # what is drained shall not become a dead letter
                    client.call(
                        "SetQueueAttributes", QueueUrl=hot, Attributes={"RedrivePolicy": "",
                                                                        "VisibilityTimeout": "60"}
                    )
                drain(client, urls, ledger, 1)
            shutil.rmtree(folder / "restored")
            print(f"        {count} messages acknowledged before the backup")


def promises_hold_in_a_backup_of_a_busy_server(options):
    with Folder() as folder:
        data = folder / "data"
        server = Server(options=SHARDS, test_clock=False, data=str(data)).start()
        standard, fifo = crash_test.StandardLedger(), fifo_crash_test.FifoLedger()
        urls = crash_test.create_queues(Client(server.endpoint))
        steps = fifo_crash_test.create_queue(Client(server.endpoint))
        fleets = (
            crash_test.StandardFleet(server, standard, urls, options.seed),
            fifo_crash_test.FifoFleet(server, fifo, steps, options.seed),
        )
        with fleets[0].acting(), fleets[1].acting():
            fleets[0].act_for(4 * options.seconds)
            known = [Known(ledger) for ledger in (standard, fifo)]
            back_up(data, folder / "backup")
            for each in known:
                each.made()
            fleets[0].act_for(options.seconds)
            for fleet in fleets:
                fleet.up.clear()
            server.kill()
        server.close()
        counts = [each.rewind() for each in known]
        standard.dead_at.clear()
        for group in fifo.groups.values():
            group.first_left, group.held = 0, {}
        restore(folder / "backup", folder / "restored")
        with Server(options=SHARDS, test_clock=False, data=str(folder / "restored")) as again:
            client = Client(again.endpoint)
            wanted = {"AttributeNames": ["ApproximateReceiveCount"]}
            drain(client, urls, standard, crash_test.VISIBILITY_SECONDS, **wanted)
            wanted = {"AttributeNames": fifo_crash_test.WANTED}
            drain(
                client, {"steps.fifo": steps}, fifo, fifo_crash_test.VISIBILITY_SECONDS, **wanted
            )
        print(f"        {counts[0]} and {counts[1]} messages acknowledged before the backup")


def a_restored_server_repeats_no_number():
    with Folder() as folder:
        data = folder / "data"
        with Server(options=SHARDS, test_clock=False, data=str(data)) as server:
            client = Client(server.endpoint)
            queue = client.create("q")
            client.send(queue, "before")
            back_up(data, folder / "backup")
            later = client.send(queue, "later")
            handles = {m["Body"]: m["ReceiptHandle"] for m in client.receive(queue)}
        restore(folder / "backup", folder / "restored")
        with Server(options=SHARDS, test_clock=False, data=str(folder / "restored")) as server:
            client = Client(server.endpoint)
            other = client.send(queue, "other")
            check(other["MessageId"] != later["MessageId"], "two messages with one id")
            client.delete(queue, handles["later"])
            got = set()
            while messages := client.receive(queue):
                got.update(message["Body"] for message in messages)
            check(got == {"before", "other"}, f"received {got}")


def a_full_target_is_the_servers_least_worry():
    with SmallDisk() as disk, Folder() as folder:
        data = folder / "data"
        with Server(options=SHARDS, test_clock=False, data=str(data)) as server:
            client = Client(server.endpoint)
            queue = client.create("q", VisibilityTimeout=600)
            body = "x" * 200_000
            count = (DISK_MEBIBYTES << 20) // len(body) + 100
            for i in range(count):
                client.send(queue, f"{i} {body}")
            left = set(disk.iterdir())
            refused("No space left", "backup", data, disk / "backup")
            check(set(disk.iterdir()) == left, "something was left")
            client.send(queue, "the server goes on")
            back_up(data, folder / "backup")
        check(not (data / "copy").exists(), "the server keeps what it has copied")
        restore(folder / "backup", folder / "restored")
        with Server(options=SHARDS, test_clock=False, data=str(folder / "restored")) as again:
            found = Client(again.endpoint).attribute(queue, "ApproximateNumberOfMessages")
            check(int(found) == count + 1, f"{found} messages, not {count + 1}")


def a_backup_ends_with_its_server():
    with Folder() as folder:
        data = folder / "data"
        server = Server(options=SHARDS, test_clock=False, data=str(data)).start()
        client = Client(server.endpoint)
        queue = client.create("q")
        for i in range(30):
            client.send(queue, f"{i} " + "x" * 200_000)
        check((data / "control").stat().st_mode & 0o777 == 0o600, "others may use the socket")
        command = [BINARY, "backup", str(data), str(folder / "backup"), "--rate", "2"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as slow:
            while not list(folder.glob("backup/shard-*")):
                check(slow.poll() is None, "the backup has ended")
                os.sched_yield()
            server.kill()
            _, said = slow.communicate(timeout=COMMAND_SECONDS_MAX)
        check(slow.returncode != 0 and "the server ended" in said, said)
        check(not (folder / "backup").exists(), "something was left")
        check((data / "copy").exists(), "the test has come too late")
        server.start()
        check(not (data / "copy").exists(), "the links of the last backup are still there")
        # Two at once: one waits for the other.
        targets = [folder / "first", folder / "second"]
        threads = [threading.Thread(target=back_up, args=(data, target)) for target in targets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.stop()
        server.close()
        for number, target in enumerate(targets):
            restore(target, folder / f"restored-{number}")


def main():
    options = storm_options(__doc__.splitlines()[0], rounds=3, seconds=1.0)

    def dead_letters_cross_shards_during_backups():
        dead_letters_are_neither_lost_nor_doubled(options)

    def a_busy_server_is_backed_up():
        promises_hold_in_a_backup_of_a_busy_server(options)

    return run_storm_cases(
        [
            what_is_restored_is_what_was_there,
            only_an_empty_directory_is_filled,
            the_keyring_is_left_out_unless_it_is_asked_for,
            a_flipped_bit_is_refused,
            other_versions_are_refused,
            a_restored_server_repeats_no_number,
            a_full_target_is_the_servers_least_worry,
            a_backup_ends_with_its_server,
            dead_letters_cross_shards_during_backups,
            a_busy_server_is_backed_up,
        ],
        options,
    )


if __name__ == "__main__":
    sys.exit(main())
