"""Queue attributes through boto3: what there is, its range, and what is refused."""

import json
import unittest

from support import SqsTest, advance

# name: (default, least, most)
RANGES = {
    "DelaySeconds": ("0", 0, 900),
    "MaximumMessageSize": ("1048576", 1024, 1048576),
    "MessageRetentionPeriod": ("345600", 60, 1209600),
    "ReceiveMessageWaitTimeSeconds": ("0", 0, 20),
    "VisibilityTimeout": ("30", 0, 43200),
}
FRESH = {
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
    "SqsManagedSseEnabled": "true",
    **{name: row[0] for name, row in RANGES.items()},
}
READ_ONLY = (
    "QueueArn",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}],
}


class GetQueueAttributes(SqsTest):
    def test_all_of_a_fresh_queue(self):
        found = self.attributes(self.new_queue())
        arn = found.pop("QueueArn")
        self.assertTrue(arn.startswith("arn:aws:sqs:us-east-1:"))
        created = found.pop("CreatedTimestamp")
        self.assertRegex(created, r"^\d{10}$")
        self.assertEqual(found.pop("LastModifiedTimestamp"), created)
        self.assertEqual(found, FRESH)

    def test_only_what_is_named(self):
        url = self.new_queue()
        self.assertEqual(
            self.attributes(url, "VisibilityTimeout", "DelaySeconds"),
            {"VisibilityTimeout": "30", "DelaySeconds": "0"},
        )

    def test_a_name_that_is_not_set_gives_nothing(self):
        self.assertEqual(self.attributes(self.new_queue(), "RedrivePolicy"), {})

    def test_without_names_nothing(self):
        reply = self.sqs.get_queue_attributes(QueueUrl=self.new_queue())
        self.assertFalse(reply.get("Attributes"))

    def test_an_unknown_name_is_refused(self):
        with self.refused("InvalidAttributeName", text="Foobar"):
            self.attributes(self.new_queue(), "VisibilityTimeout", "Foobar")

    def test_counts_follow_the_messages(self):
        url = self.new_queue()
        for _ in range(3):
            self.send(url)
        self.send(url, DelaySeconds=10)
        self.receive(url, 2)
        self.assertEqual(self.counts(url), (1, 2, 1))
        advance(31)
        self.assertEqual(self.counts(url), (4, 0, 0))


class Ranges(SqsTest):
    def test_both_ends_are_accepted(self):
        for name, (_, least, most) in RANGES.items():
            for value in (least, most):
                with self.subTest(name=name, value=value):
                    url = self.new_queue({name: str(value)})
                    self.assertEqual(self.attribute(url, name), str(value))
                    url = self.new_queue()
                    self.set_attributes(url, **{name: str(value)})
                    self.assertEqual(self.attribute(url, name), str(value))

    def test_past_either_end_is_refused(self):
        url = self.new_queue()
        for name, (_, least, most) in RANGES.items():
            for value in (str(least - 1), str(most + 1), "1.5", "ten", "", " 1"):
                with self.subTest(name=name, value=value):
                    with self.refused("InvalidAttributeValue", text=name):
                        self.set_attributes(url, **{name: value})
                    with self.refused("InvalidAttributeValue", text=name):
                        self.new_queue({name: value})
        self.assertEqual({name: self.attribute(url, name) for name in RANGES},
                         {name: row[0] for name, row in RANGES.items()})

    def test_a_number_that_no_integer_holds_is_refused(self):
        with self.refused("InvalidAttributeValue"):
            self.set_attributes(self.new_queue(), VisibilityTimeout="9" * 30)


