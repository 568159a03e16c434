"""FIFO queues through boto3: what they are set to, what they refuse, their order, the locks of
their message groups, deduplication, receive attempts, handles and dead letters.

A message whose group is not named belongs to the group that its body's first letter names.
"""

import concurrent.futures
import threading
import unittest

import millrace_server
from support import GARBAGE_HANDLE, SqsTest, advance, make_client, md5, text_attribute

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
NOT_OF_THIS_TYPE = "parameter that is not valid for this queue type"
EXPIRED = "The receipt handle has expired."
NOT_AVAILABLE = "Message does not exist or is not available for visibility timeout change."
WINDOW_SECONDS = 300  # of deduplication, and of receive attempts


class FifoTest(SqsTest):
    def new_fifo(self, name=None, **attributes):
        return self.new_queue({"FifoQueue": "true", **attributes}, name=name or self.fifo_name())

    def new_fifo_by_content(self, **attributes):
        return self.new_fifo(ContentBasedDeduplication="true", **attributes)

    def fifo_name(self, hint="q"):
        return self.new_name(hint) + ".fifo"

    def put(self, url, body, **arguments):
        arguments.setdefault("MessageGroupId", body[0])
        return self.send(url, body, **arguments)

    def put_all(self, url, *bodies):
        for body in bodies:
            self.put(url, body)

    def bodies(self, url, count=10, **arguments):
        """The bodies that a receive gives, in its order."""
        return [message["Body"] for message in self.receive(url, count, **arguments)]

    def handles(self, url, *expected, **arguments):
        """Receives exactly these bodies, in this order; gives their handles."""
        messages = self.receive(url, **arguments)
        self.assertEqual([message["Body"] for message in messages], list(expected))
        return [message["ReceiptHandle"] for message in messages]

    def delete(self, url, *handles):
        for handle in handles:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)

    def hide(self, url, handle, seconds):
        self.sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds
        )


class Attributes(FifoTest):
    DEFAULTS = {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "false",
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    }

    def test_four_more_than_of_a_standard_queue(self):
        found = self.attributes(self.new_fifo())
        standard = self.attributes(self.new_queue())
        self.assertEqual(set(found) - set(standard), set(self.DEFAULTS))
        self.assertEqual({name: found[name] for name in self.DEFAULTS}, self.DEFAULTS)
        self.assertEqual(set(standard) - set(found), set())

    def test_the_name_and_the_attribute_belong_together(self):
        with self.refused("InvalidParameterValue", text="Can only include alphanumeric"):
            self.new_queue(name=self.fifo_name())
        with self.refused("InvalidParameterValue", text="must end with .fifo suffix"):
            self.new_queue({"FifoQueue": "true"})
        self.new_fifo("n" * 75 + ".fifo")
        for name in ("n" * 76 + ".fifo", ".fifo", "a b.fifo"):
            with self.subTest(name=name), self.refused("InvalidParameterValue"):
                self.new_fifo(name)

    def test_made_again_with_other_values_is_refused(self):
        name = self.fifo_name()
        url = self.new_fifo(name)
        self.assertEqual(self.new_fifo(name, DeduplicationScope="queue"), url)
        with self.refused("QueueAlreadyExists", text="ContentBasedDeduplication"):
            self.new_fifo(name, ContentBasedDeduplication="true")

    def test_change_but_for_the_kind_of_the_queue(self):
        url = self.new_fifo()
        self.set_attributes(url, ContentBasedDeduplication="True", FifoQueue="true")
        self.assertEqual(self.attribute(url, "ContentBasedDeduplication"), "true")
        with self.refused("InvalidAttributeValue", text="Modifying queue type is not supported"):
            self.set_attributes(url, FifoQueue="false")
        for name, value in (
            ("ContentBasedDeduplication", "yes"),
            ("DeduplicationScope", "group"),
            ("FifoThroughputLimit", "unlimited"),
        ):
            with self.subTest(name=name), self.refused("InvalidAttributeValue", text=name):
                self.set_attributes(url, **{name: value})

    def test_high_throughput_needs_both_settings(self):
        limit = {"FifoThroughputLimit": "perMessageGroupId"}
        with self.refused("InvalidAttributeValue"):
            self.new_fifo(**limit)
        url = self.new_fifo()
        with self.refused("InvalidAttributeValue"):
            self.set_attributes(url, **limit)
        self.set_attributes(url, DeduplicationScope="messageGroup", **limit)
        with self.refused("InvalidAttributeValue"):
            self.set_attributes(url, DeduplicationScope="queue")

    def test_dead_letters_stay_in_queues_of_one_kind(self):
        fifo, standard = self.new_fifo(), self.new_queue()
        for source, dead in ((fifo, standard), (standard, fifo)):
            with self.refused("InvalidParameterValue", text="same type of queue"):
                self.set_attributes(source, RedrivePolicy=self.redrive(dead, 1))


