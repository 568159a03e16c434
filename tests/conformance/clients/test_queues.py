"""Queues as boto3 makes, finds, lists, tags, empties and deletes them."""

import unittest

from support import GARBAGE_HANDLE, SqsTest, advance

NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"


class CreateQueue(SqsTest):
    def test_the_url_ends_with_account_and_name(self):
        name = self.new_name()
        url = self.new_queue(name=name)
        self.assertRegex(url, rf"^http://127\.0\.0\.1:\d+/\d{{12}}/{name}$")
        account = url.split("/")[-2]
        self.assertEqual(self.arn(url), f"arn:aws:sqs:us-east-1:{account}:{name}")

    def test_again_with_nothing_or_the_same_gives_the_same_queue(self):
        name = self.new_name()
        url = self.new_queue({"VisibilityTimeout": "40"}, name=name)
        self.assertEqual(self.new_queue(name=name), url)
        self.assertEqual(self.new_queue({"VisibilityTimeout": "40"}, name=name), url)

    def test_again_with_a_default_written_out_gives_the_same_queue(self):
        name = self.new_name()
        url = self.new_queue(name=name)
        self.assertEqual(self.new_queue({"DelaySeconds": "0"}, name=name), url)

    def test_again_with_another_value_is_refused_naming_the_attribute(self):
        name = self.new_name()
        self.new_queue({"VisibilityTimeout": "40"}, name=name)
        with self.refused("QueueAlreadyExists", text="VisibilityTimeout"):
            self.new_queue({"VisibilityTimeout": "41"}, name=name)

    def test_again_compares_with_what_was_set_since(self):
        name = self.new_name()
        url = self.new_queue({"VisibilityTimeout": "40"}, name=name)
        self.set_attributes(url, VisibilityTimeout="50")
        self.assertEqual(self.new_queue({"VisibilityTimeout": "50"}, name=name), url)
        with self.refused("QueueAlreadyExists"):
            self.new_queue({"VisibilityTimeout": "40"}, name=name)

    def test_again_ignores_tags(self):
        name = self.new_name()
        url = self.new_queue(name=name, tags={"team": "a"})
        self.assertEqual(self.new_queue(name=name, tags={"team": "b"}), url)

    def test_names_at_their_limits(self):
        for name in ("a", "-", "_", "A-z_09", "n" * 80):
            with self.subTest(name=name):
                self.assertTrue(self.new_queue(name=name).endswith("/" + name))

    def test_names_past_their_limits(self):
        for name in ("", "n" * 81, "a b", "a.b", "a/b", "ä", "plain.fifo"):
            with self.subTest(name=name), self.refused("InvalidParameterValue"):
                self.new_queue_named_exactly(name)

    def new_queue_named_exactly(self, name):
        return self.sqs.create_queue(QueueName=name)

    def test_a_name_has_cases(self):
        name = self.new_name("Case")
        self.assertNotEqual(self.new_queue(name=name), self.new_queue(name=name.lower()))


class GetQueueUrl(SqsTest):
    def test_finds_the_url(self):
        name = self.new_name()
        url = self.new_queue(name=name)
        self.assertEqual(self.sqs.get_queue_url(QueueName=name)["QueueUrl"], url)

    def test_finds_it_by_its_owner(self):
        name = self.new_name()
        url = self.new_queue(name=name)
        found = self.sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=url.split("/")[-2])
        self.assertEqual(found["QueueUrl"], url)

    def test_an_unknown_name_is_refused(self):
        with self.refused(NO_QUEUE):
            self.sqs.get_queue_url(QueueName="never-made")

    def test_the_name_of_another_owner_is_refused(self):
        name = self.new_name()
        self.new_queue(name=name)
        with self.refused(NO_QUEUE):
            self.sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId="999999999999")


