"""ReceiveMessage, DeleteMessage and ChangeMessageVisibility through boto3."""

import concurrent.futures
import unittest

from support import GARBAGE_HANDLE, SqsTest, advance, md5_of_attributes, text_attribute


class Receive(SqsTest):
    def test_of_an_empty_queue_gives_nothing(self):
        self.assertNotIn("Messages", self.sqs.receive_message(QueueUrl=self.new_queue()))

    def test_gives_one_unless_told_otherwise(self):
        url = self.new_queue()
        for _ in range(3):
            self.send(url)
        self.assertEqual(len(self.sqs.receive_message(QueueUrl=url)["Messages"]), 1)

    def test_gives_up_to_ten_each_once(self):
        url = self.new_queue()
        bodies = sorted(f"message {number}" for number in range(12))
        for body in bodies:
            self.send(url, body)
        first = self.receive_bodies(url)
        self.assertEqual(len(first), 10)
        self.assertEqual(sorted(first + self.receive_bodies(url)), bodies)
        self.assertEqual(self.receive(url), [])

    def test_arguments_at_and_past_their_limits(self):
        url = self.new_queue()
        limits = {
            "MaxNumberOfMessages": (1, 10),
            "VisibilityTimeout": (0, 43200),
            "WaitTimeSeconds": (0, 20),
        }
        for name, (least, most) in limits.items():
            for value in (least - 1, most + 1):
                with self.subTest(name=name, value=value):
                    with self.refused("InvalidParameterValue", text=name):
                        self.sqs.receive_message(QueueUrl=url, **{name: value})
            for value in (least, most):
                with self.subTest(name=name, value=value):
                    self.send(url)
                    self.sqs.receive_message(QueueUrl=url, **{name: value})

    def test_hides_what_it_gives_for_the_queues_timeout(self):
        url = self.new_queue({"VisibilityTimeout": "20"})
        self.send(url)
        first = self.receive_one(url)
        advance(19)
        self.assertEqual(self.receive(url), [])
        advance(1.1)
        second = self.receive_one(url)
        self.assertEqual(second["MessageId"], first["MessageId"])
        self.assertNotEqual(second["ReceiptHandle"], first["ReceiptHandle"])

    def test_or_for_its_own(self):
        url = self.new_queue()
        self.send(url)
        self.receive_one(url, VisibilityTimeout=100)
        advance(99)
        self.assertEqual(self.receive(url), [])
        advance(1.1)
        self.receive_one(url, VisibilityTimeout=0)
        self.receive_one(url)

    def test_of_twelve_hours(self):
        url = self.new_queue()
        self.send(url)
        self.receive_one(url, VisibilityTimeout=43200)
        advance(43199)
        self.assertEqual(self.receive(url), [])
        advance(1.1)
        self.receive_one(url)

    def test_messages_expire_visible_delayed_and_in_flight(self):
        url = self.new_queue({"MessageRetentionPeriod": "60"})
        self.send(url, "in flight")
        handle = self.receive_one(url, VisibilityTimeout=70)["ReceiptHandle"]
        self.send(url, "visible")
        self.send(url, "delayed", DelaySeconds=100)
        advance(59)
        self.assertEqual(self.counts(url), (1, 1, 1))
        advance(1.1)
        self.assertEqual(self.receive(url), [])
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
        advance(60)
        self.assertEqual(self.receive(url), [])
        self.assertEqual(self.counts(url), (0, 0, 0))

    def test_a_changed_retention_holds_for_messages_that_are_there(self):
        url = self.new_queue()
        self.send(url)
        advance(100)
        self.set_attributes(url, MessageRetentionPeriod="60")
        self.assertEqual(self.receive(url), [])


