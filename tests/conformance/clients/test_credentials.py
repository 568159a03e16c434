"""Credentials: accounts are kept apart, `millrace keys` edits the credentials file, SIGHUP has it
read again, and a server that anybody could reach does not start without credentials.

The servers are the suite's own, by the clock on the wall, which is that of the signer.
"""

import base64
import json
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
from signing import Key, json_request, sign
from test_signatures import ACCOUNT, ADA, EVE, KEYS, OTHER_ACCOUNT, make_client

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

    def start(self, *keys):
        self.file = signing.CredentialsFile(*keys)
        self.addCleanup(self.file.close)
        self.server = millrace_server.Server(["--credentials", self.file.path], test_clock=False)
        self.addCleanup(self.server.close)
        self.server.start()

    def client(self, key):
        return make_client(self.server.endpoint, key)


class Accounts(CredentialsTest):
    def setUp(self):
        self.start(ADA_ENTRY, EVE_ENTRY)
        self.ada = self.client(ADA)
        self.eve = self.client(EVE)

    def test_every_action_with_the_queue_of_another_account(self):
        dead = self.ada.create_queue(QueueName="dead")["QueueUrl"]
        dead_arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
        policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
        url = self.ada.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": policy})
        url = url["QueueUrl"]
        self.ada.send_message(QueueUrl=url, MessageBody="secret")
        handle = {"Id": "a", "ReceiptHandle": "none"}
        calls = {
            "add_permission": {"Label": "l", "AWSAccountIds": [OTHER_ACCOUNT],
                               "Actions": ["SendMessage"]},
            "change_message_visibility": {"ReceiptHandle": "none", "VisibilityTimeout": 0},
            "change_message_visibility_batch": {"Entries": [{**handle, "VisibilityTimeout": 0}]},
            "delete_message": {"ReceiptHandle": "none"},
            "delete_message_batch": {"Entries": [handle]},
            "delete_queue": {},
            "get_queue_attributes": {"AttributeNames": ["All"]},
            "list_dead_letter_source_queues": {},
            "list_queue_tags": {},
            "purge_queue": {},
            "receive_message": {},
            "remove_permission": {"Label": "l"},
            "send_message": {"MessageBody": "m"},
            "send_message_batch": {"Entries": [{"Id": "a", "MessageBody": "m"}]},
            "set_queue_attributes": {"Attributes": {"DelaySeconds": "1"}},
            "tag_queue": {"Tags": {"team": "shop"}},
            "untag_queue": {"TagKeys": ["team"]},
        }
        for name, parameters in calls.items():
            with self.subTest(action=name):
                denied = code_of(getattr(self.eve, name), QueueUrl=url, **parameters)
                self.assertEqual(denied, ("AccessDenied", 403))
        task = json.dumps({"taskId": "t", "sourceArn": dead_arn}).encode()
        moves = {
            "StartMessageMoveTask": {"SourceArn": dead_arn},
            "ListMessageMoveTasks": {"SourceArn": dead_arn},
            "CancelMessageMoveTask": {"TaskHandle": base64.b64encode(task).decode()},
        }
        for action, parameters in moves.items():
            with self.subTest(action=action):
                request = json_request(self.server.endpoint, action, parameters)
                reply = sign(request, EVE).send(self.server.endpoint)
                self.assertEqual((reply.status, reply.code), (403, "AccessDenied"), reply.text)
        hidden = code_of(self.eve.get_queue_url, QueueName="jobs", QueueOwnerAWSAccountId=ACCOUNT)
        self.assertEqual(hidden, ("AWS.SimpleQueueService.NonExistentQueue", 400))
        self.assertNotIn("QueueUrls", self.eve.list_queues())

        messages = self.ada.receive_message(QueueUrl=url)["Messages"]
        self.assertEqual([message["Body"] for message in messages], ["secret"])
        self.assertEqual(self.ada.list_queues()["QueueUrls"], [dead, url])

    def test_the_same_name_is_another_queue(self):
        ours = self.ada.create_queue(QueueName="jobs")["QueueUrl"]
        theirs = self.eve.create_queue(QueueName="jobs")["QueueUrl"]
        self.assertNotEqual(ours, theirs)
        self.ada.send_message(QueueUrl=ours, MessageBody="ours")
        self.assertNotIn("Messages", self.eve.receive_message(QueueUrl=theirs))

    def test_permissions_let_another_account_in(self):
        url = self.ada.create_queue(QueueName="jobs")["QueueUrl"]
        self.ada.add_permission(
            QueueUrl=url, Label="eve", AWSAccountIds=[OTHER_ACCOUNT], Actions=["SendMessage"]
        )
        self.eve.send_message(QueueUrl=url, MessageBody="from eve")
        entries = [{"Id": "1", "MessageBody": "and more"}]
        self.eve.send_message_batch(QueueUrl=url, Entries=entries)
        denied = ("AccessDenied", 403)
        self.assertEqual(code_of(self.eve.receive_message, QueueUrl=url), denied)
        self.ada.remove_permission(QueueUrl=url, Label="eve")
        self.assertEqual(
            code_of(self.eve.send_message, QueueUrl=url, MessageBody="too late"), denied
        )
        messages = self.ada.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        self.assertEqual(sorted(m["Body"] for m in messages), ["and more", "from eve"])

    def test_a_deny_holds_for_the_account_itself(self):
        url = self.ada.create_queue(QueueName="jobs")["QueueUrl"]
        policy = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:SendMessage",
                "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs",
                "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
            },
        }
        self.ada.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        denied = ("AccessDenied", 403)
        self.assertEqual(code_of(self.ada.send_message, QueueUrl=url, MessageBody="m"), denied)
        self.ada.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
        self.ada.send_message(QueueUrl=url, MessageBody="m")

    def test_denials_say_who_and_what(self):
        url = self.ada.create_queue(QueueName="jobs")["QueueUrl"]
        parameters = {"QueueUrl": url, "MessageBody": "m"}
        request = json_request(self.server.endpoint, "SendMessage", parameters)
        reply = sign(request, EVE).send(self.server.endpoint)
        self.assertEqual(
            reply.text,
            f"User: arn:aws:iam::{OTHER_ACCOUNT}:root is not authorized to perform: "
            f"sqs:sendmessage on resource: arn:aws:sqs:us-east-1:{ACCOUNT}:jobs because no "
            "resource-based policy allows the sqs:sendmessage action",
        )
        request = signing.form_request(self.server.endpoint, "SendMessage", parameters)
        reply = sign(request, EVE).send(self.server.endpoint)
        self.assertEqual(reply.text, f"Access to the resource {url} is denied.")


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

    def create(self, user):
        made = run_keys("create", "--user", user, MILLRACE_CREDENTIALS=self.path)
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
            self.assertIn(successor.id, listed)
            self.assertNotIn(key.id, listed)
            self.assertNotIn(successor.secret, listed)

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
