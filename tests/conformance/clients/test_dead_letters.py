"""Dead-letter queues through boto3: the policies, the move, and what the moved message keeps."""

import json
import unittest

from support import SqsTest, advance, text_attribute


class DeadLetterTest(SqsTest):
    def pair(self, count=1, **attributes):
        """(source, dead-letter queue); a message is moved after `count` receives."""
        dead = self.new_queue(name=self.new_name("dead"))
        source = self.new_queue(
            {"RedrivePolicy": self.redrive(dead, count), **attributes},
            name=self.new_name("source"),
        )
        return source, dead


class Moves(DeadLetterTest):
    def test_after_as_many_receives_as_allowed(self):
        source, dead = self.pair(count=3)
        sent = self.send(source, "poison", MessageAttributes={"a": text_attribute("v")})
        for expected in ("1", "2", "3"):
            received = self.receive_one(source, VisibilityTimeout=0, AttributeNames=["All"])
            self.assertEqual(received["Attributes"]["ApproximateReceiveCount"], expected)
            self.assertNotIn("DeadLetterQueueSourceArn", received["Attributes"])
        self.assertEqual(self.receive(source), [])
        self.assertEqual(self.counts(source), (0, 0, 0))

        moved = self.receive_one(dead, AttributeNames=["All"], MessageAttributeNames=["All"])
        self.assertEqual(moved["MessageId"], sent["MessageId"])
        self.assertEqual(moved["Body"], "poison")
        self.assertEqual(moved["MessageAttributes"], {"a": text_attribute("v")})
        self.assertEqual(moved["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"])
        found = moved["Attributes"]
        self.assertEqual(found["ApproximateReceiveCount"], "4")
        self.assertEqual(found["DeadLetterQueueSourceArn"], self.arn(source))
        for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
            self.assertEqual(found[name], received["Attributes"][name])

    def test_after_a_timeout_too(self):
        source, dead = self.pair(VisibilityTimeout="5")
        self.send(source)
        self.receive_one(source)
        advance(5.1)
        self.assertEqual(self.receive(source), [])
        self.receive_one(dead)

    def test_only_of_those_that_are_due(self):
        source, dead = self.pair()
        self.send(source, "poison")
        self.receive_one(source, VisibilityTimeout=0)
        self.send(source, "fresh")
        self.assertEqual(self.receive_bodies(source), ["fresh"])
        self.assertEqual(self.receive_bodies(dead), ["poison"])

    def test_of_many_at_once(self):
        source, dead = self.pair()
        for number in range(10):
            self.send(source, str(number))
        self.assertEqual(len(self.receive(source, VisibilityTimeout=0)), 10)
        self.assertEqual(self.receive(source), [])
        self.assertEqual(self.receive_bodies(dead), [str(number) for number in range(10)])

    def test_not_of_deleted_messages(self):
        source, dead = self.pair()
        self.send(source)
        handle = self.receive_one(source, VisibilityTimeout=0)["ReceiptHandle"]
        self.sqs.delete_message(QueueUrl=source, ReceiptHandle=handle)
        self.assertEqual(self.receive(source), [])
        self.assertEqual(self.receive(dead), [])

    def test_a_message_expires_by_its_first_send(self):
        source, dead = self.pair()
        self.set_attributes(dead, MessageRetentionPeriod="60")
        self.send(source)
        advance(50)
        self.receive_one(source, VisibilityTimeout=0)
        self.assertEqual(self.receive(source), [])
        self.assertEqual(self.counts(dead), (1, 0, 0))
        advance(11)
        self.assertEqual(self.receive(dead), [])

    def test_through_a_chain(self):
        source, dead = self.pair()
        last = self.new_queue(name=self.new_name("last"))
        self.set_attributes(dead, RedrivePolicy=self.redrive(last, 2))
        self.send(source)
        self.receive_one(source, VisibilityTimeout=0)
        self.assertEqual(self.receive(source), [])
        # The count that is told goes on; the one that decides is of the receives from this queue.
        for count in ("2", "3"):
            received = self.receive_one(dead, VisibilityTimeout=0, AttributeNames=["All"])
            self.assertEqual(received["Attributes"]["ApproximateReceiveCount"], count)
        self.assertEqual(self.receive(dead), [])
        found = self.receive_one(last, AttributeNames=["All"])["Attributes"]
        self.assertEqual(found["DeadLetterQueueSourceArn"], self.arn(dead))

    def test_stop_without_a_policy(self):
        source, dead = self.pair()
        self.set_attributes(source, RedrivePolicy="")
        self.send(source)
        for _ in range(5):
            self.receive_one(source, VisibilityTimeout=0)
        self.assertEqual(self.receive(dead), [])

    def test_not_to_a_queue_that_is_gone(self):
        source, dead = self.pair()
        self.send(source)
        self.receive_one(source, VisibilityTimeout=0)
        self.sqs.delete_queue(QueueUrl=dead)
        self.receive_one(source)


