"""The three batch actions through boto3: what succeeds, what fails alone, what fails as a whole."""

import unittest

from support import (
    GARBAGE_HANDLE,
    MESSAGE_BYTES_MAX,
    SqsTest,
    advance,
    md5,
    md5_of_attributes,
    text_attribute,
)

PREFIX = "AWS.SimpleQueueService."


class BatchTest(SqsTest):
    def send_batch(self, url, entries):
        return self.sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def delete_batch(self, url, entries):
        return self.sqs.delete_message_batch(QueueUrl=url, Entries=entries)

    def change_batch(self, url, entries):
        return self.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)

    def outcome(self, reply):
        """(ids that succeeded, {id: (code, whether the sender is at fault)} of the others)"""
        succeeded = [entry["Id"] for entry in reply.get("Successful", [])]
        failed = {
            entry["Id"]: (entry["Code"], entry["SenderFault"]) for entry in reply.get("Failed", [])
        }
        return succeeded, failed

    def in_flight(self, count):
        """(queue, handles) of messages just received."""
        url = self.new_queue()
        self.send_batch(
            url, [{"Id": str(number), "MessageBody": str(number)} for number in range(count)]
        )
        return url, [message["ReceiptHandle"] for message in self.receive(url)]


class WholeRequest(BatchTest):
    """What the three have in common: the checks of the list and of its ids."""

    def each(self):
        """(name, function of the queue and entries, an entry's further members)"""
        return (
            ("send", self.send_batch, {"MessageBody": "b"}),
            ("delete", self.delete_batch, {"ReceiptHandle": GARBAGE_HANDLE}),
            (
                "change",
                self.change_batch,
                {"ReceiptHandle": GARBAGE_HANDLE, "VisibilityTimeout": 1},
            ),
        )

    def test_no_entries(self):
        url = self.new_queue()
        for name, call, _ in self.each():
            with self.subTest(action=name), self.refused(PREFIX + "EmptyBatchRequest"):
                call(url, [])

    def test_ten_entries_and_no_more(self):
        url = self.new_queue()
        for name, call, rest in self.each():
            entries = [{"Id": str(number), **rest} for number in range(11)]
            with self.subTest(action=name):
                with self.refused(
                    PREFIX + "TooManyEntriesInBatchRequest", text="You have sent 11."
                ):
                    call(url, entries)
                reply = call(url, entries[:10])
                self.assertEqual(len(reply.get("Successful", []) + reply.get("Failed", [])), 10)

    def test_ids_that_repeat(self):
        url = self.new_queue()
        for name, call, rest in self.each():
            with self.subTest(action=name):
                with self.refused(PREFIX + "BatchEntryIdsNotDistinct"):
                    call(url, [{"Id": "same", **rest}, {"Id": "same", **rest}])

    def test_ids_of_a_wrong_form(self):
        url = self.new_queue()
        for name, call, rest in self.each():
            for entry_id in ("", "i" * 81, "a b", "a.b", "é"):
                with self.subTest(action=name, entry_id=entry_id):
                    with self.refused(PREFIX + "InvalidBatchEntryId"):
                        call(url, [{"Id": entry_id, **rest}])

    def test_an_id_as_long_as_can_be(self):
        url = self.new_queue()
        entry_id = "-_" + "i" * 78
        reply = self.send_batch(url, [{"Id": entry_id, "MessageBody": "b"}])
        self.assertEqual(self.outcome(reply), ([entry_id], {}))


