"""What the management console asks about messages and queues, and LocalStack's peek URL.

The queues and their messages are boto3's; the console's own actions are asked for by requests made
here.
"""

import concurrent.futures
import http.client
import json
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree

from millrace_server import Server
from support import (
    ENDPOINT,
    MESSAGE_BYTES_MAX,
    REGION,
    SqsTest,
    advance,
    make_client,
    md5,
    md5_of_attributes,
    text_attribute,
)

PAGES_MAX = 1000
GROUPS_MAX = 4096  # that are named
BACKLOG = 100_000
SENDERS = 8


class Refused(Exception):
    """(HTTP status, code, message)"""


def ask(action, endpoint=ENDPOINT, **parameters):
    """The reply to one of the console's actions."""
    request = urllib.request.Request(
        f"{endpoint}/console/api/",
        data=json.dumps(parameters).encode(),
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"Millrace.{action}",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read())
    except urllib.error.HTTPError as refusal:
        error = json.loads(refusal.read())
        code = error["__type"].rpartition("#")[2]
        raise Refused(refusal.code, code, error["message"]) from None


def pages(action, member, **parameters):
    """What all pages of a list tell."""
    found = []
    for _ in range(PAGES_MAX):
        reply = ask(action, **parameters)
        found.extend(reply[member])
        if "NextToken" not in reply:
            return found
        parameters["NextToken"] = reply["NextToken"]
    raise AssertionError("the pages do not end")


def bodies(messages):
    return [message["Body"] for message in messages]


class PeekTest(SqsTest):
    def new_fifo(self, **attributes):
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", **attributes}
        return self.new_queue(attributes, name=self.new_name("q") + ".fifo")

    def send_many(self, url, texts):
        for first in range(0, len(texts), 10):
            entries = [
                {"Id": str(number), "MessageBody": text}
                for number, text in enumerate(texts[first : first + 10])
            ]
            self.sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def peek(self, url, **parameters):
        return pages("PeekMessages", "Messages", QueueUrl=url, **parameters)

    def search(self, url, **parameters):
        return pages("SearchMessages", "Messages", QueueUrl=url, **parameters)

    def refused_with(self, code, action, **parameters):
        with self.assertRaises(Refused) as caught:
            ask(action, **parameters)
        self.assertEqual(caught.exception.args[1], code)


