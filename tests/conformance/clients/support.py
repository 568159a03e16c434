"""What the Python suites share: a client, queues of a test's own, and checks of errors and digests.

The server's address comes in MILLRACE_ENDPOINT (see millrace_server.py). Time that has to pass is
made to pass by advance(); nothing sleeps.
"""

import contextlib
import hashlib
import itertools
import json
import os
import struct
import threading
import unittest

import boto3
import botocore.config
import botocore.exceptions

import millrace_server

ENDPOINT = os.environ["MILLRACE_ENDPOINT"]
REGION = "us-east-1"
MESSAGE_BYTES_MAX = 1048576
GARBAGE_HANDLE = "this-is-no-receipt-handle"
_numbers = itertools.count(1)


def make_client(endpoint=ENDPOINT):
    """A client that sends what it is told, without checks or repeats of its own, so that every
    refusal is the server's."""
    return boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            read_timeout=60,
        ),
    )


def advance(seconds):
    """Lets time pass for the server."""
    millrace_server.advance_clock(ENDPOINT, seconds * 1000)


def md5(text):
    return hashlib.md5(text.encode("utf-8")).hexdigest()


def md5_of_attributes(attributes):
    """SQS's digest of message attributes, as its clients compute it."""
    digest = hashlib.md5()
    for name in sorted(attributes):
        value = attributes[name]
        for text in (name, value["DataType"]):
            digest.update(struct.pack(">I", len(text.encode("utf-8"))) + text.encode("utf-8"))
        binary = "BinaryValue" in value
        data = value["BinaryValue"] if binary else value["StringValue"].encode("utf-8")
        digest.update((b"\x02" if binary else b"\x01") + struct.pack(">I", len(data)) + data)
    return digest.hexdigest()


def text_attribute(value, data_type="String"):
    return {"DataType": data_type, "StringValue": value}


class SqsTest(unittest.TestCase):
    """A test with a client; its queues have names of their own and go when it ends."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.sqs = make_client()

    def new_name(self, hint="q"):
        return f"{self._testMethodName[:60]}-{hint}-{next(_numbers)}"

    def new_queue(self, attributes=None, **arguments):
        """The URL of a new queue with these attributes."""
        name = arguments.pop("name", None) or self.new_name()
        if attributes:
            arguments["Attributes"] = attributes
        url = self.sqs.create_queue(QueueName=name, **arguments)["QueueUrl"]
        self.addCleanup(self._delete_if_there, url)
        return url

    def _delete_if_there(self, url):
        with contextlib.suppress(botocore.exceptions.ClientError):
            self.sqs.delete_queue(QueueUrl=url)

    def attributes(self, url, *names):
        reply = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names) or ["All"])
        return reply.get("Attributes", {})

    def attribute(self, url, name):
        return self.attributes(url, name)[name]

    def arn(self, url):
        return self.attribute(url, "QueueArn")

    def set_attributes(self, url, **attributes):
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    def counts(self, url):
        """(visible, in flight, delayed)"""
        found = self.attributes(url)
        kinds = ("", "NotVisible", "Delayed")
        return tuple(int(found["ApproximateNumberOfMessages" + kind]) for kind in kinds)

    def send(self, url, body="hello", **arguments):
        return self.sqs.send_message(QueueUrl=url, MessageBody=body, **arguments)

    def receive(self, url, count=10, **arguments):
        """The messages that are there now, as a list."""
        reply = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, **arguments)
        return reply.get("Messages", [])

    def receive_one(self, url, **arguments):
        messages = self.receive(url, 1, **arguments)
        self.assertEqual(len(messages), 1, "one message should be visible")
        return messages[0]

    def receive_bodies(self, url, **arguments):
        return sorted(message["Body"] for message in self.receive(url, **arguments))

    @contextlib.contextmanager
    def refused(self, code, status=400, text=None):
        """What is done inside must be refused with this error code, HTTP status and part of the
        message."""
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            yield
        reply = caught.exception.response
        self.assertEqual(
            (reply["Error"]["Code"], reply["ResponseMetadata"]["HTTPStatusCode"]),
            (code, status),
            reply["Error"].get("Message"),
        )
        if text is not None:
            self.assertIn(text, reply["Error"]["Message"])

    def wait_for(self, work):
        """The result of work(), a call that ends by the server's clock: time is let pass until it
        does."""
        results = []
        worker = threading.Thread(target=lambda: results.append(work()))
        worker.start()
        for _ in range(600):
            worker.join(0.05)
            if not worker.is_alive():
                return results[0]
            advance(1)
        self.fail("the call did not end although 600 seconds passed")

    def redrive(self, dead_letters_url, count):
        return json.dumps(
            {"deadLetterTargetArn": self.arn(dead_letters_url), "maxReceiveCount": count}
        )
