"""Every action by the AWS CLI, as a person would type it."""

import hashlib
import json
import os
import shutil
import subprocess
import unittest

from support import ENDPOINT, SqsTest, md5

# Debian's CLI, also where another one comes first in PATH.
AWS = "/usr/bin/aws" if os.path.exists("/usr/bin/aws") else shutil.which("aws")
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_PAGER": "",
}


class AwsCli(SqsTest):
    def run_aws(self, command, *arguments):
        return subprocess.run(
            [AWS, "--endpoint-url", ENDPOINT, "--output", "json", "sqs", command, *arguments],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def aws(self, command, *arguments):
        """What the command prints, as a value; it must succeed."""
        done = self.run_aws(command, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def aws_refused(self, code, command, *arguments):
        done = self.run_aws(command, *arguments)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"({code})", done.stderr)

    def test_life_of_a_queue(self):
        name = self.new_name()
        url = self.aws(
            "create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=40",
            "--tags", "team=a",
        )["QueueUrl"]
        self.addCleanup(self._delete_if_there, url)
        self.assertEqual(self.aws("get-queue-url", "--queue-name", name)["QueueUrl"], url)
        listed = self.aws("list-queues", "--queue-name-prefix", name)
        self.assertEqual(listed["QueueUrls"], [url])

        self.aws("set-queue-attributes", "--queue-url", url, "--attributes", "DelaySeconds=1")
        found = self.aws("get-queue-attributes", "--queue-url", url, "--attribute-names", "All")
        self.assertEqual(found["Attributes"]["DelaySeconds"], "1")
        self.assertEqual(found["Attributes"]["VisibilityTimeout"], "40")

        self.aws("tag-queue", "--queue-url", url, "--tags", "stage=test")
        self.aws("untag-queue", "--queue-url", url, "--tag-keys", "team")
        self.assertEqual(self.aws("list-queue-tags", "--queue-url", url)["Tags"], {"stage": "test"})

        self.aws(
            "add-permission", "--queue-url", url, "--label", "l", "--aws-account-ids",
            "111122223333", "--actions", "SendMessage",
        )
        policy = json.loads(self.attribute(url, "Policy"))
        self.assertEqual(policy["Statement"][0]["Sid"], "l")
        self.aws("remove-permission", "--queue-url", url, "--label", "l")
        self.assertNotIn("Policy", self.attributes(url))

        self.aws("purge-queue", "--queue-url", url)
        self.aws_refused(
            "AWS.SimpleQueueService.PurgeQueueInProgress", "purge-queue", "--queue-url", url
        )
        self.aws("delete-queue", "--queue-url", url)
        self.aws_refused(
            "AWS.SimpleQueueService.NonExistentQueue", "get-queue-url", "--queue-name", name
        )

    def test_life_of_a_message(self):
        url = self.new_queue()
        attributes = {
            "city": {"DataType": "String", "StringValue": "Any City"},
            "blob": {"DataType": "Binary", "BinaryValue": "AQID"},
        }
        sent = self.aws(
            "send-message", "--queue-url", url, "--message-body", "Information about the city",
            "--message-attributes", json.dumps(attributes),
        )
        self.assertEqual(sent["MD5OfMessageBody"], md5("Information about the city"))
        received = self.aws(
            "receive-message", "--queue-url", url, "--attribute-names", "All",
            "--message-attribute-names", "All", "--wait-time-seconds", "1",
        )["Messages"]
        self.assertEqual(received[0]["MessageId"], sent["MessageId"])
        self.assertEqual(received[0]["MessageAttributes"], attributes)
        self.assertEqual(received[0]["Attributes"]["ApproximateReceiveCount"], "1")
        handle = received[0]["ReceiptHandle"]
        self.aws(
            "change-message-visibility", "--queue-url", url, f"--receipt-handle={handle}",
            "--visibility-timeout", "0",
        )
        self.assertEqual(self.counts(url), (1, 0, 0))
        handle = self.aws("receive-message", "--queue-url", url)["Messages"][0]["ReceiptHandle"]
        self.aws("delete-message", "--queue-url", url, f"--receipt-handle={handle}")
        self.assertEqual(self.counts(url), (0, 0, 0))
        self.assertEqual(self.aws("receive-message", "--queue-url", url), {})

    def test_batches(self):
        url = self.new_queue()
        sent = self.aws(
            "send-message-batch", "--queue-url", url, "--entries",
            json.dumps(
                [
                    {"Id": "good", "MessageBody": "one"},
                    {"Id": "late", "MessageBody": "two", "DelaySeconds": 901},
                ]
            ),
        )
        self.assertEqual([entry["Id"] for entry in sent["Successful"]], ["good"])
        self.assertEqual(
            [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in sent["Failed"]],
            [("late", "InvalidParameterValue", True)],
        )
        handle = self.receive_one(url)["ReceiptHandle"]
        changed = self.aws(
            "change-message-visibility-batch", "--queue-url", url, "--entries",
            json.dumps([{"Id": "1", "ReceiptHandle": handle, "VisibilityTimeout": 100}]),
        )
        self.assertEqual(changed["Successful"], [{"Id": "1"}])
        deleted = self.aws(
            "delete-message-batch", "--queue-url", url, "--entries",
            json.dumps([{"Id": "1", "ReceiptHandle": handle}]),
        )
        self.assertEqual(deleted["Successful"], [{"Id": "1"}])

    def test_dead_letters(self):
        dead = self.new_queue(name=self.new_name("dead"))
        attributes = json.dumps({"RedrivePolicy": self.redrive(dead, 1)})
        source = self.aws(
            "create-queue", "--queue-name", self.new_name("source"), "--attributes", attributes
        )["QueueUrl"]
        self.addCleanup(self._delete_if_there, source)
        listed = self.aws("list-dead-letter-source-queues", "--queue-url", dead)
        self.assertEqual(listed["queueUrls"], [source])
        self.aws("send-message", "--queue-url", source, "--message-body", "poison")
        self.aws("receive-message", "--queue-url", source, "--visibility-timeout", "0")
        self.assertEqual(self.aws("receive-message", "--queue-url", source), {})
        moved = self.aws("receive-message", "--queue-url", dead)["Messages"]
        self.assertEqual(moved[0]["Body"], "poison")

    def test_a_fifo_queue(self):
        url = self.aws(
            "create-queue", "--queue-name", self.new_name() + ".fifo",
            "--attributes", "FifoQueue=true,ContentBasedDeduplication=true",
        )["QueueUrl"]
        self.addCleanup(self._delete_if_there, url)

        def send(body, *arguments):
            return self.aws(
                "send-message", "--queue-url", url, "--message-body", body,
                "--message-group-id", "g", *arguments,
            )

        first = send("one")
        self.assertRegex(first["SequenceNumber"], r"^\d{20}$")
        again = send("other", "--message-deduplication-id", hashlib.sha256(b"one").hexdigest())
        self.assertEqual(again["MessageId"], first["MessageId"])
        self.assertEqual(again["SequenceNumber"], first["SequenceNumber"])
        self.assertEqual(again["MD5OfMessageBody"], md5("other"))
        send("two")
        self.aws_refused(
            "MissingParameter", "send-message", "--queue-url", url, "--message-body", "b"
        )
        self.aws_refused(
            "InvalidParameterValue", "send-message-batch", "--queue-url", url, "--entries",
            json.dumps([{"Id": "1", "MessageBody": "b"}]),
        )

        def receive(*arguments):
            return self.aws(
                "receive-message", "--queue-url", url, "--attribute-names", "All", *arguments
            ).get("Messages", [])

        (received,) = receive("--receive-request-attempt-id", "attempt")
        (again,) = receive("--receive-request-attempt-id", "attempt")
        self.assertEqual(again["ReceiptHandle"], received["ReceiptHandle"])
        found = received["Attributes"]
        self.assertEqual(found["MessageGroupId"], "g")
        self.assertEqual(found["SequenceNumber"], first["SequenceNumber"])
        self.assertEqual(found["MessageDeduplicationId"], hashlib.sha256(b"one").hexdigest())
        self.assertEqual(receive(), [])
        handle = received["ReceiptHandle"]
        self.aws("delete-message", "--queue-url", url, f"--receipt-handle={handle}")
        (received,) = receive("--visibility-timeout", "0")
        self.assertEqual(received["Body"], "two")
        self.aws_refused(
            "InvalidParameterValue", "delete-message", "--queue-url", url,
            f"--receipt-handle={received['ReceiptHandle']}",
        )

    def test_pages_of_its_own(self):
        names = [self.new_name("page") for _ in range(5)]
        made = sorted(self.new_queue(name=name) for name in names)
        listed = self.aws(
            "list-queues", "--queue-name-prefix", f"{self._testMethodName}-page", "--page-size", "2"
        )
        self.assertEqual(listed["QueueUrls"], made)

    def test_refusals(self):
        url = self.new_queue()
        self.aws_refused("InvalidParameterValue", "create-queue", "--queue-name", "a b")
        self.aws_refused(
            "InvalidAttributeName", "get-queue-attributes", "--queue-url", url,
            "--attribute-names", "Foobar",
        )
        self.aws_refused(
            "ReceiptHandleIsInvalid", "delete-message", "--queue-url", url, "--receipt-handle", "x"
        )
        self.aws_refused(
            "AWS.SimpleQueueService.NonExistentQueue", "send-message", "--queue-url",
            url + "-absent", "--message-body", "b",
        )


if __name__ == "__main__":
    unittest.main()