class MessagesTest(PeekTest):
    def test_peek_tells_the_state_of_each_message_and_changes_none(self):
        url = self.new_queue({"VisibilityTimeout": "30"})
        self.send(url, "received")
        self.assertEqual(len(self.receive(url)), 1)
        self.send(url, "later", DelaySeconds=60)
        self.send(url, "waiting")
        before = self.counts(url)
        for _ in range(3):
            received, later, waiting = self.peek(url)
        self.assertEqual(bodies([received, later, waiting]), ["received", "later", "waiting"])
        states = [message["State"] for message in (received, later, waiting)]
        self.assertEqual(states, ["inFlight", "delayed", "available"])
        self.assertEqual(received["ReceiveCount"], 1)
        self.assertEqual(received["VisibleAt"] - received["FirstReceiveTimestamp"], 30_000)
        self.assertEqual(later["VisibleAt"] - later["SentTimestamp"], 60_000)
        self.assertNotIn("VisibleAt", waiting)
        self.assertNotIn("FirstReceiveTimestamp", waiting)
        self.assertEqual(self.counts(url), before)
        self.assertEqual(bodies(self.peek(url, States=["delayed"])), ["later"])
        advance(61)
        self.assertEqual({m["State"] for m in self.peek(url)}, {"available"})

    def test_peek_tells_what_a_receive_tells(self):
        url = self.new_queue()
        attributes = {
            "text": text_attribute("red"),
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff\x01"},
        }
        sent = self.send(url, "hello", MessageAttributes=attributes)
        (message,) = self.peek(url)
        self.assertEqual(message["MessageId"], sent["MessageId"])
        self.assertEqual(message["MD5OfBody"], md5("hello"))
        self.assertEqual(message["MD5OfMessageAttributes"], md5_of_attributes(attributes))
        self.assertEqual(message["MessageAttributes"]["bytes"]["BinaryValue"], "AP8B")
        self.assertEqual(message["MessageAttributes"]["text"]["StringValue"], "red")
        self.assertEqual(ask("GetMessage", QueueUrl=url, PeekId=message["PeekId"])["Message"],
                         message)

    def test_bodies_are_cut_between_characters_and_given_whole_by_get_message(self):
        url = self.new_queue()
        body = "€" * (MESSAGE_BYTES_MAX // 3)
        self.send(url, body)
        (message,) = self.peek(url, MaxBodyBytes=10)
        self.assertEqual(message["Body"], "€€€")
        self.assertTrue(message["BodyTruncated"])
        self.assertEqual(message["BodySize"], len(body.encode()))
        whole = ask("GetMessage", QueueUrl=url, PeekId=message["PeekId"])["Message"]
        self.assertEqual(whole["Body"], body)
        self.assertFalse(whole["BodyTruncated"])

    def test_large_messages_come_in_pages_that_stay_small(self):
        url = self.new_queue()
        for number in range(8):
            self.send(url, str(number) * MESSAGE_BYTES_MAX)
        reply = ask("PeekMessages", QueueUrl=url, MaxBodyBytes=MESSAGE_BYTES_MAX, MaxResults=100)
        self.assertLess(len(reply["Messages"]), 8)
        found = self.peek(url, MaxBodyBytes=MESSAGE_BYTES_MAX, MaxResults=100)
        self.assertEqual([body[0] for body in bodies(found)], list("01234567"))

    def test_pages_meet_what_is_there_all_the_time_once(self):
        url = self.new_queue()
        texts = [f"m{number}" for number in range(100)]
        self.send_many(url, texts)
        seen, token = [], {}
        for _ in range(PAGES_MAX):
            reply = ask("PeekMessages", QueueUrl=url, MaxResults=7, **token)
            seen.extend(bodies(reply["Messages"]))
            if "NextToken" not in reply:
                break
            token = {"NextToken": reply["NextToken"]}
            if len(seen) < 60:
                self.send(url, "new")
                for message in self.receive(url, 1, VisibilityTimeout=0):
                    if message["Body"] == "new":
                        self.sqs.delete_message(
                            QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]
                        )
        self.assertEqual([body for body in seen if body != "new"], texts)

    def test_search_finds_by_each_criterion(self):
        url = self.new_queue()
        self.send(url, "an order of tea")
        advance(10)
        sent = self.send(
            url,
            "an order of coffee",
            MessageGroupId="tenant",
            MessageAttributes={"color": text_attribute("red")},
        )
        coffee = ["an order of coffee"]
        late = self.peek(url)[1]["SentTimestamp"]
        for criteria in (
            {"Text": "coffee"},
            {"MessageId": sent["MessageId"]},
            {"MessageGroupId": "tenant"},
            {"AttributeName": "color"},
            {"AttributeValue": "red"},
            {"AttributeName": "color", "AttributeValue": "red"},
            {"SentAfter": late},
            {"SentAfter": late, "SentBefore": late, "Text": "order", "States": ["available"]},
        ):
            self.assertEqual(bodies(self.search(url, **criteria)), coffee, criteria)
        for criteria in (
            {"Text": "Coffee"},
            {"MessageId": str(uuid.uuid4())},
            {"MessageGroupId": "another"},
            {"AttributeName": "color", "AttributeValue": "blue"},
            {"Text": "coffee", "States": ["inFlight"]},
            {"SentAfter": late + 1},
        ):
            self.assertEqual(self.search(url, **criteria), [], criteria)
        self.assertEqual(bodies(self.search(url, SentBefore=late - 1)), ["an order of tea"])

    def test_a_dead_letter_is_found_by_the_id_that_it_has_always_had(self):
        dead = self.new_queue()
        source = self.new_queue({"RedrivePolicy": self.redrive(dead, 1), "VisibilityTimeout": "0"})
        sent = self.send(source, "a")
        self.receive(source)
        self.receive(source)
        (message,) = self.search(dead, MessageId=sent["MessageId"])
        self.assertEqual(message["DeadLetterQueueSourceArn"], self.arn(source))
        self.assertNotEqual(message["PeekId"], message["MessageId"])

    def test_fifo_messages_are_told_with_their_group_and_place(self):
        url = self.new_fifo()
        sent = self.send(url, "a", MessageGroupId="g")
        (message,) = self.peek(url)
        self.assertEqual(message["MessageGroupId"], "g")
        self.assertEqual(message["SequenceNumber"], sent["SequenceNumber"])

    def test_delete_works_in_any_state_and_tells_what_was_gone(self):
        url = self.new_queue()
        self.send(url, "received")
        handle = self.receive(url)[0]["ReceiptHandle"]
        self.send(url, "later", DelaySeconds=60)
        self.send(url, "kept")
        received, later, _ = (message["PeekId"] for message in self.peek(url))
        unknown = str(uuid.uuid4())
        reply = ask("DeleteMessages", QueueUrl=url, PeekIds=[received, later, unknown, "no id"])
        self.assertEqual(reply["Deleted"], [received, later])
        self.assertEqual([failed["PeekId"] for failed in reply["Failed"]], [unknown, "no id"])
        self.assertEqual(self.counts(url), (1, 0, 0))
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
        again = ask("DeleteMessages", QueueUrl=url, PeekIds=[received])
        self.assertEqual(again["Deleted"], [])
        self.assertEqual(again["Failed"][0]["PeekId"], received)
        advance(61)
        self.assertEqual(bodies(self.receive(url)), ["kept"])

    def test_move_takes_what_is_available_or_delayed(self):
        source, target = self.new_queue(), self.new_queue()
        self.send(source, "received")
        self.receive(source)
        self.send_many(source, [f"m{number}" for number in range(25)])
        self.send(source, "later", DelaySeconds=60)
        ids = [message["PeekId"] for message in self.peek(source)]
        reply = ask("MoveMessages", SourceUrl=source, DestinationUrl=target, PeekIds=ids)
        self.assertEqual([failed["PeekId"] for failed in reply["Failed"]], ids[:1])
        self.assertEqual(sorted(reply["Moved"]), sorted(ids[1:]))
        self.assertEqual(bodies(self.peek(source)), ["received"])
        expected = [f"m{number}" for number in range(25)] + ["later"]
        self.assertEqual(bodies(self.peek(target)), expected)
        self.assertEqual(self.counts(target), (26, 0, 0))

    def test_fifo_groups_keep_their_order_when_messages_leave_them(self):
        source, target = self.new_fifo(), self.new_fifo()
        for body in "abcdef":
            self.send(source, body, MessageGroupId="g")
        found = {message["Body"]: message["PeekId"] for message in self.peek(source)}
        ask("DeleteMessages", QueueUrl=source, PeekIds=[found["b"]])
        moved = [found["e"], found["d"]]
        ask("MoveMessages", SourceUrl=source, DestinationUrl=target, PeekIds=moved)
        self.assertEqual(bodies(self.receive(source)), list("acf"))
        self.assertEqual(bodies(self.receive(target)), list("de"))

    def test_a_move_needs_two_queues_of_one_type(self):
        source, fifo = self.new_queue(), self.new_fifo()
        self.send(source, "a")
        ids = [self.peek(source)[0]["PeekId"]]
        for target in (source, fifo):
            self.refused_with("InvalidParameterValueException", "MoveMessages", SourceUrl=source,
                              DestinationUrl=target, PeekIds=ids)
        self.refused_with("QueueDoesNotExist", "MoveMessages", SourceUrl=source,
                          DestinationUrl=source + "-not", PeekIds=ids)

    def test_wrong_parameters_are_refused(self):
        url, other = self.new_queue(), self.new_queue()
        self.send_many(url, [f"m{number}" for number in range(30)])
        token = ask("PeekMessages", QueueUrl=url, MaxResults=1)["NextToken"]
        for parameters in (
            {"MaxResults": 0},
            {"MaxResults": 101},
            {"MaxBodyBytes": -1},
            {"States": ["gone"]},
            {"NextToken": "none"},
        ):
            self.refused_with("InvalidParameterValueException", "PeekMessages", QueueUrl=url,
                              **parameters)
        self.refused_with("InvalidParameterValueException", "PeekMessages", QueueUrl=other,
                          NextToken=token)
        self.refused_with("InvalidParameterValueException", "DeleteMessages", QueueUrl=url,
                          PeekIds=["x"] * 101)
        self.refused_with("ResourceNotFoundException", "GetMessage", QueueUrl=url, PeekId="x")
        self.refused_with("QueueDoesNotExist", "PeekMessages", QueueUrl=url + "-not")