class SetQueueAttributes(SqsTest):
    def test_all_or_nothing(self):
        url = self.new_queue()
        with self.refused("InvalidAttributeValue"):
            self.set_attributes(url, DelaySeconds="5", VisibilityTimeout="43201")
        self.assertEqual(self.attribute(url, "DelaySeconds"), "0")

    def test_moves_the_time_of_the_last_change(self):
        url = self.new_queue()
        before = self.attributes(url)
        advance(100)
        self.set_attributes(url, DelaySeconds="5")
        after = self.attributes(url)
        self.assertEqual(after["CreatedTimestamp"], before["CreatedTimestamp"])
        moved = int(after["LastModifiedTimestamp"]) - int(before["LastModifiedTimestamp"])
        self.assertGreaterEqual(moved, 100)

    def test_unknown_and_read_only_names_are_refused(self):
        url = self.new_queue()
        for name in ("Foobar", "visibilitytimeout", *READ_ONLY):
            with self.subTest(name=name):
                with self.refused("InvalidAttributeName", text=name):
                    self.set_attributes(url, **{name: "1"})
                with self.refused("InvalidAttributeName", text=name):
                    self.new_queue({name: "1"})

    def test_what_only_fifo_queues_have_is_refused(self):
        url = self.new_queue()
        for name, value in (
            ("FifoQueue", "false"),
            ("ContentBasedDeduplication", "true"),
            ("DeduplicationScope", "queue"),
            ("FifoThroughputLimit", "perQueue"),
        ):
            with self.subTest(name=name):
                with self.refused("InvalidAttributeName", text=name):
                    self.set_attributes(url, **{name: value})
                with self.refused("InvalidAttributeName", text=name):
                    self.new_queue({name: value})

    def test_no_attributes_are_refused(self):
        with self.refused("MissingParameter"):
            self.sqs.set_queue_attributes(QueueUrl=self.new_queue(), Attributes={})


class Encryption(SqsTest):
    def test_managed_keys_can_be_turned_off(self):
        url = self.new_queue({"SqsManagedSseEnabled": "False"})
        self.assertEqual(self.attribute(url, "SqsManagedSseEnabled"), "false")
        self.set_attributes(url, SqsManagedSseEnabled="true")
        self.assertEqual(self.attribute(url, "SqsManagedSseEnabled"), "true")

    def test_anything_but_true_and_false_is_refused(self):
        with self.refused("InvalidAttributeValue"):
            self.set_attributes(self.new_queue(), SqsManagedSseEnabled="yes")

    def test_a_key_of_ones_own_takes_the_place_of_the_managed_ones(self):
        url = self.new_queue({"KmsMasterKeyId": "alias/mine"})
        found = self.attributes(url)
        self.assertEqual(found["KmsMasterKeyId"], "alias/mine")
        self.assertNotIn("KmsDataKeyReusePeriodSeconds", found)
        self.assertEqual(found["SqsManagedSseEnabled"], "false")
        self.set_attributes(url, KmsMasterKeyId="")
        found = self.attributes(url)
        self.assertNotIn("KmsMasterKeyId", found)
        self.assertNotIn("KmsDataKeyReusePeriodSeconds", found)
        self.assertEqual(found["SqsManagedSseEnabled"], "false")

    def test_both_kinds_at_once_are_refused(self):
        with self.refused("InvalidAttributeName"):
            self.new_queue({"KmsMasterKeyId": "alias/mine", "SqsManagedSseEnabled": "true"})

    def test_the_reuse_period_has_a_range(self):
        for value in ("60", "86400"):
            url = self.new_queue({"KmsMasterKeyId": "k", "KmsDataKeyReusePeriodSeconds": value})
            self.assertEqual(self.attribute(url, "KmsDataKeyReusePeriodSeconds"), value)
        for value in ("59", "86401", "x"):
            with self.subTest(value=value), self.refused("InvalidAttributeValue"):
                self.set_attributes(url, KmsDataKeyReusePeriodSeconds=value)


class Policies(SqsTest):
    def test_kept_as_written_and_removed_by_an_empty_text(self):
        url = self.new_queue({"Policy": json.dumps(POLICY)})
        self.assertEqual(json.loads(self.attribute(url, "Policy")), POLICY)
        self.set_attributes(url, Policy="")
        self.assertNotIn("Policy", self.attributes(url))

    def test_what_is_no_policy_is_refused(self):
        url = self.new_queue()
        statement = POLICY["Statement"][0]
        for policy in (
            "not json",
            "[]",
            json.dumps({**POLICY, "Foo": 1}),
            json.dumps({**POLICY, "Version": "2020-01-01"}),
            json.dumps({**POLICY, "Statement": [{**statement, "Effect": "Perhaps"}]}),
            json.dumps({**POLICY, "Statement": [{**statement, "Foo": 1}]}),
        ):
            with self.subTest(policy=policy), self.refused("InvalidAttributeValue", text="Policy"):
                self.set_attributes(url, Policy=policy)
        self.assertNotIn("Policy", self.attributes(url))