class Waiting(SqsTest):
    def test_ends_at_once_when_there_is_a_message(self):
        url = self.new_queue()
        self.send(url)
        self.receive_one(url, WaitTimeSeconds=20)

    def test_ends_when_a_message_is_sent(self):
        url = self.new_queue()
        received = self.during(
            lambda: self.receive(url, WaitTimeSeconds=20), lambda: self.send(url, "wake up")
        )
        self.assertEqual([message["Body"] for message in received], ["wake up"])

    def test_ends_when_a_delay_is_over(self):
        url = self.new_queue()
        self.send(url, DelaySeconds=5)
        self.assertEqual(len(self.wait_for(lambda: self.receive(url, WaitTimeSeconds=20))), 1)

    def test_ends_when_a_message_is_visible_again(self):
        url = self.new_queue()
        self.send(url)
        self.receive_one(url, VisibilityTimeout=5)
        self.assertEqual(len(self.wait_for(lambda: self.receive(url, WaitTimeSeconds=20))), 1)

    def test_ends_when_a_message_is_given_back(self):
        url = self.new_queue()
        self.send(url)
        handle = self.receive_one(url)["ReceiptHandle"]
        received = self.during(
            lambda: self.receive(url, WaitTimeSeconds=20),
            lambda: self.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0
            ),
        )
        self.assertEqual(len(received), 1)

    def test_ends_with_nothing_when_its_time_is_over(self):
        url = self.new_queue()
        self.assertEqual(self.wait_for(lambda: self.receive(url, WaitTimeSeconds=20)), [])

    def test_as_long_as_the_queue_says(self):
        url = self.new_queue({"ReceiveMessageWaitTimeSeconds": "20"})
        self.send(url, DelaySeconds=5)
        self.assertEqual(self.receive(url, WaitTimeSeconds=0), [])
        self.assertEqual(len(self.wait_for(lambda: self.receive(url))), 1)

    def during(self, wait, event):
        """The result of wait() while event() happens; whichever of the two the server sees first,
        the outcome must be the same."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            result, done = pool.submit(wait), pool.submit(event)
            done.result()
            return result.result()


class SystemAttributes(SqsTest):
    def test_none_unless_asked_for(self):
        url = self.new_queue()
        self.send(url)
        self.assertNotIn("Attributes", self.receive_one(url))

    def test_all(self):
        url = self.new_queue()
        self.send(url)
        found = self.receive_one(url, AttributeNames=["All"])["Attributes"]
        self.assertEqual(
            set(found),
            {
                "ApproximateFirstReceiveTimestamp",
                "ApproximateReceiveCount",
                "SenderId",
                "SentTimestamp",
            },
        )
        self.assertTrue(found["SenderId"])
        self.assertRegex(found["SentTimestamp"], r"^\d{13}$")

    def test_only_those_asked_for(self):
        url = self.new_queue()
        self.send(url)
        received = self.receive_one(url, AttributeNames=["SentTimestamp", "SenderId"])
        self.assertEqual(set(received["Attributes"]), {"SentTimestamp", "SenderId"})

    def test_count_and_times_of_receives(self):
        url = self.new_queue({"VisibilityTimeout": "10"})
        self.send(url)
        advance(3)
        first = self.receive_one(url, AttributeNames=["All"])["Attributes"]
        advance(11)
        second = self.receive_one(url, AttributeNames=["All"])["Attributes"]
        self.assertEqual(first["ApproximateReceiveCount"], "1")
        self.assertEqual(second["ApproximateReceiveCount"], "2")
        for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
            self.assertEqual(second[name], first[name])
        waited = int(first["ApproximateFirstReceiveTimestamp"]) - int(first["SentTimestamp"])
        self.assertGreaterEqual(waited, 3000)


class MessageAttributes(SqsTest):
    ATTRIBUTES = {
        "General": text_attribute("Kenobi"),
        "Hello": text_attribute("There"),
        "Help.Me": text_attribute("Me"),
    }

    def names_for(self, *selectors):
        """Which attributes these selectors give; checks their digest."""
        arguments = {"MessageAttributeNames": list(selectors)} if selectors else {}
        received = self.receive_one(self.url, VisibilityTimeout=0, **arguments)
        found = received.get("MessageAttributes", {})
        digest = md5_of_attributes(found) if found else None
        self.assertEqual(received.get("MD5OfMessageAttributes"), digest)
        return set(found)

    def test_selectors(self):
        self.url = self.new_queue()
        self.send(self.url, MessageAttributes=self.ATTRIBUTES)
        everything = set(self.ATTRIBUTES)
        for selectors, expected in (
            ((), set()),
            (("All",), everything),
            ((".*",), everything),
            (("*",), everything),
            (("Hello",), {"Hello"}),
            (("Hello", "General", "Absent"), {"Hello", "General"}),
            (("hello",), set()),
            (("Hel.*",), {"Hello", "Help.Me"}),
            (("Help.*",), {"Help.Me"}),
            (("AWS.", "..foo"), set()),
        ):
            with self.subTest(selectors=selectors):
                self.assertEqual(self.names_for(*selectors), expected)


class DeleteMessage(SqsTest):
    def delete(self, url, handle):
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)

    def test_ends_a_message(self):
        url = self.new_queue()
        self.send(url)
        self.delete(url, self.receive_one(url)["ReceiptHandle"])
        self.assertEqual(self.counts(url), (0, 0, 0))
        advance(31)
        self.assertEqual(self.receive(url), [])

    def test_again_is_accepted(self):
        url = self.new_queue()
        self.send(url)
        handle = self.receive_one(url)["ReceiptHandle"]
        self.delete(url, handle)
        self.delete(url, handle)

    def test_after_the_timeout_ends_the_message_too(self):
        url = self.new_queue()
        self.send(url)
        handle = self.receive_one(url)["ReceiptHandle"]
        advance(31)
        self.delete(url, handle)
        self.assertEqual(self.receive(url), [])

    def test_with_an_older_handle_leaves_a_newer_receive_alone(self):
        url = self.new_queue()
        self.send(url)
        older = self.receive_one(url, VisibilityTimeout=0)["ReceiptHandle"]
        newer = self.receive_one(url)["ReceiptHandle"]
        self.delete(url, older)
        self.assertEqual(self.counts(url), (0, 1, 0))
        self.delete(url, newer)
        self.assertEqual(self.counts(url), (0, 0, 0))

    def test_with_what_is_no_handle_is_refused(self):
        url = self.new_queue()
        with self.refused("ReceiptHandleIsInvalid", status=404, text=GARBAGE_HANDLE):
            self.delete(url, GARBAGE_HANDLE)
        with self.refused("MissingParameter", text="ReceiptHandle"):
            self.delete(url, "")
        with self.refused("MissingParameter", text="ReceiptHandle"):
            self.sqs.delete_message(QueueUrl=url)

    def test_with_a_handle_of_another_queue_is_refused(self):
        url, other = self.new_queue(), self.new_queue()
        self.send(url)
        handle = self.receive_one(url)["ReceiptHandle"]
        with self.refused("ReceiptHandleIsInvalid", status=404):
            self.delete(other, handle)
        self.assertEqual(self.counts(url), (0, 1, 0))

    def test_with_a_changed_handle_is_refused(self):
        url = self.new_queue()
        self.send(url)
        handle = self.receive_one(url)["ReceiptHandle"]
        middle = len(handle) // 2
        changed = handle[:middle] + ("A" if handle[middle] != "A" else "B") + handle[middle + 1 :]
        with self.refused("ReceiptHandleIsInvalid", status=404):
            self.delete(url, changed)
        self.assertEqual(self.counts(url), (0, 1, 0))


class ChangeMessageVisibility(SqsTest):
    def change(self, url, handle, seconds):
        self.sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds
        )

    def in_flight(self):
        """(queue, handle) of a message just received."""
        url = self.new_queue()
        self.send(url)
        return url, self.receive_one(url)["ReceiptHandle"]

    def test_to_longer_counts_from_now(self):
        url, handle = self.in_flight()
        advance(20)
        self.change(url, handle, 30)
        advance(29)
        self.assertEqual(self.receive(url), [])
        advance(1.1)
        self.receive_one(url)

    def test_to_shorter(self):
        url, handle = self.in_flight()
        self.change(url, handle, 5)
        advance(5.1)
        self.receive_one(url)

    def test_to_nothing_gives_the_message_back(self):
        url, handle = self.in_flight()
        self.change(url, handle, 0)
        self.assertEqual(self.counts(url), (1, 0, 0))
        self.receive_one(url)

    def test_leaves_the_queues_timeout_and_later_receives(self):
        url, handle = self.in_flight()
        self.change(url, handle, 100)
        self.assertEqual(self.attribute(url, "VisibilityTimeout"), "30")
        advance(101)
        self.receive_one(url)
        advance(31)
        self.receive_one(url)

    def test_after_the_timeout_hides_the_message_again(self):
        url, handle = self.in_flight()
        self.change(url, handle, 0)
        self.change(url, handle, 30)
        self.assertEqual(self.counts(url), (0, 1, 0))
        self.assertEqual(self.receive(url), [])

    def test_has_a_range(self):
        url, handle = self.in_flight()
        for seconds in (-1, 43201):
            with self.subTest(seconds=seconds):
                with self.refused("InvalidParameterValue", text="VisibilityTimeout"):
                    self.change(url, handle, seconds)

    def test_ends_twelve_hours_after_the_receive(self):
        url, handle = self.in_flight()
        advance(10)
        with self.refused("InvalidParameterValue", text="beyond the limit"):
            self.change(url, handle, 43200)
        self.change(url, handle, 43180)

    def test_of_a_deleted_message_is_refused(self):
        url, handle = self.in_flight()
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
        with self.refused("InvalidParameterValue", text="does not exist"):
            self.change(url, handle, 5)

    def test_with_what_is_no_handle_is_refused(self):
        url = self.new_queue()
        with self.refused("ReceiptHandleIsInvalid", status=404):
            self.change(url, GARBAGE_HANDLE, 5)
        with self.refused("MissingParameter", text="ReceiptHandle"):
            self.sqs.change_message_visibility(QueueUrl=url, VisibilityTimeout=5)

    def test_without_a_timeout_is_refused(self):
        url, handle = self.in_flight()
        with self.refused("MissingParameter", text="VisibilityTimeout"):
            self.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle)


if __name__ == "__main__":
    unittest.main()