class GroupsTest(PeekTest):
    def test_fifo_groups_are_listed_with_their_locks(self):
        url = self.new_fifo(VisibilityTimeout="30")
        for number in range(3):
            for group in ("g", "h"):
                self.send(url, f"{group}{number}", MessageGroupId=group)
        (received,) = self.receive(url, 1)
        locked, free = pages("ListMessageGroups", "Groups", QueueUrl=url)
        self.assertEqual(locked["MessageGroupId"], "g")
        self.assertEqual((locked["Messages"], locked["InFlight"]), (3, 1))
        self.assertTrue(locked["Locked"])
        self.assertEqual(locked["HeadMessageId"], received["MessageId"])
        self.assertGreater(locked["LockedUntil"], locked["HeadSentTimestamp"])
        self.assertEqual((free["MessageGroupId"], free["Messages"]), ("h", 3))
        self.assertFalse(free["Locked"])

    def test_many_groups_come_in_pages(self):
        url = self.new_fifo()
        names = [f"g{number}" for number in range(50)]
        for _ in range(2):
            for name in names:
                self.send(url, str(uuid.uuid4()), MessageGroupId=name)
        groups = pages("ListMessageGroups", "Groups", QueueUrl=url, MaxResults=7)
        self.assertEqual([group["MessageGroupId"] for group in groups], names)

    def test_more_groups_than_a_token_remembers(self):
        url = self.new_queue()
        names = [f"g{number}" for number in range(GROUPS_MAX + 100)]
        for first in range(0, len(names), 10):
            self.send_to_groups(url, names[first : first + 10])
        self.send_to_groups(url, names[:10])  # which have been named by then
        found, reply = [], {"NextToken": None}
        while "NextToken" in reply:
            token = reply["NextToken"]
            reply = ask("ListMessageGroups", QueueUrl=url, MaxResults=100, NextToken=token)
            found += [group["MessageGroupId"] for group in reply["Groups"]]
            self.assertEqual(reply["Truncated"], len(found) == GROUPS_MAX)
        self.assertEqual(found, names[:GROUPS_MAX])

    def send_to_groups(self, url, names):
        entries = [
            {"Id": str(i), "MessageBody": name, "MessageGroupId": name}
            for i, name in enumerate(names)
        ]
        reply = self.sqs.send_message_batch(QueueUrl=url, Entries=entries)
        self.assertNotIn("Failed", reply)

    def test_tenants_of_a_standard_queue_are_listed_and_the_noisy_one_is_told(self):
        url = self.new_queue()
        for _ in range(40):
            self.send(url, "x", MessageGroupId="noisy")
        self.send(url, "y", MessageGroupId="quiet")
        self.send(url, "z")
        for _ in range(4):
            self.receive(url)
        self.receive(url, 1)
        noisy, quiet = pages("ListMessageGroups", "Groups", QueueUrl=url)
        self.assertEqual((noisy["MessageGroupId"], noisy["Messages"]), ("noisy", 40))
        self.assertTrue(noisy["Noisy"])
        self.assertEqual((quiet["MessageGroupId"], quiet["Messages"]), ("quiet", 1))
        self.assertFalse(quiet["Noisy"])