class SendMessageBatch(BatchTest):
    def test_all_arrive(self):
        url = self.new_queue()
        attributes = {"a": text_attribute("v")}
        trace = {"AWSTraceHeader": text_attribute("Root=1-5759e988-bd862e3fe1be46a994272793")}
        entries = [{"Id": f"id-{number}", "MessageBody": f"body {number}"} for number in range(10)]
        entries[3]["MessageAttributes"] = attributes
        entries[4]["MessageSystemAttributes"] = trace
        reply = self.send_batch(url, entries)
        self.assertEqual(self.outcome(reply), ([entry["Id"] for entry in entries], {}))
        for entry, result in zip(entries, reply["Successful"]):
            self.assertEqual(result["MD5OfMessageBody"], md5(entry["MessageBody"]))
        for number, result in enumerate(reply["Successful"]):
            self.assertEqual(
                result.get("MD5OfMessageAttributes"),
                md5_of_attributes(attributes) if number == 3 else None,
            )
            self.assertEqual(
                result.get("MD5OfMessageSystemAttributes"),
                md5_of_attributes(trace) if number == 4 else None,
            )
        ids = {result["MessageId"]: number for number, result in enumerate(reply["Successful"])}
        received = {ids[message["MessageId"]]: message["Body"] for message in self.receive(url)}
        self.assertEqual(received, {number: f"body {number}" for number in range(10)})

    def test_delays_are_per_entry(self):
        url = self.new_queue()
        self.send_batch(
            url,
            [
                {"Id": "1", "MessageBody": "now"},
                {"Id": "2", "MessageBody": "later", "DelaySeconds": 5},
            ],
        )
        self.assertEqual(self.receive_bodies(url), ["now"])
        advance(5.1)
        self.assertEqual(self.receive_bodies(url), ["later"])

    def test_bad_entries_fail_alone(self):
        url = self.new_queue({"MaximumMessageSize": "1024"})
        bad = {
            "empty": ({"MessageBody": ""}, "MissingParameter"),
            "characters": ({"MessageBody": "\x01"}, "InvalidMessageContents"),
            "size": ({"MessageBody": "x" * 1025}, "InvalidParameterValue"),
            "delay": ({"MessageBody": "b", "DelaySeconds": 901}, "InvalidParameterValue"),
            "attribute": (
                {"MessageBody": "b", "MessageAttributes": {"x": text_attribute("t", "Number")}},
                "InvalidParameterValue",
            ),
            "deduplication": (
                {"MessageBody": "b", "MessageDeduplicationId": "d"},
                "InvalidParameterValue",
            ),
        }
        entries = [{"Id": name, **members} for name, (members, _) in bad.items()]
        entries.insert(3, {"Id": "good", "MessageBody": "x" * 1024})
        succeeded, failed = self.outcome(self.send_batch(url, entries))
        self.assertEqual(succeeded, ["good"])
        self.assertEqual(failed, {name: (code, True) for name, (_, code) in bad.items()})
        self.assertEqual(self.counts(url), (1, 0, 0))

    def test_one_mebibyte_in_all_and_no_more(self):
        url = self.new_queue()
        half = "x" * (MESSAGE_BYTES_MAX // 2)
        reply = self.send_batch(
            url, [{"Id": "1", "MessageBody": half}, {"Id": "2", "MessageBody": half}]
        )
        self.assertEqual(self.outcome(reply), (["1", "2"], {}))
        with self.refused(
            PREFIX + "BatchRequestTooLong",
            text="cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
        ):
            self.send_batch(
                url, [{"Id": "1", "MessageBody": half}, {"Id": "2", "MessageBody": half + "x"}]
            )
        self.assertEqual(self.counts(url), (2, 0, 0))

    def test_attributes_count_towards_the_sum(self):
        url = self.new_queue()
        half = "x" * (MESSAGE_BYTES_MAX // 2)
        attributes = {"name": text_attribute("value")}
        with self.refused(PREFIX + "BatchRequestTooLong", text="You have sent 1048591 bytes."):
            self.send_batch(
                url,
                [
                    {"Id": "1", "MessageBody": half},
                    {"Id": "2", "MessageBody": half, "MessageAttributes": attributes},
                ],
            )

    def test_the_sum_may_pass_the_queues_own_limit(self):
        url = self.new_queue({"MaximumMessageSize": "1024"})
        entries = [{"Id": str(number), "MessageBody": "x" * 1024} for number in range(10)]
        self.assertEqual(len(self.send_batch(url, entries)["Successful"]), 10)


class DeleteMessageBatch(BatchTest):
    def test_all_go(self):
        url, handles = self.in_flight(10)
        entries = [
            {"Id": f"id{number}", "ReceiptHandle": handle} for number, handle in enumerate(handles)
        ]
        reply = self.delete_batch(url, entries)
        self.assertEqual(self.outcome(reply), ([entry["Id"] for entry in entries], {}))
        self.assertEqual(self.counts(url), (0, 0, 0))

    def test_bad_entries_fail_alone(self):
        url, handles = self.in_flight(2)
        reply = self.delete_batch(
            url,
            [
                {"Id": "good", "ReceiptHandle": handles[0]},
                {"Id": "garbage", "ReceiptHandle": GARBAGE_HANDLE},
                {"Id": "again", "ReceiptHandle": handles[0]},
            ],
        )
        self.assertEqual(
            self.outcome(reply),
            (
                ["good", "again"],
                {"garbage": ("ReceiptHandleIsInvalid", True)},
            ),
        )
        self.assertEqual(self.counts(url), (0, 1, 0))


class ChangeMessageVisibilityBatch(BatchTest):
    def test_each_has_its_own_timeout(self):
        url, handles = self.in_flight(3)
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": number * 10}
            for number, handle in enumerate(handles)
        ]
        self.assertEqual(self.outcome(self.change_batch(url, entries)), (["0", "1", "2"], {}))
        self.assertEqual(self.counts(url), (1, 2, 0))
        advance(10.1)
        self.assertEqual(self.counts(url), (2, 1, 0))
        advance(10)
        self.assertEqual(self.counts(url), (3, 0, 0))

    def test_bad_entries_fail_alone(self):
        url, handles = self.in_flight(3)
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=handles[2])
        reply = self.change_batch(
            url,
            [
                {"Id": "good", "ReceiptHandle": handles[0], "VisibilityTimeout": 0},
                {"Id": "garbage", "ReceiptHandle": GARBAGE_HANDLE, "VisibilityTimeout": 0},
                {"Id": "range", "ReceiptHandle": handles[1], "VisibilityTimeout": -20},
                {"Id": "missing", "ReceiptHandle": handles[1]},
                {"Id": "deleted", "ReceiptHandle": handles[2], "VisibilityTimeout": 5},
            ],
        )
        self.assertEqual(
            self.outcome(reply),
            (
                ["good"],
                {
                    "garbage": ("ReceiptHandleIsInvalid", True),
                    "range": ("InvalidParameterValue", True),
                    "missing": ("MissingParameter", True),
                    "deleted": ("InvalidParameterValue", True),
                },
            ),
        )
        self.assertEqual(self.counts(url), (1, 1, 0))


if __name__ == "__main__":
    unittest.main()