class Sends(FifoTest):
    def test_tell_rising_sequence_numbers(self):
        url = self.new_fifo_by_content()
        sent = [self.put(url, body) for body in ("a1", "b1", "a2")]
        numbers = [reply["SequenceNumber"] for reply in sent]
        for number in numbers:
            self.assertRegex(number, r"^\d{20}$")
        self.assertEqual(numbers, sorted(set(numbers)))
        for message in self.receive(url, AttributeNames=["All"]):
            reply = next(one for one in sent if one["MessageId"] == message["MessageId"])
            self.assertEqual(message["Attributes"]["SequenceNumber"], reply["SequenceNumber"])

    def test_arrive_with_their_ids(self):
        url = self.new_fifo()
        self.put(url, "b", MessageGroupId=PUNCTUATION, MessageDeduplicationId="d" * 128)
        found = self.receive_one(url, AttributeNames=["All"])["Attributes"]
        self.assertEqual(found["MessageGroupId"], PUNCTUATION)
        self.assertEqual(found["MessageDeduplicationId"], "d" * 128)

    def test_make_their_deduplication_id_from_the_body(self):
        url = self.new_fifo_by_content()
        self.put(url, "same")
        found = self.receive_one(url, AttributeNames=["MessageDeduplicationId"])["Attributes"]
        self.assertEqual(
            found["MessageDeduplicationId"],
            "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5",
        )

    def test_need_a_group_and_a_deduplication_id(self):
        url = self.new_fifo()
        for arguments in ({}, {"MessageDeduplicationId": "d"}):
            with self.subTest(arguments=arguments):
                with self.refused("MissingParameter", text="MessageGroupId"):
                    self.send(url, **arguments)
        with self.refused("InvalidParameterValue", text="ContentBasedDeduplication enabled or"):
            self.send(url, MessageGroupId="g")
        with self.refused("MissingParameter", text="MessageGroupId"):
            self.send(self.new_fifo_by_content())

    def test_need_ids_of_the_right_form(self):
        url = self.new_fifo()
        for name in ("MessageGroupId", "MessageDeduplicationId"):
            for value in ("", "a b", "é", "x" * 129):
                with self.subTest(name=name, value=value):
                    arguments = {"MessageGroupId": "g", "MessageDeduplicationId": "d", name: value}
                    with self.refused("InvalidParameterValue", text=name):
                        self.send(url, **arguments)

    def test_have_no_delay_of_their_own(self):
        url = self.new_fifo_by_content()
        with self.refused("InvalidParameterValue", text=NOT_OF_THIS_TYPE):
            self.put(url, "later", DelaySeconds=2)
        self.put(url, "now", DelaySeconds=0)
        self.assertEqual(self.bodies(url), ["now"])


