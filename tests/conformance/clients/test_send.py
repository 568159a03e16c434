"""SendMessage through boto3: what arrives, its digests, its limits and what is refused."""

import unittest

from support import MESSAGE_BYTES_MAX, SqsTest, advance, md5, md5_of_attributes, text_attribute

# The ends of every range that SQS allows, and what XML would change if it were not escaped.
EVERY_KIND_OF_CHARACTER = (
    "tab\t line\n return\r quote\" & <tag> ' \u00e9 \u07ff \u0800 \ud7ff \ue000 \ufffd "
    "\U00010000 \U0001f600 \U0010ffff"
)


class Bodies(SqsTest):
    def test_arrive_as_they_were_sent(self):
        url = self.new_queue()
        for body in ("a", " ", "hello", EVERY_KIND_OF_CHARACTER, "\r\n\r", '{"json":[1,2]}'):
            with self.subTest(body=body):
                sent = self.send(url, body)
                self.assertEqual(sent["MD5OfMessageBody"], md5(body))
                self.assertNotIn("SequenceNumber", sent)
                received = self.receive_one(url)
                self.assertEqual(received["Body"], body)
                self.assertEqual(received["MD5OfBody"], md5(body))
                self.assertEqual(received["MessageId"], sent["MessageId"])
                self.assertRegex(sent["MessageId"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

    def test_ids_differ(self):
        url = self.new_queue()
        self.assertEqual(len({self.send(url)["MessageId"] for _ in range(20)}), 20)

    def test_of_one_mebibyte_and_no_more(self):
        url = self.new_queue()
        body = "x" * MESSAGE_BYTES_MAX
        self.assertEqual(self.send(url, body)["MD5OfMessageBody"], md5(body))
        self.assertEqual(self.receive_one(url)["Body"], body)
        with self.refused("InvalidParameterValue", text="must be shorter than 1048576 bytes"):
            self.send(url, body + "x")
        self.assertEqual(self.counts(url), (0, 1, 0))

    def test_of_the_queues_own_limit_and_no_more(self):
        url = self.new_queue({"MaximumMessageSize": "1024"})
        self.send(url, "x" * 1024)
        self.send(url, "é" * 512)
        with self.refused("InvalidParameterValue", text="must be shorter than 1024 bytes"):
            self.send(url, "x" * 1025)
        with self.refused("InvalidParameterValue"):
            self.send(url, "é" * 513)

    def test_attributes_count_towards_the_size(self):
        url = self.new_queue({"MaximumMessageSize": "1024"})
        attributes = {"name": text_attribute("value")}  # 4 + 6 + 5 bytes
        self.send(url, "x" * 1009, MessageAttributes=attributes)
        with self.refused("InvalidParameterValue"):
            self.send(url, "x" * 1010, MessageAttributes=attributes)

    def test_must_not_be_empty(self):
        with self.refused("MissingParameter", text="MessageBody"):
            self.send(self.new_queue(), "")

    def test_of_forbidden_characters_are_refused(self):
        url = self.new_queue()
        for character in ("\x01", "\x0b", "\x1f", "\ufffe", "\uffff"):
            with self.subTest(character=ascii(character)):
                with self.refused("InvalidMessageContents"):
                    self.send(url, "a" + character)
        self.assertEqual(self.counts(url), (0, 0, 0))


class Attributes(SqsTest):
    def round_trip(self, attributes):
        """Sends them; returns (reply of the send, the received message)."""
        url = self.new_queue()
        sent = self.send(url, MessageAttributes=attributes)
        return sent, self.receive_one(url, MessageAttributeNames=["All"])

    def test_digests_that_aws_recorded(self):
        for attributes, digest in (
            (
                {
                    "General": text_attribute("Kenobi"),
                    "Hello": text_attribute("There"),
                    "Help.Me": text_attribute("Me"),
                },
                "4c360f3fdafd970e05fae2f149d997f5",
            ),
            (
                {
                    "blob": {"DataType": "Binary", "BinaryValue": b"\x01\x02\x03"},
                    "color": text_attribute("blue"),
                    "count": text_attribute("3", "Number"),
                },
                "d838729972a4b70e2d2acd9d59ac847c",
            ),
            (
                {"timestamp": text_attribute("1493147359900", "Number")},
                "235c5c510d26fb653d073faed50ae77c",
            ),
        ):
            with self.subTest(attributes=attributes):
                sent, received = self.round_trip(attributes)
                self.assertEqual(sent["MD5OfMessageAttributes"], digest)
                self.assertEqual(received["MD5OfMessageAttributes"], digest)
                self.assertEqual(received["MessageAttributes"], attributes)

    def test_ten_of_every_type(self):
        attributes = {
            "text": text_attribute(EVERY_KIND_OF_CHARACTER),
            "own.type": text_attribute("v", "String.label"),
            "integer": text_attribute("-12", "Number"),
            "fraction": text_attribute("0.5e-3", "Number.float"),
            "bytes": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
            "picture": {"DataType": "Binary.png", "BinaryValue": b"\x89PNG"},
            "n" * 256: text_attribute("long name"),
            "a-b_c.d9": text_attribute("odd name"),
            "Case": text_attribute("1"),
            "case": text_attribute("2"),
        }
        sent, received = self.round_trip(attributes)
        self.assertEqual(sent["MD5OfMessageAttributes"], md5_of_attributes(attributes))
        self.assertEqual(received["MD5OfMessageAttributes"], md5_of_attributes(attributes))
        self.assertEqual(received["MessageAttributes"], attributes)

    def test_none_have_no_digest(self):
        self.assertNotIn("MD5OfMessageAttributes", self.send(self.new_queue()))

    def test_eleven_are_refused(self):
        attributes = {f"a{number}": text_attribute("v") for number in range(11)}
        with self.refused("InvalidParameterValue", text="[11]"):
            self.send(self.new_queue(), MessageAttributes=attributes)

    def test_bad_ones_are_refused(self):
        url = self.new_queue()
        good = text_attribute("v")
        for name, value in (
            ("", good),
            ("n" * 257, good),
            ("AWS.x", good),
            ("amazon.x", good),
            (".x", good),
            ("x.", good),
            ("a b", good),
            ("x", text_attribute("")),
            ("x", text_attribute("v", "Text")),
            ("x", text_attribute("v", "")),
            ("x", text_attribute("v", "String." + "l" * 256)),
            ("x", text_attribute("ten", "Number")),
            ("x", text_attribute("a\x01")),
            ("x", {"DataType": "String"}),
            ("x", {"DataType": "String", "BinaryValue": b"v"}),
            ("x", {"DataType": "Binary", "StringValue": "v"}),
            ("x", {"DataType": "Binary", "BinaryValue": b""}),
            ("x", {"StringValue": "v"}),
        ):
            with self.subTest(name=name, value=value), self.refused("InvalidParameterValue"):
                self.send(url, MessageAttributes={name: value})
        self.assertEqual(self.counts(url), (0, 0, 0))

    def test_lists_are_not_supported(self):
        value = {"DataType": "String", "StringListValues": ["a"]}
        with self.refused("AWS.SimpleQueueService.UnsupportedOperation"):
            self.send(self.new_queue(), MessageAttributes={"x": value})


class SystemAttributes(SqsTest):
    TRACE = (
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    )

    def test_a_trace_header_arrives(self):
        url = self.new_queue()
        attributes = {"AWSTraceHeader": text_attribute(self.TRACE)}
        sent = self.send(url, MessageSystemAttributes=attributes)
        self.assertEqual(sent["MD5OfMessageSystemAttributes"], "5ae4d5d7636402d80f4eb6d213245a88")
        received = self.receive_one(url, AttributeNames=["AWSTraceHeader"])
        self.assertEqual(received["Attributes"], {"AWSTraceHeader": self.TRACE})

    def test_others_are_refused(self):
        url = self.new_queue()
        for attributes in (
            {"SenderId": text_attribute("me")},
            {"AWSTraceHeader": text_attribute("1", "Number")},
        ):
            with self.subTest(attributes=attributes), self.refused("InvalidParameterValue"):
                self.send(url, MessageSystemAttributes=attributes)


class Delays(SqsTest):
    def test_a_message_shows_when_its_delay_is_over(self):
        url = self.new_queue()
        self.send(url, "later", DelaySeconds=5)
        self.send(url, "now")
        self.assertEqual(self.counts(url), (1, 0, 1))
        self.assertEqual(self.receive_bodies(url), ["now"])
        advance(4)
        self.assertEqual(self.receive_bodies(url), [])
        advance(1.1)
        self.assertEqual(self.receive_bodies(url), ["later"])

    def test_the_queues_delay_holds_unless_the_message_has_its_own(self):
        url = self.new_queue({"DelaySeconds": "10"})
        self.send(url, "queue's")
        self.send(url, "none", DelaySeconds=0)
        self.send(url, "own", DelaySeconds=20)
        self.assertEqual(self.receive_bodies(url), ["none"])
        advance(11)
        self.assertEqual(self.receive_bodies(url), ["queue's"])
        advance(10)
        self.assertEqual(self.receive_bodies(url), ["own"])

    def test_a_changed_delay_of_the_queue_leaves_messages_that_were_sent(self):
        url = self.new_queue({"DelaySeconds": "10"})
        self.send(url)
        self.set_attributes(url, DelaySeconds="0")
        self.assertEqual(self.receive(url), [])
        advance(11)
        self.receive_one(url)

    def test_have_a_range(self):
        url = self.new_queue()
        self.send(url, DelaySeconds=900)
        for seconds in (-1, 901):
            with self.subTest(seconds=seconds):
                with self.refused("InvalidParameterValue", text="DelaySeconds"):
                    self.send(url, DelaySeconds=seconds)


class Groups(SqsTest):
    def test_a_group_id_is_kept_on_a_standard_queue(self):
        url = self.new_queue()
        self.send(url, MessageGroupId="tenant-1")
        received = self.receive_one(url, AttributeNames=["All"])
        self.assertEqual(received["Attributes"]["MessageGroupId"], "tenant-1")

    def test_a_bad_group_id_is_refused(self):
        url = self.new_queue()
        self.send(url, MessageGroupId="g" * 128)
        for group in ("g" * 129, "a b", "é"):
            with self.subTest(group=group):
                with self.refused("InvalidParameterValue", text="MessageGroupId"):
                    self.send(url, MessageGroupId=group)

    def test_a_deduplication_id_is_refused_on_a_standard_queue(self):
        with self.refused("InvalidParameterValue", text="MessageDeduplicationId"):
            self.send(self.new_queue(), MessageDeduplicationId="d")


if __name__ == "__main__":
    unittest.main()