class ConsumersTest(PeekTest):
    def test_those_who_wait_and_those_who_have_received_are_told(self):
        url = self.new_queue()
        self.assertEqual(ask("ListConsumers", QueueUrl=url), {"Waiting": [], "RecentConsumers": []})
        self.send(url, "a")
        self.receive(url)
        reply = ask("ListConsumers", QueueUrl=url)
        (consumer,) = reply["RecentConsumers"]
        self.assertEqual(consumer["SourceAddress"], "127.0.0.1")
        self.assertIn("Boto3", consumer["UserAgent"])
        self.assertEqual((consumer["Receives"], consumer["Messages"]), (1, 1))
        self.assertEqual(reply["LastReceive"], consumer["LastReceive"])
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            poll = pool.submit(self.receive, url, WaitTimeSeconds=20)
            for _ in range(PAGES_MAX):
                waiting = ask("ListConsumers", QueueUrl=url)["Waiting"]
                if waiting:
                    break
            self.assertEqual(waiting[0]["SourceAddress"], "127.0.0.1")
            self.assertEqual(waiting[0]["Until"] - waiting[0]["Since"], 20_000)
            self.send(url, "b")
            self.assertEqual(bodies(poll.result()), ["b"])
        self.assertEqual(ask("ListConsumers", QueueUrl=url)["Waiting"], [])