class Batches(FifoTest):
    def send_batch(self, url, *entries):
        """Sends entries of (body, arguments); their ids are their places."""
        return self.sqs.send_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(number), "MessageBody": body, **arguments}
                for number, (body, arguments) in enumerate(entries)
            ],
        )

    def ids(self, group, deduplication_id):
        return {"MessageGroupId": group, "MessageDeduplicationId": deduplication_id}

    def test_keep_the_order_of_their_entries(self):
        url = self.new_fifo()
        entries = [(str(number), self.ids("g", str(number))) for number in range(10)]
        sent = self.send_batch(url, *entries)["Successful"]
        self.assertEqual([entry["Id"] for entry in sent], [body for body, _ in entries])
        numbers = [entry["SequenceNumber"] for entry in sent]
        self.assertEqual(numbers, sorted(numbers))
        self.assertEqual(self.bodies(url), [body for body, _ in entries])

    def test_fail_as_a_whole_without_an_id(self):
        url = self.new_fifo()
        good = ("good", self.ids("g", "d"))
        with self.refused("InvalidParameterValue", text="MessageGroupId"):
            self.send_batch(url, good, ("bad", {"MessageDeduplicationId": "e"}))
        with self.refused("InvalidParameterValue", text="ContentBasedDeduplication enabled or"):
            self.send_batch(url, good, ("bad", {"MessageGroupId": "g"}))
        self.assertEqual(self.counts(url), (0, 0, 0))

    def test_fail_entry_by_entry_for_the_rest(self):
        url = self.new_fifo()
        sent = self.send_batch(
            url,
            ("good", self.ids("g", "1")),
            ("delayed", {**self.ids("g", "2"), "DelaySeconds": 1}),
            ("group", self.ids("a b", "3")),
            ("id", self.ids("g", "x" * 129)),
        )
        self.assertEqual([entry["Id"] for entry in sent["Successful"]], ["0"])
        self.assertEqual(
            [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in sent["Failed"]],
            [(number, "InvalidParameterValue", True) for number in "123"],
        )

    def test_drop_repeats_within_themselves(self):
        url = self.new_fifo()
        first, second, again = self.send_batch(
            url, ("a", self.ids("g", "1")), ("b", self.ids("g", "2")), ("c", self.ids("g", "1"))
        )["Successful"]
        for name in ("MessageId", "SequenceNumber"):
            self.assertEqual(again[name], first[name])
            self.assertNotEqual(second[name], first[name])
        self.assertEqual(again["MD5OfMessageBody"], md5("c"))
        self.assertEqual(self.bodies(url), ["a", "b"])


class Order(FifoTest):
    def test_of_a_group_is_that_of_its_sends(self):
        url = self.new_fifo_by_content()
        sent = [f"a{number}" for number in range(25)]
        self.put_all(url, *sent)
        received = []
        while len(received) < len(sent):
            messages = self.receive(url)
            received += [message["Body"] for message in messages]
            self.delete(url, *(message["ReceiptHandle"] for message in messages))
        self.assertEqual(received, sent)

    def test_takes_what_one_group_has_before_the_next(self):
        url = self.new_fifo_by_content()
        self.put_all(url, "a1", "b1", "a2", "a3")
        self.assertEqual(self.bodies(url), ["a1", "a2", "a3", "b1"])

    def test_stays_when_messages_come_back(self):
        url = self.new_fifo_by_content()
        self.put_all(url, "a1", "a2", "a3")
        self.handles(url, "a1", "a2", "a3")
        advance(30)
        (first,) = self.handles(url, "a1", count=1)
        self.assertEqual(self.bodies(url), [])
        self.delete(url, first)
        self.assertEqual(self.bodies(url), ["a2", "a3"])

    def test_holds_for_many_consumers_at_once(self):
        url = self.new_fifo_by_content()
        groups = "abcde"
        for number in range(20):
            self.put_all(url, *(f"{group}{number}" for group in groups))
        received, lock = [], threading.Lock()

        def consume():
            sqs = make_client()
            while len(received) < 20 * len(groups):
                reply = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=3)
                for message in reply.get("Messages", []):
                    with lock:
                        received.append(message["Body"])
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for consumer in [pool.submit(consume) for _ in range(4)]:
                consumer.result()
        for group in groups:
            self.assertEqual(
                [body for body in received if body[0] == group],
                [f"{group}{number}" for number in range(20)],
            )


