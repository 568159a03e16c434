"""Credentials: `millrace keys` edits the credentials file, SIGHUP has it read again, and a server
that anybody could reach does not start without credentials.

The servers are the suite's own, by the clock on the wall, which is that of the signer.
"""

import os
import pathlib
import re
import stat
import subprocess
import tempfile
import threading
import unittest
import unittest.mock

import botocore.exceptions

import millrace_server
import signing
from signing import Key
from test_signatures import ACCOUNT, ADA, EVE, KEYS, make_client

BINARY = os.environ.get("MILLRACE_BINARY", str(millrace_server.ROOT / "build/release/millrace"))
ADA_ENTRY = KEYS[0]
EVE_ENTRY = KEYS[-1]
RELOADS = 25


def code_of(call, *arguments, **parameters):
    """The error's code and HTTP status, or ("", 200)."""
    try:
        call(*arguments, **parameters)
    except botocore.exceptions.ClientError as error:
        reply = error.response
        return reply["Error"]["Code"], reply["ResponseMetadata"]["HTTPStatusCode"]
    return "", 200


def run_keys(*arguments, **environment):
    return subprocess.run(
        [BINARY, "keys", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ, **environment),
    )


class CredentialsTest(unittest.TestCase):
    maxDiff = None

    def start(self, *keys, users=None, accounts=None):
        self.file = signing.CredentialsFile(*keys, users=users, accounts=accounts)
        self.addCleanup(self.file.close)
        self.server = millrace_server.Server(["--credentials", self.file.path], test_clock=False)
        self.addCleanup(self.server.close)
        self.server.start()

    def client(self, key):
        return make_client(self.server.endpoint, key)


class Reload(CredentialsTest):
    def test_new_and_removed_keys_hold_at_once(self):
        self.start(ADA_ENTRY)
        eve = self.client(EVE)
        self.assertEqual(code_of(eve.list_queues), ("InvalidClientTokenId", 403))
        self.file.write(EVE_ENTRY)
        self.assertIn("credentials taken over", self.server.reload())
        eve.list_queues()
        self.assertEqual(code_of(self.client(ADA).list_queues), ("InvalidClientTokenId", 403))

    def test_a_broken_file_leaves_the_old_keys_in_force(self):
        self.start(ADA_ENTRY)
        breaks = {
            "must be a string": lambda: self.file.write_text("[[account]]\nid = 3\n"),
            "chmod 600": lambda: self.file.write_text("", mode=0o640),
            "No such file": lambda: os.remove(self.file.path),
        }
        for cause, damage in breaks.items():
            with self.subTest(cause=cause):
                damage()
                line = self.server.reload()
                self.assertIn("credentials not taken over", line)
                self.assertIn(cause, line)
                self.assertNotIn(ADA.secret, line)
                self.client(ADA).list_queues()

    def test_no_request_is_dropped(self):
        self.start(ADA_ENTRY)
        url = self.client(ADA).create_queue(QueueName="jobs")["QueueUrl"]
        done = threading.Event()
        sent, failures = [], []

        def work():
            sqs = self.client(ADA)
            while not done.is_set() or not sent:
                try:
                    sqs.send_message(QueueUrl=url, MessageBody="m")
                    sent.append(1)
                except Exception as error:  # whatever it is, it is a dropped request
                    failures.append(error)

        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for number in range(RELOADS):
            self.file.write(*([ADA_ENTRY, EVE_ENTRY] if number % 2 else [ADA_ENTRY]))
            self.assertIn("credentials taken over", self.server.reload())
        done.set()
        for worker in workers:
            worker.join()
        self.assertEqual(failures, [])
        self.assertGreater(len(sent), 0)