class ListQueues(SqsTest):
    def urls(self, **arguments):
        return self.sqs.list_queues(**arguments).get("QueueUrls", [])

    def test_lists_by_prefix_in_order_of_names(self):
        made = [self.new_queue(name=name) for name in ("lp-c", "lp-a", "lp-b", "other-lp")]
        self.assertEqual(self.urls(QueueNamePrefix="lp-"), sorted(made[:3]))

    def test_a_prefix_of_no_queue_lists_none(self):
        reply = self.sqs.list_queues(QueueNamePrefix="no-such-prefix")
        self.assertNotIn("QueueUrls", reply)
        self.assertNotIn("NextToken", reply)

    def test_without_prefix_lists_all(self):
        url = self.new_queue()
        self.assertIn(url, self.urls())

    def test_pages_give_every_queue_once(self):
        made = sorted(self.new_queue(name=f"page-{number}") for number in range(7))
        pages, token = [], {}
        while True:
            reply = self.sqs.list_queues(QueueNamePrefix="page-", MaxResults=3, **token)
            pages.append(reply["QueueUrls"])
            if "NextToken" not in reply:
                break
            token = {"NextToken": reply["NextToken"]}
        self.assertEqual([len(page) for page in pages], [3, 3, 1])
        self.assertEqual([url for page in pages for url in page], made)

    def test_a_page_that_just_fits_has_no_token(self):
        for number in range(3):
            self.new_queue(name=f"fits-{number}")
        self.assertNotIn("NextToken", self.sqs.list_queues(QueueNamePrefix="fits-", MaxResults=3))

    def test_page_sizes_past_their_limits_are_refused(self):
        for count in (0, -1, 1001):
            with self.subTest(count=count), self.refused("InvalidParameterValue"):
                self.sqs.list_queues(MaxResults=count)
        self.sqs.list_queues(MaxResults=1000)

    def test_a_made_up_token_is_refused(self):
        with self.refused("InvalidParameterValue"):
            self.sqs.list_queues(MaxResults=1, NextToken="bm8gdG9rZW4=")

    def test_without_page_size_at_most_a_thousand_and_no_token(self):
        for number in range(1001):
            self.sqs.create_queue(QueueName=f"thousand-{number:04}")
        reply = self.sqs.list_queues(QueueNamePrefix="thousand-")
        self.assertEqual(len(reply["QueueUrls"]), 1000)
        self.assertNotIn("NextToken", reply)


class DeleteQueue(SqsTest):
    def test_every_action_on_a_deleted_queue_is_refused(self):
        name = self.new_name()
        url = self.new_queue(name=name)
        self.sqs.delete_queue(QueueUrl=url)
        entry = {"Id": "1", "ReceiptHandle": GARBAGE_HANDLE, "VisibilityTimeout": 1}
        calls = {
            "add_permission": {"Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["*"]},
            "change_message_visibility": {"ReceiptHandle": "h", "VisibilityTimeout": 1},
            "change_message_visibility_batch": {"Entries": [entry]},
            "delete_message": {"ReceiptHandle": "h"},
            "delete_message_batch": {"Entries": [{"Id": "1", "ReceiptHandle": "h"}]},
            "delete_queue": {},
            "get_queue_attributes": {"AttributeNames": ["All"]},
            "list_dead_letter_source_queues": {},
            "list_queue_tags": {},
            "purge_queue": {},
            "receive_message": {},
            "remove_permission": {"Label": "l"},
            "send_message": {"MessageBody": "b"},
            "send_message_batch": {"Entries": [{"Id": "1", "MessageBody": "b"}]},
            "set_queue_attributes": {"Attributes": {"DelaySeconds": "1"}},
            "tag_queue": {"Tags": {"a": "b"}},
            "untag_queue": {"TagKeys": ["a"]},
        }
        for action, arguments in calls.items():
            with self.subTest(action=action), self.refused(NO_QUEUE):
                getattr(self.sqs, action)(QueueUrl=url, **arguments)
        with self.refused(NO_QUEUE):
            self.sqs.get_queue_url(QueueName=name)
        self.assertNotIn("QueueUrls", self.sqs.list_queues(QueueNamePrefix=name))

    def test_the_name_is_free_again_after_a_minute(self):
        name = self.new_name()
        self.sqs.delete_queue(QueueUrl=self.new_queue(name=name))
        advance(59)
        with self.refused("AWS.SimpleQueueService.QueueDeletedRecently"):
            self.sqs.create_queue(QueueName=name)
        advance(2)
        self.new_queue(name=name)

    def test_a_queue_made_again_has_nothing_of_the_old_one(self):
        name = self.new_name()
        url = self.new_queue({"VisibilityTimeout": "7"}, name=name, tags={"a": "b"})
        self.send(url)
        handle = self.receive_one(url)["ReceiptHandle"]
        self.send(url, "second")
        self.sqs.delete_queue(QueueUrl=url)
        advance(61)
        self.new_queue(name=name)
        self.assertEqual(self.counts(url), (0, 0, 0))
        self.assertEqual(self.attribute(url, "VisibilityTimeout"), "30")
        self.assertNotIn("Tags", self.sqs.list_queue_tags(QueueUrl=url))
        with self.refused("ReceiptHandleIsInvalid", status=404):
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)


