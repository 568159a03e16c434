"""Message move tasks.

Debian's boto3 is older than they are, so they are asked for by Query requests made here; the queues
and their messages are boto3's.
"""

import base64
import json
import unittest
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

from support import ENDPOINT, SqsTest, advance, text_attribute

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
POLLS_MAX = 1000


class Refused(Exception):
    """(HTTP status, code, message)"""


def ask(action, **parameters):
    """The result of a Query request: texts by their names, and a list of such as "Results"."""
    form = {"Action": action, "Version": "2012-11-05", **parameters}
    request = urllib.request.Request(ENDPOINT, data=urllib.parse.urlencode(form).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            document = xml.etree.ElementTree.fromstring(reply.read())
    except urllib.error.HTTPError as refusal:
        error = xml.etree.ElementTree.fromstring(refusal.read()).find(f"{NAMESPACE}Error")
        texts = (error.findtext(f"{NAMESPACE}{name}") for name in ("Code", "Message"))
        raise Refused(refusal.code, *texts) from None
    result = document.find(f"{NAMESPACE}{action}Result")
    found = {"Results": []}
    for field in result if result is not None else ():
        name = field.tag.removeprefix(NAMESPACE)
        if len(field):
            found["Results"].append({part.tag.removeprefix(NAMESPACE): part.text for part in field})
        else:
            found[name] = field.text
    return found


class MoveTaskTest(SqsTest):
    def dead_letters(self, *bodies, **attributes):
        """(source, dead-letter queue with messages of it)"""
        dead = self.new_queue(attributes, name=self.new_name("dead") + self.suffix(attributes))
        policy = {"RedrivePolicy": self.redrive(dead, 1), "VisibilityTimeout": "0", **attributes}
        source = self.new_queue(policy, name=self.new_name("source") + self.suffix(attributes))
        for number, body in enumerate(bodies):
            ids = {"MessageGroupId": "g", "MessageDeduplicationId": str(number)}
            self.send(source, body, **(ids if attributes else {}))
        while self.receive(source):
            pass
        self.assertEqual(self.counts(dead), (len(bodies), 0, 0))
        return source, dead

    @staticmethod
    def suffix(attributes):
        return ".fifo" if "FifoQueue" in attributes else ""

    def start(self, source, **parameters):
        return ask("StartMessageMoveTask", SourceArn=self.arn(source), **parameters)["TaskHandle"]

    def tasks(self, source, **parameters):
        return ask("ListMessageMoveTasks", SourceArn=self.arn(source), **parameters)["Results"]

    def ended(self, source):
        """The last task, once it has ended. Each request lets the server go on."""
        for _ in range(POLLS_MAX):
            task = self.tasks(source)[0]
            if task["Status"] not in ("RUNNING", "CANCELLING"):
                return task
        self.fail("the task does not end")

    def refused_with(self, status, code, action, **parameters):
        with self.assertRaises(Refused) as caught:
            ask(action, **parameters)
        self.assertEqual(caught.exception.args[:2], (status, code))


class Moves(MoveTaskTest):
    def test_back_to_the_source(self):
        source, dead = self.dead_letters("a", "b")
        handle = self.start(dead)
        self.assertEqual(json.loads(base64.b64decode(handle))["sourceArn"], self.arn(dead))
        task = self.ended(dead)
        self.assertTrue(task.pop("StartedTimestamp").isdigit())
        self.assertEqual(
            task,
            {
                "Status": "COMPLETED",
                "SourceArn": self.arn(dead),
                "ApproximateNumberOfMessagesMoved": "2",
                "ApproximateNumberOfMessagesToMove": "2",
            },
        )
        self.assertEqual(self.counts(dead), (0, 0, 0))
        received = self.receive(source, AttributeNames=["All"])
        self.assertEqual([message["Body"] for message in received], ["a", "b"])
        for message in received:
            self.assertEqual(message["Attributes"]["ApproximateReceiveCount"], "1")
            self.assertNotIn("DeadLetterQueueSourceArn", message["Attributes"])

    def test_to_a_destination(self):
        source, dead = self.dead_letters()
        target = self.new_queue()
        sent = self.send(dead, "a", MessageAttributes={"n": text_attribute("v")})
        self.start(dead, DestinationArn=self.arn(target))
        self.assertEqual(self.ended(dead)["DestinationArn"], self.arn(target))
        moved = self.receive_one(target, MessageAttributeNames=["All"])
        self.assertNotEqual(moved["MessageId"], sent["MessageId"])
        self.assertEqual(moved["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"])
        self.assertEqual(self.receive(source), [])

    def test_in_the_order_of_a_group(self):
        bodies = [f"{number:02}" for number in range(20)]
        source, dead = self.dead_letters(*bodies, FifoQueue="true")
        self.start(dead)
        self.assertEqual(self.ended(dead)["ApproximateNumberOfMessagesMoved"], "20")
        received = []
        while messages := self.receive(source, VisibilityTimeout=30):
            received += [message["Body"] for message in messages]
            for message in messages:
                self.sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
        self.assertEqual(received, bodies)

    def test_at_a_rate_until_they_are_cancelled(self):
        _, dead = self.dead_letters("a", "b", "c", "d")
        target = self.new_queue()
        handle = self.start(
            dead, DestinationArn=self.arn(target), MaxNumberOfMessagesPerSecond="1"
        )
        task = self.tasks(dead)[0]
        self.assertEqual(task["TaskHandle"], handle)
        self.assertEqual(task["Status"], "RUNNING")
        self.assertEqual(task["MaxNumberOfMessagesPerSecond"], "1")
        self.receive_one(target, WaitTimeSeconds=20)
        advance(1)
        self.receive_one(target, WaitTimeSeconds=20)
        ask("CancelMessageMoveTask", TaskHandle=handle)
        self.assertEqual(self.ended(dead)["Status"], "CANCELLED")
        self.assertEqual(self.ended(dead)["ApproximateNumberOfMessagesMoved"], "2")
        self.refused_with(
            400, "InvalidParameterValue", "CancelMessageMoveTask", TaskHandle=handle
        )
        advance(10)
        self.assertEqual(self.counts(dead), (2, 0, 0))

    def test_fail_at_a_message_without_a_source(self):
        _, dead = self.dead_letters()
        self.send(dead)
        self.start(dead)
        task = self.ended(dead)
        self.assertEqual(task["Status"], "FAILED")
        self.assertEqual(task["FailureReason"], "CouldNotDetermineMessageSource")
        self.assertEqual(self.counts(dead), (1, 0, 0))

    def test_that_are_wrong_are_refused(self):
        source, dead = self.dead_letters()
        action = "StartMessageMoveTask"
        bad = (400, "InvalidParameterValue", action)
        self.refused_with(400, "MissingParameter", action)
        self.refused_with(*bad, SourceArn="dead")
        self.refused_with(*bad, SourceArn=self.arn(source))
        self.refused_with(*bad, SourceArn=self.arn(dead), MaxNumberOfMessagesPerSecond="501")
        self.refused_with(*bad, SourceArn=self.arn(dead), DestinationArn=self.arn(dead))
        absent = self.arn(dead) + "-absent"
        self.refused_with(404, "ResourceNotFoundException", action, SourceArn=absent)


if __name__ == "__main__":
    unittest.main()