class Keys(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-keys-")
        self.addCleanup(folder.cleanup)
        self.path = str(pathlib.Path(folder.name) / "keys.toml")

    def create(self, user, *options):
        made = run_keys("create", "--user", user, *options, MILLRACE_CREDENTIALS=self.path)
        self.assertEqual(made.returncode, 0, made.stderr)
        found = dict(re.findall(r"^AWS_(\w+)=(.*)$", made.stdout, re.MULTILINE))
        return Key(found["ACCESS_KEY_ID"], found["SECRET_ACCESS_KEY"])

    def change(self, command, key):
        changed = run_keys(command, key.id, "--credentials", self.path)
        self.assertEqual(changed.returncode, 0, changed.stderr)
        return changed.stdout

    def test_a_key_from_its_making_to_its_end(self):
        key = self.create("ada")
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        with millrace_server.Server(["--credentials", self.path], test_clock=False) as server:
            client = make_client(server.endpoint, key)
            client.list_queues()
            self.change("disable", key)
            server.reload()
            self.assertEqual(code_of(client.list_queues), ("InvalidClientTokenId", 403))
            self.change("enable", key)
            text = self.change("rotate", key)
            server.reload()
            client.list_queues()
            found = dict(re.findall(r"^AWS_(\w+)=(.*)$", text, re.MULTILINE))
            successor = Key(found["ACCESS_KEY_ID"], found["SECRET_ACCESS_KEY"])
            make_client(server.endpoint, successor).list_queues()
            self.change("delete", key)
            server.reload()
            self.assertEqual(code_of(client.list_queues), ("InvalidClientTokenId", 403))
            listed = run_keys("list", "--credentials", self.path).stdout
            self.assertIn("ada  AmazonSQSFullAccess", listed)
            self.assertIn(successor.id, listed)
            self.assertNotIn(key.id, listed)
            self.assertNotIn(successor.secret, listed)

    def test_a_key_is_good_for_what_its_command_says(self):
        ada = self.create("ada")
        reader = self.create("reader", "--policy", "AmazonSQSReadOnlyAccess")
        with millrace_server.Server(["--credentials", self.path], test_clock=False) as server:
            url = make_client(server.endpoint, ada).create_queue(QueueName="jobs")["QueueUrl"]
            reading = make_client(server.endpoint, reader)
            self.assertEqual(reading.list_queues()["QueueUrls"], [url])
            refused = code_of(reading.send_message, QueueUrl=url, MessageBody="m")
            self.assertEqual(refused, ("AccessDenied", 403))

    def test_mistakes_end_with_an_error(self):
        for arguments in (["list"], ["create"], ["disable", "AKIDNONE"], ["nonsense"], []):
            with self.subTest(arguments=arguments):
                outcome = run_keys(*arguments, MILLRACE_CREDENTIALS=self.path)
                self.assertNotEqual(outcome.returncode, 0)
                self.assertIn("millrace: ", outcome.stderr)


class Start(unittest.TestCase):
    def refused(self, *options, **environment):
        outcome = subprocess.run(
            [BINARY, "serve", "--ephemeral", *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=millrace_server.START_SECONDS_MAX,
            env=dict(os.environ, **environment),
        )
        self.assertNotEqual(outcome.returncode, 0)
        return outcome.stderr

    def test_an_open_address_needs_credentials(self):
        text = self.refused("--listen", "0.0.0.0:0")
        self.assertIn("no credentials are configured", text)
        self.assertIn("millrace keys create --credentials FILE", text)

    def test_a_file_that_others_can_read_is_refused(self):
        file = signing.CredentialsFile(ADA_ENTRY)
        self.addCleanup(file.close)
        os.chmod(file.path, 0o644)
        text = self.refused("--listen", "127.0.0.1:0", "--credentials", file.path)
        self.assertIn(f"chmod 600 {file.path}", text)

    def test_root_credentials_come_from_the_environment(self):
        options = ["--account", ACCOUNT]
        environment = {
            "MILLRACE_ROOT_ACCESS_KEY_ID": "AKIDROOT",
            "MILLRACE_ROOT_SECRET_ACCESS_KEY": ADA.secret,
        }
        with unittest.mock.patch.dict(os.environ, environment):
            with millrace_server.Server(options, test_clock=False) as server:
                root = make_client(server.endpoint, Key("AKIDROOT", ADA.secret))
                url = root.create_queue(QueueName="jobs")["QueueUrl"]
                self.assertIn(f"/{ACCOUNT}/", url)
                other = make_client(server.endpoint, Key("AKIDROOT", EVE.secret))
                self.assertEqual(code_of(other.list_queues), ("SignatureDoesNotMatch", 403))
                self.assertNotIn("DEVELOPMENT MODE", server.log())

    def test_development_mode_says_so(self):
        server = millrace_server.Server()
        self.addCleanup(server.close)
        server.start()
        server.stop()  # so that all that it said has been read
        self.assertIn("DEVELOPMENT MODE", server.log())


if __name__ == "__main__":
    unittest.main()