class Locks(FifoTest):
    def test_hold_what_is_sent_later(self):
        url = self.new_fifo_by_content()
        self.put(url, "a1")
        (handle,) = self.handles(url, "a1")
        self.put(url, "a2")
        self.assertEqual(self.bodies(url), [])
        self.put(url, "b1")
        self.handles(url, "b1")
        self.delete(url, handle)
        self.assertEqual(self.bodies(url), ["a2"])

    def test_hold_until_the_last_of_a_receive_is_deleted(self):
        url = self.new_fifo_by_content()
        self.put_all(url, "a1", "a2", "a3", "a4")
        handles = self.handles(url, "a1", "a2", "a3", count=3)
        for handle in handles:
            self.assertEqual(self.bodies(url), [])
            self.delete(url, handle)
        self.assertEqual(self.bodies(url), ["a4"])

    def test_hold_from_an_extended_message_on(self):
        for extended, expected in enumerate(([], ["a1"], ["a1", "a2"])):
            with self.subTest(extended=extended):
                url = self.new_fifo_by_content()
                self.put_all(url, "a1", "a2", "a3")
                handles = self.handles(url, "a1", "a2", "a3")
                self.hide(url, handles[extended], 100)
                advance(30)
                self.assertEqual(self.bodies(url, VisibilityTimeout=0), expected)
                advance(70)
                self.assertEqual(self.bodies(url), ["a1", "a2", "a3"])

    def test_let_the_first_through_that_was_given_back(self):
        for seconds in (0, 5):
            with self.subTest(seconds=seconds):
                url = self.new_fifo_by_content()
                self.put_all(url, "a1", "a2")
                first, _ = self.handles(url, "a1", "a2")
                self.put(url, "b1")
                self.hide(url, first, seconds)
                advance(seconds)
                self.assertEqual(sorted(self.bodies(url)), ["a1", "b1"])
                self.assertEqual(self.bodies(url), [])

    def test_hold_the_second_that_was_given_back(self):
        url = self.new_fifo_by_content()
        self.put_all(url, "a1", "a2")
        first, second = self.handles(url, "a1", "a2")
        self.hide(url, second, 0)
        self.assertEqual(self.bodies(url), [])
        self.delete(url, first)
        self.assertEqual(self.bodies(url), ["a2"])

    def test_are_not_taken_by_a_receive_that_hides_nothing(self):
        url = self.new_fifo_by_content()
        self.put_all(url, "a1", "a2")
        for _ in range(2):
            self.assertEqual(self.bodies(url, 1, VisibilityTimeout=0), ["a1"])
        self.assertEqual(self.bodies(url, VisibilityTimeout=0), ["a1", "a2"])

    def test_end_a_wait_when_they_open(self):
        url = self.new_fifo_by_content()
        self.put_all(url, "a1", "a2")
        (first,) = self.handles(url, "a1", count=1)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.bodies, url, WaitTimeSeconds=20)
            self.delete(url, first)
            self.assertEqual(waiting.result(), ["a2"])

    def test_end_a_wait_with_their_time(self):
        url = self.new_fifo_by_content()
        self.put_all(url, "a1", "a2")
        self.handles(url, "a1", count=1, VisibilityTimeout=5)
        waited = self.wait_for(lambda: self.bodies(url, WaitTimeSeconds=20))
        self.assertEqual(waited, ["a1", "a2"])