class QueuesTest(PeekTest):
    def test_queues_are_filtered_sorted_and_paged(self):
        hint = self.new_name("list")
        urls = [self.new_queue(name=f"{hint}-{number}") for number in range(5)]
        for number, url in enumerate(urls):
            self.send_many(url, ["x"] * number)
        self.sqs.tag_queue(QueueUrl=urls[2], Tags={"team": "red"})
        names = [f"{hint}-{number}" for number in range(5)]

        def listed(**parameters):
            found = pages("ListQueuesDetailed", "Queues", NameContains=hint, **parameters)
            return [queue["QueueName"] for queue in found]

        self.assertEqual(listed(), names)
        self.assertEqual(listed(MaxResults=2), names)
        self.assertEqual(listed(SortBy="messages", Descending=True, MaxResults=2), names[::-1])
        self.assertEqual(listed(MinimumMessages=3), names[3:])
        self.assertEqual(listed(TagKey="team", TagValue="red"), [names[2]])
        self.assertEqual(listed(TagKey="team", TagValue="blue"), [])
        self.assertEqual(listed(Type="fifo"), [])
        reply = ask("ListQueuesDetailed", NameContains=hint, MaxResults=1)
        self.assertEqual(reply["MatchingCount"], 5)
        self.assertGreaterEqual(reply["TotalCount"], 5)
        self.refused_with("InvalidParameterValueException", "ListQueuesDetailed", SortBy="size")

    def test_a_queue_is_described_with_its_dead_letter_queue_and_its_age(self):
        dead = self.new_queue()
        source = self.new_queue({"RedrivePolicy": self.redrive(dead, 3)})
        self.send(source, "a")
        advance(120)
        queue = ask("DescribeQueue", QueueUrl=source)["Queue"]
        self.assertEqual(queue["Messages"], 1)
        self.assertGreaterEqual(queue["OldestAge"], 120)
        self.assertEqual(queue["DeadLetterTargetArn"], self.arn(dead))
        self.assertEqual(queue["MaxReceiveCount"], 3)
        self.assertNotIn("LastReceive", queue)
        self.receive(source)
        self.assertIn("LastReceive", ask("DescribeQueue", QueueUrl=source)["Queue"])
        self.assertEqual(ask("DescribeQueue", QueueUrl=dead)["Queue"]["DeadLetterSourceCount"], 1)
        for is_one, name in ((True, dead), (False, source)):
            found = pages("ListQueuesDetailed", "Queues", IsDeadLetterQueue=is_one)
            self.assertIn(name, [queue["QueueUrl"] for queue in found])

    def test_the_topology_tells_edges_and_leaves_lonely_queues_out(self):
        dead, lonely = self.new_queue(), self.new_queue()
        source = self.new_queue({"RedrivePolicy": self.redrive(dead, 3)})
        reply = ask("GetTopology")
        urls = [queue["QueueUrl"] for queue in reply["Queues"]]
        self.assertIn(dead, urls)
        self.assertNotIn(lonely, urls)
        edge = {
            "SourceArn": self.arn(source),
            "DeadLetterArn": self.arn(dead),
            "MaxReceiveCount": 3,
        }
        self.assertIn(edge, reply["Edges"])
        self.assertFalse(reply["Truncated"])