class PurgeQueue(SqsTest):
    def test_takes_visible_delayed_and_in_flight_messages(self):
        url = self.new_queue()
        self.send(url, "in flight")
        handle = self.receive_one(url)["ReceiptHandle"]
        self.send(url, "visible")
        self.send(url, "delayed", DelaySeconds=60)
        self.assertEqual(self.counts(url), (1, 1, 1))
        self.sqs.purge_queue(QueueUrl=url)
        self.assertEqual(self.counts(url), (0, 0, 0))
        advance(61)
        self.assertEqual(self.receive(url), [])
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)

    def test_leaves_what_is_sent_later(self):
        url = self.new_queue()
        self.send(url, "old")
        self.sqs.purge_queue(QueueUrl=url)
        self.send(url, "new")
        self.assertEqual(self.receive_bodies(url), ["new"])

    def test_only_once_a_minute(self):
        url = self.new_queue()
        self.sqs.purge_queue(QueueUrl=url)
        advance(59)
        with self.refused("AWS.SimpleQueueService.PurgeQueueInProgress", status=403):
            self.sqs.purge_queue(QueueUrl=url)
        advance(2)
        self.sqs.purge_queue(QueueUrl=url)


class Tags(SqsTest):
    def tags(self, url):
        return self.sqs.list_queue_tags(QueueUrl=url).get("Tags", {})

    def tag(self, url, tags):
        self.sqs.tag_queue(QueueUrl=url, Tags=tags)

    def test_set_with_the_queue_added_overwritten_and_removed(self):
        url = self.new_queue(tags={"team": "a", "Team": "b"})
        self.assertEqual(self.tags(url), {"team": "a", "Team": "b"})
        self.tag(url, {"team": "c", "cost centre": ""})
        self.assertEqual(self.tags(url), {"team": "c", "Team": "b", "cost centre": ""})
        self.sqs.untag_queue(QueueUrl=url, TagKeys=["team", "absent"])
        self.assertEqual(self.tags(url), {"Team": "b", "cost centre": ""})

    def test_none_are_listed_as_nothing(self):
        self.assertNotIn("Tags", self.sqs.list_queue_tags(QueueUrl=self.new_queue()))

    def test_at_their_limits(self):
        url = self.new_queue()
        tags = {"k" * 128: "v" * 256, "_.:/=+-@ é9": "_.:/=+-@ é9"}
        self.tag(url, tags)
        self.assertEqual(self.tags(url), tags)

    def test_past_their_limits(self):
        url = self.new_queue()
        for tags in (
            {"k" * 129: "v"},
            {"": "v"},
            {"k": "v" * 257},
            {"aws:k": "v"},
            {"k?": "v"},
        ):
            with self.subTest(tags=tags), self.refused("InvalidParameterValue"):
                self.tag(url, tags)
        self.assertEqual(self.tags(url), {})

    def test_fifty_and_no_more(self):
        url = self.new_queue()
        self.tag(url, {f"k{number}": "v" for number in range(50)})
        self.tag(url, {"k0": "again"})
        with self.refused("InvalidParameterValue"):
            self.tag(url, {"one": "more"})
        self.assertEqual(len(self.tags(url)), 50)


if __name__ == "__main__":
    unittest.main()