class Handles(FifoTest):
    def in_flight(self):
        """(queue, handle) of a message just received."""
        url = self.new_fifo_by_content()
        self.put(url, "a1")
        return url, self.handles(url, "a1")[0]

    def test_expire_with_their_receive(self):
        url, handle = self.in_flight()
        advance(30)
        with self.refused("InvalidParameterValue", text=f"Value {handle} for parameter Rec"):
            self.delete(url, handle)
        with self.refused("InvalidParameterValue", text=EXPIRED):
            self.delete(url, handle)
        with self.refused("InvalidParameterValue", text=NOT_AVAILABLE):
            self.hide(url, handle, 10)
        self.assertEqual(self.counts(url), (1, 0, 0))

    def test_last_as_long_as_they_are_extended(self):
        url, handle = self.in_flight()
        advance(29)
        self.hide(url, handle, 30)
        advance(29)
        self.delete(url, handle)
        self.assertEqual(self.counts(url), (0, 0, 0))

    def test_do_not_take_a_message_from_a_later_receive(self):
        url, older = self.in_flight()
        advance(30)
        (newer,) = self.handles(url, "a1")
        with self.refused("InvalidParameterValue", text=EXPIRED):
            self.delete(url, older)
        with self.refused("InvalidParameterValue", text=NOT_AVAILABLE):
            self.hide(url, older, 0)
        self.assertEqual(self.counts(url), (0, 1, 0))
        self.delete(url, newer)

    def test_of_what_is_deleted_are_accepted(self):
        url, handle = self.in_flight()
        self.delete(url, handle, handle)
        advance(30)
        self.delete(url, handle)
        with self.refused("InvalidParameterValue", text=NOT_AVAILABLE):
            self.hide(url, handle, 10)

    def test_fail_alone_in_a_batch(self):
        url, expired = self.in_flight()
        advance(30)
        (good,) = self.handles(url, "a1")
        deleted = self.sqs.delete_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": name, "ReceiptHandle": handle}
                for name, handle in (
                    ("garbage", GARBAGE_HANDLE), ("expired", expired), ("good", good)
                )
            ],
        )
        self.assertEqual(deleted["Successful"], [{"Id": "good"}])
        self.assertEqual(
            [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in deleted["Failed"]],
            [
                ("garbage", "ReceiptHandleIsInvalid", True),
                ("expired", "InvalidParameterValue", True),
            ],
        )
        self.assertIn(EXPIRED, deleted["Failed"][1]["Message"])


class Deduplication(FifoTest):
    def repeat(self, url, first, body, **arguments):
        """Sends what must be taken for a repeat of the one that was answered `first`."""
        again = self.put(url, body, **arguments)
        for name in ("MessageId", "SequenceNumber"):
            self.assertEqual(again[name], first[name])
        self.assertEqual(again["MD5OfMessageBody"], md5(body))

    def test_by_id_in_the_whole_queue(self):
        url = self.new_fifo()
        first = self.put(url, "a1", MessageDeduplicationId="1")
        self.repeat(url, first, "a2", MessageDeduplicationId="1")
        self.repeat(url, first, "b1", MessageDeduplicationId="1")
        self.assertEqual(self.bodies(url), ["a1"])

    def test_by_id_in_a_group(self):
        url = self.new_fifo(DeduplicationScope="messageGroup")
        first = self.put(url, "a1", MessageDeduplicationId="1")
        self.put(url, "b1", MessageDeduplicationId="1")
        self.repeat(url, first, "a2", MessageDeduplicationId="1")
        self.assertEqual(sorted(self.bodies(url)), ["a1", "b1"])

    def test_by_content(self):
        url = self.new_fifo_by_content()
        first = self.put(url, "same")
        self.repeat(url, first, "same")
        self.repeat(url, first, "same", MessageAttributes={"a": text_attribute("v")})
        self.repeat(url, first, "same", MessageGroupId="another")
        self.put(url, "same", MessageDeduplicationId="own")
        self.assertEqual(self.bodies(url), ["same", "same"])

    def test_by_an_id_that_is_the_hash_of_another_body(self):
        url = self.new_fifo_by_content()
        first = self.put(url, "same")
        found = self.receive_one(url, AttributeNames=["All"])["Attributes"]
        made = found["MessageDeduplicationId"]
        self.repeat(url, first, "another", MessageDeduplicationId=made)

    def test_outlasts_receive_and_delete(self):
        url = self.new_fifo_by_content()
        first = self.put(url, "a1")
        self.delete(url, *self.handles(url, "a1"))
        self.repeat(url, first, "a1")
        self.assertEqual(self.bodies(url), [])

    def test_lasts_five_minutes_from_the_first_send(self):
        url = self.new_fifo_by_content()
        first = self.put(url, "a1")
        self.delete(url, *self.handles(url, "a1"))
        for _ in range(2):
            advance(WINDOW_SECONDS / 2 - 1)
            self.repeat(url, first, "a1")
        advance(3)
        second = self.put(url, "a1")
        self.assertNotEqual(second["MessageId"], first["MessageId"])
        self.assertGreater(second["SequenceNumber"], first["SequenceNumber"])
        self.assertEqual(self.bodies(url), ["a1"])

    def test_is_forgotten_by_a_purge(self):
        url = self.new_fifo_by_content()
        self.put(url, "a1")
        self.handles(url, "a1")
        self.sqs.purge_queue(QueueUrl=url)
        self.put(url, "a1")
        self.assertEqual(self.bodies(url), ["a1"])