class RedrivePolicies(DeadLetterTest):
    def test_come_back_with_a_number(self):
        dead = self.new_queue()
        policy = json.dumps({"maxReceiveCount": "7", "deadLetterTargetArn": self.arn(dead)})
        source = self.new_queue({"RedrivePolicy": policy})
        self.assertEqual(
            json.loads(self.attribute(source, "RedrivePolicy")),
            {"deadLetterTargetArn": self.arn(dead), "maxReceiveCount": 7},
        )

    def test_go_with_an_empty_text(self):
        source, _ = self.pair()
        self.set_attributes(source, RedrivePolicy="")
        self.assertNotIn("RedrivePolicy", self.attributes(source))

    def test_count_from_1_to_1000(self):
        dead, source = self.new_queue(), self.new_queue()
        for count in (1, 1000):
            self.set_attributes(source, RedrivePolicy=self.redrive(dead, count))
        for count in (0, 1001, -1, "x", 1.5, None):
            with self.subTest(count=count), self.refused("InvalidParameterValue"):
                self.set_attributes(source, RedrivePolicy=self.redrive(dead, count))

    def test_that_are_wrong_are_refused(self):
        url = self.new_queue()
        arn = self.arn(url)
        for policy in (
            "not json",
            "[]",
            "{}",
            json.dumps({"deadLetterTargetArn": arn}),
            json.dumps({"maxReceiveCount": 1}),
            json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1, "other": 1}),
            json.dumps({"deadLetterTargetArn": "no-arn", "maxReceiveCount": 1}),
            json.dumps({"deadLetterTargetArn": arn.replace("sqs", "sns"), "maxReceiveCount": 1}),
            json.dumps({"deadLetterTargetArn": arn + "-absent", "maxReceiveCount": 1}),
        ):
            with self.subTest(policy=policy):
                with self.refused("InvalidParameterValue", text="RedrivePolicy"):
                    self.set_attributes(url, RedrivePolicy=policy)
                with self.refused("InvalidParameterValue", text="RedrivePolicy"):
                    self.new_queue({"RedrivePolicy": policy})

    def test_may_name_the_queue_itself(self):
        url = self.new_queue()
        self.set_attributes(url, RedrivePolicy=self.redrive(url, 1))


class RedriveAllowPolicies(DeadLetterTest):
    def allow(self, dead, permission, sources=None):
        policy = {"redrivePermission": permission}
        if sources is not None:
            policy["sourceQueueArns"] = sources
        self.set_attributes(dead, RedriveAllowPolicy=json.dumps(policy))

    def test_deny_all(self):
        dead, source = self.new_queue(), self.new_queue()
        self.allow(dead, "denyAll")
        with self.refused("InvalidParameterValue"):
            self.set_attributes(source, RedrivePolicy=self.redrive(dead, 1))
        self.set_attributes(dead, RedriveAllowPolicy="")
        self.set_attributes(source, RedrivePolicy=self.redrive(dead, 1))

    def test_by_queue(self):
        dead, source, other = (self.new_queue() for _ in range(3))
        self.allow(dead, "byQueue", [self.arn(source)])
        self.set_attributes(source, RedrivePolicy=self.redrive(dead, 1))
        with self.refused("InvalidParameterValue"):
            self.set_attributes(other, RedrivePolicy=self.redrive(dead, 1))

    def test_leave_pairs_that_exist(self):
        source, dead = self.pair()
        self.allow(dead, "denyAll")
        self.send(source)
        self.receive_one(source, VisibilityTimeout=0)
        self.assertEqual(self.receive(source), [])
        self.receive_one(dead)

    def test_that_are_wrong_are_refused(self):
        dead = self.new_queue()
        arn = self.arn(dead)
        for permission, sources in (
            ("byQueue", None),
            ("byQueue", []),
            ("byQueue", [arn] * 11),
            ("allowAll", [arn]),
            ("denyAll", [arn]),
            ("perhaps", None),
        ):
            with self.subTest(permission=permission, sources=sources):
                with self.refused("InvalidParameterValue"):
                    self.allow(dead, permission, sources)
        for policy in ("not json", "[]", "{}"):
            with self.subTest(policy=policy), self.refused("InvalidParameterValue"):
                self.set_attributes(dead, RedriveAllowPolicy=policy)

    def test_of_ten_queues(self):
        dead = self.new_queue()
        arn = self.arn(dead)
        self.allow(dead, "byQueue", [f"{arn}-{number}" for number in range(10)])
        self.assertEqual(
            json.loads(self.attribute(dead, "RedriveAllowPolicy"))["redrivePermission"], "byQueue"
        )


class ListDeadLetterSourceQueues(DeadLetterTest):
    def sources(self, dead, **arguments):
        reply = self.sqs.list_dead_letter_source_queues(QueueUrl=dead, **arguments)
        return reply.get("queueUrls", []), reply.get("NextToken")

    def test_none(self):
        self.assertEqual(self.sources(self.new_queue()), ([], None))

    def test_follow_the_policies(self):
        source, dead = self.pair()
        self.assertEqual(self.sources(dead), ([source], None))
        self.set_attributes(source, RedrivePolicy="")
        self.assertEqual(self.sources(dead), ([], None))

    def test_follow_deletion(self):
        source, dead = self.pair()
        self.sqs.delete_queue(QueueUrl=source)
        self.assertEqual(self.sources(dead), ([], None))

    def test_come_in_pages(self):
        dead = self.new_queue()
        made = sorted(
            self.new_queue({"RedrivePolicy": self.redrive(dead, 1)}) for _ in range(5)
        )
        found, token = self.sources(dead, MaxResults=2)
        pages = [found]
        while token:
            found, token = self.sources(dead, MaxResults=2, NextToken=token)
            pages.append(found)
        self.assertEqual([len(page) for page in pages], [2, 2, 1])
        self.assertEqual(sorted(url for page in pages for url in page), made)

    def test_page_sizes_have_a_range(self):
        dead = self.new_queue()
        for count in (0, 1001):
            with self.subTest(count=count), self.refused("InvalidParameterValue"):
                self.sources(dead, MaxResults=count)


if __name__ == "__main__":
    unittest.main()