class Permissions(SqsTest):
    def add(self, url, label, actions=("ReceiveMessage",), accounts=("111122223333",)):
        self.sqs.add_permission(
            QueueUrl=url, Label=label, AWSAccountIds=list(accounts), Actions=list(actions)
        )

    def policy(self, url):
        return json.loads(self.attribute(url, "Policy"))

    def test_a_permission_becomes_a_statement(self):
        url = self.new_queue()
        arn = self.arn(url)
        self.add(url, "first")
        first = {
            "Sid": "first",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "SQS:ReceiveMessage",
            "Resource": arn,
        }
        whole = {"Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": [first]}
        self.assertEqual(self.policy(url), whole)

        accounts = ("111122223333", "444455556666")
        self.add(url, "second", ("SendMessage", "DeleteMessage"), accounts)
        second = {
            "Sid": "second",
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in accounts]},
            "Action": ["SQS:SendMessage", "SQS:DeleteMessage"],
            "Resource": arn,
        }
        self.assertEqual(self.policy(url), {**whole, "Statement": [first, second]})

        self.sqs.remove_permission(QueueUrl=url, Label="first")
        self.assertEqual(self.policy(url)["Statement"], [second])
        self.sqs.remove_permission(QueueUrl=url, Label="second")
        self.assertNotIn("Policy", self.attributes(url))

    def test_a_label_is_used_once(self):
        url = self.new_queue()
        self.add(url, "label")
        with self.refused("InvalidParameterValue", text="Already exists"):
            self.add(url, "label", ("SendMessage",))

    def test_an_unknown_label_cannot_be_removed(self):
        with self.refused("InvalidParameterValue", text="can't find label"):
            self.sqs.remove_permission(QueueUrl=self.new_queue(), Label="absent")

    def test_labels_have_a_form(self):
        url = self.new_queue()
        self.add(url, "l" * 80)
        for label in ("l" * 81, "a b", "a.b"):
            with self.subTest(label=label), self.refused("InvalidParameterValue"):
                self.add(url, label)

    def test_only_some_actions_can_be_given_away(self):
        url = self.new_queue()
        for action in ("DeleteQueue", "CreateQueue", "Fly"):
            with self.subTest(action=action), self.refused("InvalidParameterValue"):
                self.add(url, "label", (action,))

    def test_seven_actions_and_no_more(self):
        url = self.new_queue()
        actions = (
            "ChangeMessageVisibility",
            "DeleteMessage",
            "GetQueueAttributes",
            "GetQueueUrl",
            "ListDeadLetterSourceQueues",
            "PurgeQueue",
            "ReceiveMessage",
            "SendMessage",
        )
        self.add(url, "seven", actions[:7])
        with self.refused("OverLimit", status=403):
            self.add(url, "eight", actions)

    def test_twenty_statements_and_no_more(self):
        url = self.new_queue()
        for number in range(20):
            self.add(url, f"label-{number}")
        with self.refused("OverLimit", status=403):
            self.add(url, "one-more")

    def test_what_is_missing_is_named(self):
        url = self.new_queue()
        with self.refused("MissingParameter"):
            self.sqs.add_permission(QueueUrl=url, Label="l", AWSAccountIds=[], Actions=["*"])
        with self.refused("MissingParameter"):
            self.sqs.add_permission(
                QueueUrl=url, Label="l", AWSAccountIds=["111122223333"], Actions=[]
            )
        with self.refused("MissingParameter"):
            self.sqs.remove_permission(QueueUrl=url)


if __name__ == "__main__":
    unittest.main()