class Attempts(FifoTest):
    def attempt(self, url, name="attempt", **arguments):
        """(body, handle) of each message that the attempt gives."""
        messages = self.receive(url, ReceiveRequestAttemptId=name, **arguments)
        return [(message["Body"], message["ReceiptHandle"]) for message in messages]

    def test_give_the_same_messages_again(self):
        url = self.new_fifo_by_content()
        self.put_all(url, "a1", "a2", "b1")
        first = self.attempt(url, count=2)
        self.assertEqual([body for body, _ in first], ["a1", "a2"])
        self.assertEqual(self.attempt(url, count=2), first)
        self.assertEqual([body for body, _ in self.attempt(url, "another")], ["b1"])

    def test_count_the_visibility_timeout_anew(self):
        url = self.new_fifo_by_content()
        self.put(url, "a1")
        first = self.attempt(url)
        advance(20)
        self.assertEqual(self.attempt(url), first)
        advance(29)
        self.assertEqual(self.bodies(url), [])
        self.delete(url, first[0][1])

    def test_that_gave_nothing_are_fresh(self):
        url = self.new_fifo_by_content()
        self.assertEqual(self.attempt(url), [])
        self.put(url, "a1")
        self.assertEqual([body for body, _ in self.attempt(url)], ["a1"])

    def test_are_refused_when_a_message_is_gone_or_was_changed(self):
        for name in ("deleted", "extended"):
            with self.subTest(name=name):
                url = self.new_fifo_by_content()
                self.put_all(url, "a1", "a2")
                (_, handle), _ = self.attempt(url)
                if name == "deleted":
                    self.delete(url, handle)
                else:
                    self.hide(url, handle, 100)
                with self.refused("InvalidParameterValue"):
                    self.attempt(url)

    def test_are_fresh_when_all_messages_were_given_back(self):
        url = self.new_fifo_by_content()
        self.put_all(url, "a1", "a2")
        first = self.attempt(url)
        for _, handle in reversed(first):
            self.hide(url, handle, 0)
        second = self.attempt(url)
        self.assertEqual([body for body, _ in second], ["a1", "a2"])
        self.assertFalse({handle for _, handle in first} & {handle for _, handle in second})

    def test_are_forgotten_after_five_minutes(self):
        url = self.new_fifo_by_content()
        self.put(url, "a1")
        self.attempt(url, VisibilityTimeout=2 * WINDOW_SECONDS)
        advance(WINDOW_SECONDS + 1)
        self.assertEqual(self.attempt(url), [])

    def test_have_ids_of_the_right_form(self):
        url = self.new_fifo()
        self.attempt(url, PUNCTUATION)
        for name in ("", "a b", "é", "x" * 129):
            with self.subTest(name=name):
                with self.refused("InvalidParameterValue", text="ReceiveRequestAttemptId"):
                    self.attempt(url, name)
        with self.refused("InvalidParameterValue", text=NOT_OF_THIS_TYPE):
            self.attempt(self.new_queue())


class Delays(FifoTest):
    def test_are_the_queues(self):
        url = self.new_fifo_by_content(DelaySeconds="10")
        self.put(url, "a1")
        advance(5)
        self.put(url, "a2")
        self.assertEqual(self.counts(url), (0, 0, 2))
        advance(5)
        self.assertEqual(self.bodies(url, VisibilityTimeout=0), ["a1"])
        advance(5)
        self.assertEqual(self.bodies(url), ["a1", "a2"])

    def test_change_for_messages_that_are_there(self):
        url = self.new_fifo_by_content(DelaySeconds="10")
        self.put(url, "a1")
        self.set_attributes(url, DelaySeconds="60")
        advance(30)
        self.assertEqual(self.bodies(url), [])
        self.set_attributes(url, DelaySeconds="30")
        self.assertEqual(self.bodies(url), ["a1"])