class LocalStackTest(PeekTest):
    def fetch(self, path, accept=None):
        request = urllib.request.Request(ENDPOINT + path)
        if accept:
            request.add_header("Accept", accept)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.headers["Content-Type"], reply.read()

    def test_a_name_that_somebody_has_led_here_is_refused(self):
        url = self.new_queue()
        self.send(url, "hello")
        query = urllib.parse.urlencode({"QueueUrl": url})
        request = urllib.request.Request(
            f"{ENDPOINT}/_aws/sqs/messages?{query}", headers={"Host": "rebound.example"}
        )
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        self.assertEqual(refused.exception.code, 403)
        text = refused.exception.read()
        self.assertIn(b"--console-host rebound.example", text)
        self.assertNotIn(b"hello", text)

    def test_messages_are_shown_as_localstack_shows_them(self):
        url = self.new_queue()
        sent = self.send(url, "hello")
        self.send(url, "later", DelaySeconds=60)
        query = urllib.parse.urlencode({"QueueUrl": url})
        kind, text = self.fetch(f"/_aws/sqs/messages?{query}")
        self.assertIn("xml", kind)
        found = [
            element.text
            for element in xml.etree.ElementTree.fromstring(text).iter()
            if element.tag.endswith("Body") and not element.tag.endswith("MD5OfBody")
        ]
        self.assertEqual(found, ["hello"])
        name = urllib.parse.urlparse(url).path
        kind, text = self.fetch(
            f"/_aws/sqs/messages/{REGION}{name}?ShowDelayed=true", "application/json"
        )
        self.assertIn("json", kind)
        messages = json.loads(text)["ReceiveMessageResponse"]["ReceiveMessageResult"]
        self.assertIn(sent["MessageId"], json.dumps(messages))
        self.assertIn("later", json.dumps(messages))
        self.receive(url)
        _, text = self.fetch(f"/_aws/sqs/messages?{query}")
        self.assertNotIn(b"hello", text)
        _, text = self.fetch(f"/_aws/sqs/messages?{query}&ShowInvisible=true")
        self.assertIn(b"hello", text)


def fill(endpoint, url, part):
    """Sends one part of BACKLOG messages, by requests that cost less than boto3's."""
    connection = http.client.HTTPConnection(urllib.parse.urlparse(endpoint).netloc, timeout=60)
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.SendMessageBatch",
    }
    for first in range(part * 10, BACKLOG, SENDERS * 10):
        entries = [
            {"Id": str(i), "MessageBody": f"{first + i}:" + "x" * 700} for i in range(10)
        ]
        body = json.dumps({"QueueUrl": url, "Entries": entries})
        connection.request("POST", "/", body, headers)
        reply = connection.getresponse()
        reply.read()
        if reply.status != 200:
            raise AssertionError(f"a batch was answered with {reply.status}")
    connection.close()


class BacklogTest(unittest.TestCase):
    """Far more messages than memory has room for, and a restart."""

    def test_a_long_backlog_is_searched_and_paged_on_disk(self):
        with Server(["--memory", "32"]) as server:
            sqs = make_client(server.endpoint)
            url = sqs.create_queue(QueueName="long")["QueueUrl"]
            with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
                parts = [pool.submit(fill, server.endpoint, url, i) for i in range(SENDERS)]
                for part in parts:
                    part.result()
            server.stop()
            server.start()
            url = make_client(server.endpoint).get_queue_url(QueueName="long")["QueueUrl"]
            for wanted in (0, 50_000, 99_999):
                found = self.search(server, url, Text=f"{wanted}:x")
                numbers = [message["Body"].partition(":")[0] for message in found]
                self.assertIn(str(wanted), numbers)
            self.assertEqual(len(self.search(server, url, Text="77777:")), 1)

    def search(self, server, url, **parameters):
        found = []
        for _ in range(PAGES_MAX):
            reply = ask("SearchMessages", server.endpoint, QueueUrl=url, MaxBodyBytes=20,
                        **parameters)
            found.extend(reply["Messages"])
            if "NextToken" not in reply:
                self.assertEqual(reply["Total"], BACKLOG)
                return found
            parameters["NextToken"] = reply["NextToken"]
        self.fail("the search does not end")


if __name__ == "__main__":
    unittest.main()
