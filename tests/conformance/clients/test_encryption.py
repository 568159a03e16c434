"""Encryption: queues under named keys, `millrace kms`, SIGHUP, and the errors of keys that are of
no use, in both protocols.

The servers are the suite's own, with a keyring of their own.
"""

import json
import os
import pathlib
import stat
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import botocore.exceptions

import millrace_server
from support import make_client

BINARY = os.environ.get("MILLRACE_BINARY", str(millrace_server.ROOT / "build/release/millrace"))
ALIAS = "alias/orders"


class Json:
    """The protocol that Debian's boto3 does not speak."""

    def __init__(self, endpoint, service="AmazonSQS"):
        self.endpoint = endpoint
        self.service = service

    def __call__(self, action, **parameters):
        request = urllib.request.Request(
            self.endpoint,
            data=json.dumps(parameters).encode(),
            headers={
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"{self.service}.{action}",
            },
        )
        try:
            with urllib.request.urlopen(request) as reply:
                return json.loads(reply.read() or b"{}")
        except urllib.error.HTTPError as error:
            answer = json.loads(error.read())
            return (error.code, answer["__type"], error.headers["x-amzn-query-error"])


def query_error(call, **parameters):
    """The error's code and HTTP status, or None."""
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        reply = error.response
        return reply["Error"]["Code"], reply["ResponseMetadata"]["HTTPStatusCode"]
    return None


class EncryptionTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-keys-"))
        self.addCleanup(subprocess.run, ["rm", "-r", str(self.folder)], check=True)
        self.keyring = self.folder / "keyring"
        self.data = self.folder / "data"
        self.server = self.new_server()
        self.start()

    def new_server(self, keyring=None):
        server = millrace_server.Server(
            ["--keyring", str(keyring or self.keyring)], data=str(self.data)
        )
        self.addCleanup(server.close)
        return server

    def start(self):
        self.server.start()
        self.sqs = make_client(self.server.endpoint)
        self.json = Json(self.server.endpoint)
        self.console = Json(self.server.endpoint + "/console/api/", "Millrace")

    def kms(self, *arguments, fails=False):
        done = subprocess.run(
            [BINARY, "kms", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=dict(os.environ, MILLRACE_KEYRING=str(self.keyring)),
        )
        self.assertEqual(done.returncode != 0, fails, done.stderr)
        return done.stderr if fails else done.stdout

    def change_keys(self, *arguments):
        """As kms(); the server knows of it when this returns."""
        out = self.kms(*arguments)
        self.assertIn("keyring taken over", self.server.reload("keyring"))
        return out

    def new_queue(self, name="q", **attributes):
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def send(self, url, body="hello", **more):
        return self.sqs.send_message(QueueUrl=url, MessageBody=body, **more)

    def receive(self, url, **more):
        reply = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more)
        return reply.get("Messages", [])

    def refused(self, url, code):
        """Send, batch and receive are answered with this error in both protocols."""
        query = (f"KMS.{code}", 400)
        entries = [{"Id": "1", "MessageBody": "hello"}]
        self.assertEqual(query_error(self.sqs.send_message, QueueUrl=url, MessageBody="x"), query)
        self.assertEqual(
            query_error(self.sqs.send_message_batch, QueueUrl=url, Entries=entries), query
        )
        shape = "com.amazonaws.sqs#Kms" + code.replace("Exception", "")
        answer = (400, shape, f"KMS.{code};Sender")
        self.assertEqual(self.json("SendMessage", QueueUrl=url, MessageBody="x"), answer)
        self.assertEqual(self.json("SendMessageBatch", QueueUrl=url, Entries=entries), answer)

    def receive_refused(self, url, code):
        query = (f"KMS.{code}", 400)
        self.assertEqual(query_error(self.sqs.receive_message, QueueUrl=url), query)
        shape = "com.amazonaws.sqs#Kms" + code.replace("Exception", "")
        answer = (400, shape, f"KMS.{code};Sender")
        self.assertEqual(self.json("ReceiveMessage", QueueUrl=url), answer)
        self.assertEqual(self.json("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20), answer)


class NamedKeys(EncryptionTest):
    def test_each_name_of_a_key_will_do(self):
        key = self.change_keys("create", "--alias", ALIAS).split()[0]
        arn = "arn:aws:kms:us-east-1:000000000000:"
        for i, name in enumerate([key, ALIAS, f"{arn}key/{key}", f"{arn}{ALIAS}", "alias/aws/sqs"]):
            url = self.new_queue(f"q{i}", KmsMasterKeyId=name)
            self.send(url, f"body {i}")
            self.assertEqual([m["Body"] for m in self.receive(url)], [f"body {i}"])

    def test_an_unknown_key(self):
        url = self.new_queue(KmsMasterKeyId=ALIAS)
        self.refused(url, "NotFoundException")
        self.assertEqual(self.receive(url), [])
        self.change_keys("create", "--alias", ALIAS)
        self.send(url)
        self.assertEqual(len(self.receive(url)), 1)

    def test_a_disabled_key(self):
        self.change_keys("create", "--alias", ALIAS)
        url = self.new_queue(KmsMasterKeyId=ALIAS)
        for body in ("one", "two", "three"):
            self.send(url, body)
        taken = self.receive(url, VisibilityTimeout=0, AttributeNames=["All"])
        self.assertEqual(len(taken), 3)
        self.change_keys("disable", ALIAS)
        self.refused(url, "DisabledException")
        self.receive_refused(url, "DisabledException")
        handle = {"QueueUrl": url, "ReceiptHandle": taken[0]["ReceiptHandle"]}
        self.sqs.delete_message(**handle)
        self.change_keys("enable", ALIAS)
        again = self.receive(url, AttributeNames=["All"])
        self.assertEqual(sorted(m["Body"] for m in again), ["three", "two"])
        counts = {m["Attributes"]["ApproximateReceiveCount"] for m in again}
        self.assertEqual(counts, {"2"}, "what could not be opened was not received")

    def test_the_console_without_the_key(self):
        self.change_keys("create", "--alias", ALIAS)
        url, target = (self.new_queue(name, KmsMasterKeyId=ALIAS) for name in ("q", "target"))
        for body in ("one", "two", "three"):
            self.send(url, body)
        seen = self.console("PeekMessages", QueueUrl=url)["Messages"]
        ids = {message["Body"]: message["PeekId"] for message in seen}
        self.change_keys("disable", ALIAS)
        answer = (400, "com.amazonaws.sqs#KmsDisabled", "KMS.DisabledException;Sender")
        self.assertEqual(self.console("PeekMessages", QueueUrl=url), answer)
        self.assertEqual(self.console("SearchMessages", QueueUrl=url, Text="one"), answer)
        self.assertEqual(self.console("GetMessage", QueueUrl=url, PeekId=ids["one"]), answer)
        deleted = self.console("DeleteMessages", QueueUrl=url, PeekIds=[ids["one"]])
        self.assertEqual(deleted["Deleted"], [ids["one"]])
        moved = self.console(
            "MoveMessages", SourceUrl=url, DestinationUrl=target, PeekIds=[ids["two"]]
        )
        self.assertEqual(moved["Moved"], [ids["two"]])
        self.change_keys("enable", ALIAS)
        self.assertEqual([message["Body"] for message in self.receive(url)], ["three"])
        self.assertEqual([message["Body"] for message in self.receive(target)], ["two"])

    def test_a_key_that_is_gone(self):
        self.kms("create", "--alias", ALIAS)
        self.server.reload("keyring")
        url = self.new_queue(KmsMasterKeyId=ALIAS)
        self.send(url)
        text = self.keyring.read_text()
        begin = text.rindex("[[key]]")
        self.keyring.write_text(text[:begin])
        self.server.reload("keyring")
        self.refused(url, "NotFoundException")
        self.receive_refused(url, "NotFoundException")
        self.keyring.write_text(text)
        self.server.reload("keyring")
        self.assertEqual(len(self.receive(url)), 1)

    def test_a_rotated_key_opens_what_it_sealed(self):
        self.change_keys("create", "--alias", ALIAS)
        url = self.new_queue(KmsMasterKeyId=ALIAS, KmsDataKeyReusePeriodSeconds="60")
        self.send(url, "one")
        self.change_keys("rotate", ALIAS)
        self.send(url, "two")
        self.assertIn("version 2", self.kms("list"))
        self.server.stop()
        self.start()
        self.assertEqual(sorted(m["Body"] for m in self.receive(url)), ["one", "two"])

    def test_all_of_a_message_comes_back(self):
        self.change_keys("create", "--alias", ALIAS)
        url = self.new_queue("all.fifo", FifoQueue="true", KmsMasterKeyId=ALIAS)
        attributes = {
            "text": {"DataType": "String", "StringValue": "value"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        }
        sent = self.send(
            url, "body", MessageGroupId="g", MessageDeduplicationId="d",
            MessageAttributes=attributes,
        )
        self.server.kill()
        self.start()
        (got,) = self.receive(url, AttributeNames=["All"], MessageAttributeNames=["All"])
        self.assertEqual(got["Body"], "body")
        self.assertEqual(got["MessageAttributes"], attributes)
        self.assertEqual(got["MD5OfBody"], sent["MD5OfMessageBody"])
        self.assertEqual(got["Attributes"]["MessageGroupId"], "g")
        self.assertEqual(got["Attributes"]["MessageDeduplicationId"], "d")


class Keyring(EncryptionTest):
    def test_is_for_its_owner_alone(self):
        self.assertEqual(stat.S_IMODE(self.keyring.stat().st_mode), 0o600)
        self.assertIn("a keyring was made", self.server.log())
        self.keyring.chmod(0o640)
        self.assertIn("not taken over", self.server.reload("keyring"))
        self.server.stop()
        with self.assertRaisesRegex(RuntimeError, "chmod 600"):
            self.start()

    def test_is_never_made_anew_for_data_that_is_there(self):
        url = self.new_queue()
        self.send(url)
        self.server.stop()
        other = self.folder / "other"
        with self.assertRaisesRegex(RuntimeError, "keyring .* is missing"):
            self.new_server(other).start()
        self.assertFalse(other.exists())
        subprocess.run(
            [BINARY, "kms", "create", "--keyring", str(other)], check=True, capture_output=True
        )
        with self.assertRaisesRegex(RuntimeError, "another keyring"):
            self.new_server(other).start()
        self.start()
        self.assertEqual(len(self.receive(url)), 1)

    def test_of_other_data_is_not_taken_over(self):
        url = self.new_queue()
        self.send(url)
        mine = self.keyring.read_text()
        self.keyring.unlink()
        self.kms("create")
        self.assertIn("not taken over", self.server.reload("keyring"))
        self.assertEqual(len(self.receive(url, VisibilityTimeout=0)), 1)
        self.keyring.write_text(mine)

    def test_the_command_refuses_what_makes_no_sense(self):
        self.kms("create", "--alias", ALIAS)
        self.assertIn("already", self.kms("create", "--alias", ALIAS, fails=True))
        self.assertIn("alias/", self.kms("create", "--alias", "orders", fails=True))
        self.assertIn("kept for", self.kms("create", "--alias", "alias/aws/s3", fails=True))
        self.assertIn("no key", self.kms("disable", "alias/others", fails=True))
        self.assertIn("cannot", self.kms("disable", "alias/aws/sqs", fails=True))
        listed = self.kms("list").splitlines()
        self.assertEqual(len(listed), 2)
        self.assertNotIn("secret", "".join(listed))


if __name__ == "__main__":
    unittest.main()