class DeadLetters(FifoTest):
    def pair(self):
        """(source, dead-letter queue); a message is moved after one receive."""
        dead = self.new_fifo(self.fifo_name("dead"))
        source = self.new_fifo(self.fifo_name("source"), RedrivePolicy=self.redrive(dead, 1))
        return source, dead

    def test_keep_their_group_and_get_another_deduplication_id(self):
        source, dead = self.pair()
        sent = self.put(source, "a1", MessageDeduplicationId="1")
        self.handles(source, "a1", VisibilityTimeout=0)
        self.assertEqual(self.bodies(source), [])
        moved = self.receive_one(dead, AttributeNames=["All"])
        self.assertEqual(moved["MessageId"], sent["MessageId"])
        found = moved["Attributes"]
        self.assertEqual(found["MessageGroupId"], "a")
        self.assertEqual(found["MessageDeduplicationId"], sent["MessageId"])
        self.assertEqual(found["ApproximateReceiveCount"], "2")
        self.assertEqual(found["DeadLetterQueueSourceArn"], self.arn(source))
        self.assertRegex(found["SequenceNumber"], r"^\d{20}$")

    def test_open_their_group_and_keep_their_order(self):
        source, dead = self.pair()
        for number in range(4):
            self.put(source, f"a{number}", MessageDeduplicationId=str(number))
        self.handles(source, "a0", "a1", "a2", count=3, VisibilityTimeout=0)
        self.assertEqual(self.bodies(source, WaitTimeSeconds=20), ["a3"])
        self.assertEqual(self.bodies(dead), ["a0", "a1", "a2"])

    def test_of_one_deduplication_id_do_not_swallow_each_other(self):
        source, dead = self.pair()
        for body in ("a1", "a2"):
            self.put(source, body, MessageDeduplicationId="same")
            self.handles(source, body, VisibilityTimeout=0)
            self.assertEqual(self.bodies(source), [])
            advance(WINDOW_SECONDS + 1)
        self.assertEqual(self.bodies(dead), ["a1", "a2"])

    def test_are_kept_for_the_retention_time_from_their_move(self):
        source, dead = self.pair()
        self.set_attributes(dead, MessageRetentionPeriod="60")
        self.put(source, "a1", MessageDeduplicationId="1")
        advance(50)
        self.handles(source, "a1", VisibilityTimeout=0)
        self.assertEqual(self.bodies(source), [])
        advance(59)
        self.assertEqual(self.bodies(dead, VisibilityTimeout=0), ["a1"])
        advance(2)
        self.assertEqual(self.bodies(dead), [])


class Restarts(FifoTest):
    """On a server of their own, which ends in good order and by a crash."""

    def setUp(self):
        self.server = millrace_server.Server()
        self.addCleanup(self.server.close)
        self.server.start()
        self.addCleanup(self.server.kill)
        self.sqs = make_client(self.server.endpoint)

    def restart(self, end):
        end()
        self.server.start()
        self.sqs = make_client(self.server.endpoint)

    def test_keep_order_locks_handles_and_deduplication(self):
        for end in (self.server.stop, self.server.kill):
            with self.subTest(end=end.__name__):
                name = self.fifo_name()
                url = self.new_fifo_by_content(name=name)
                first = self.put(url, "a1")
                self.put_all(url, "a2", "b1", "b2")
                (handle,) = self.handles(url, "a1", count=1)
                self.restart(end)
                url = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
                self.assertEqual(self.put(url, "a1")["MessageId"], first["MessageId"])
                self.assertEqual(self.bodies(url), ["b1", "b2"])
                self.delete(url, handle)
                self.assertEqual(self.bodies(url), ["a2"])


if __name__ == "__main__":
    unittest.main()
