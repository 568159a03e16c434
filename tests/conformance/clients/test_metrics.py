"""Metrics and history: GET /metrics in the eyes of Prometheus' own parser, numbers that agree with
what was sent, received and deleted, who may read them, and the actions that tell of the last
minutes.

The servers are the suite's own.
"""

import http.client
import json
import os
import pathlib
import tempfile
import unittest
import urllib.parse

from prometheus_client.parser import text_string_to_metric_families

import millrace_server
import signing
from signing import Key, Request, json_request, sign
from test_signatures import ACCOUNT, ADA, EVE, KEYS

DEVELOPMENT_ACCOUNT = "000000000000"
ROOT = Key("AKIDROOT", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEROO")
TOKEN = "a-token-for-prometheus"


def samples(text):
    """{(name, labels as a sorted tuple): value}; a sample that is there twice is an error."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in found:
                raise AssertionError(f"{key} is there twice")
            found[key] = sample.value
    return found


class MetricsTest(unittest.TestCase):
    maxDiff = None

    def start(self, *options, keys=(), test_clock=True):
        options = list(options)
        if keys:
            file = signing.CredentialsFile(*keys)
            self.addCleanup(file.close)
            options += ["--credentials", file.path]
        self.server = millrace_server.Server(options, test_clock=test_clock)
        self.addCleanup(self.server.close)
        self.server.start()

    def get(self, path="/metrics", method="GET", **headers):
        """(status, headers, body)"""
        place = urllib.parse.urlsplit(self.server.endpoint)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        self.addCleanup(connection.close)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read().decode()

    def scrape(self, **headers):
        status, _, text = self.get(**headers)
        self.assertEqual(status, 200, text)
        return samples(text)

    def ask(self, action, key=None, **parameters):
        """(status, reply) of an action; those of the console too."""
        of_sqs = action in ACTIONS_OF_SQS
        path = "/" if of_sqs else "/console/api/"
        request = json_request(self.server.endpoint, action, parameters, path)
        if not of_sqs:
            request.headers.replace_header("X-Amz-Target", f"Millrace.{action}")
        if key is not None:
            request = sign(request, key)
        else:
            request = Request("POST", path, dict(request.headers), request.body)
        reply = request.send(self.server.endpoint)
        return reply.status, json.loads(reply.body or b"{}")

    def done(self, action, **parameters):
        status, reply = self.ask(action, **parameters)
        self.assertEqual(status, 200, reply)
        return reply

    def new_queue(self, name="q", **attributes):
        return self.done("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]

    def queue_value(self, scraped, metric, queue="q"):
        labels = (("account", DEVELOPMENT_ACCOUNT), ("queue", queue))
        return scraped[(f"millrace_queue_{metric}", labels)]


ACTIONS_OF_SQS = {
    "CreateQueue",
    "DeleteMessage",
    "DeleteQueue",
    "ListQueues",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
}


class Exposition(MetricsTest):
    def test_the_format_and_its_type(self):
        self.start()
        status, headers, text = self.get()
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        families = {family.name: family for family in text_string_to_metric_families(text)}
        for name, family in families.items():
            self.assertTrue(family.documentation, name)
            self.assertIn(family.type, ("counter", "gauge", "histogram"), name)
        status, _, body = self.get(method="HEAD")
        self.assertEqual((status, body), (200, ""))

    def test_every_metric_is_documented(self):
        self.start()
        documented = set()
        page = pathlib.Path(__file__).resolve().parents[3] / "docs/metrics.md"
        for line in page.read_text(encoding="utf-8").splitlines():
            if line.startswith("| `"):
                documented.add(line.split("`")[1])
        _, _, text = self.get()
        told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
        self.assertEqual(told, documented)

    def test_numbers_agree_with_what_was_done(self):
        self.start()
        dead = self.new_queue("dead")
        arn = f"arn:aws:sqs:us-east-1:{DEVELOPMENT_ACCOUNT}:dead"
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
        url = self.new_queue("q", RedrivePolicy=policy, VisibilityTimeout="10")
        for index in range(7):
            self.done("SendMessage", QueueUrl=url, MessageBody=f"body-{index}")
        attribute = {"name": {"DataType": "String", "StringValue": "value"}}
        self.done("SendMessage", QueueUrl=url, MessageBody="x", MessageAttributes=attribute)
        self.done("SendMessage", QueueUrl=url, MessageBody="later", DelaySeconds=600)
        messages = self.done("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=5)["Messages"]
        self.assertEqual(len(messages), 5)
        for message in messages[:3]:
            self.done("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        self.done("ReceiveMessage", QueueUrl=dead)
        scraped = self.scrape()
        expected = {
            "messages_sent_total": 9,
            "sent_bytes_total": 7 * 6 + (1 + 4 + 6 + 5) + 5,
            "messages_received_total": 5,
            "messages_deleted_total": 3,
            "messages_visible": 3,
            "messages_in_flight": 2,
            "messages_delayed": 1,
            "messages_dead_lettered_total": 0,
            "empty_receives_total": 0,
        }
        for metric, value in expected.items():
            self.assertEqual(self.queue_value(scraped, metric), value, metric)
        self.assertEqual(self.queue_value(scraped, "empty_receives_total", "dead"), 1)
        self.server.advance(20_000)
        self.done("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)
        scraped = self.scrape()
        self.assertEqual(self.queue_value(scraped, "messages_dead_lettered_total"), 2)
        self.assertEqual(self.queue_value(scraped, "messages_visible", "dead"), 2)
        self.assertEqual(self.queue_value(scraped, "oldest_message_age_seconds"), 20)
        self.assertEqual(scraped[("millrace_messages_sent_total", ())], 9)
        self.assertEqual(scraped[("millrace_messages_dead_lettered_total", ())], 2)

    def test_requests_by_action_and_outcome(self):
        self.start()
        self.done("ListQueues")
        self.done("ListQueues")
        self.ask("SendMessage", QueueUrl="http://h/000000000000/none", MessageBody="x")
        scraped = self.scrape()
        requests = {
            (dict(labels)["action"], dict(labels)["code"]): value
            for (name, labels), value in scraped.items()
            if name == "millrace_requests_total"
        }
        self.assertEqual(
            requests, {("ListQueues", "OK"): 2, ("SendMessage", "QueueDoesNotExist"): 1}
        )
        labels = (("action", "ListQueues"),)
        self.assertEqual(scraped[("millrace_request_duration_seconds_count", labels)], 2)
        whole = (("action", "ListQueues"), ("le", "+Inf"))
        self.assertEqual(scraped[("millrace_request_duration_seconds_bucket", whole)], 2)
        self.assertGreaterEqual(scraped[("millrace_http_connections", ())], 1)
        self.assertGreater(scraped[("millrace_http_received_bytes_total", ())], 0)
        self.assertGreater(scraped[("millrace_http_sent_bytes_total", ())], 0)

    def test_gauges_are_right_after_a_restart(self):
        self.start()
        url = self.new_queue()
        for index in range(4):
            self.done("SendMessage", QueueUrl=url, MessageBody=str(index))
        self.done("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=600)
        self.server.stop()
        self.server.start()
        scraped = self.scrape()
        self.assertEqual(self.queue_value(scraped, "messages_visible"), 3)
        self.assertEqual(self.queue_value(scraped, "messages_in_flight"), 1)
        self.assertEqual(self.queue_value(scraped, "messages_sent_total"), 0)
        self.assertEqual(scraped[("millrace_queues", ())], 1)

    def test_a_deleted_queue_is_told_no_more_but_stays_in_the_sum(self):
        self.start()
        url = self.new_queue()
        self.done("SendMessage", QueueUrl=url, MessageBody="x")
        self.scrape()
        self.done("DeleteQueue", QueueUrl=url)
        scraped = self.scrape()
        self.assertFalse([key for key in scraped if ("queue", "q") in key[1]])
        self.assertEqual(scraped[("millrace_messages_sent_total", ())], 1)
        self.assertEqual(scraped[("millrace_messages_visible", ())], 0)

    def test_queues_beyond_the_bound_are_added_up(self):
        self.start("--metrics-queues", "2")
        for index in range(5):
            url = self.new_queue(f"q{index}")
            self.done("SendMessage", QueueUrl=url, MessageBody="x")
        scraped = self.scrape()
        told = {
            dict(labels)["queue"]: value
            for (name, labels), value in scraped.items()
            if name == "millrace_queue_messages_visible"
        }
        self.assertEqual(told, {"q0": 1, "q1": 1, "(others)": 3})

    def test_commits_and_the_process(self):
        self.start()
        self.new_queue()
        scraped = self.scrape()
        self.assertGreater(scraped[("millrace_commits_total", ())], 0)
        commits = scraped[("millrace_commits_total", ())]
        self.assertEqual(scraped[("millrace_commit_duration_seconds_count", ())], commits)
        self.assertGreater(scraped[("millrace_store_bytes", ())], 0)
        self.assertGreater(scraped[("millrace_disk_available_bytes", ())], 0)
        self.assertGreater(scraped[("process_resident_memory_bytes", ())], 1 << 20)
        self.assertGreater(scraped[("process_open_fds", ())], 3)


class Access(MetricsTest):
    def token_file(self):
        descriptor, path = tempfile.mkstemp()
        self.addCleanup(os.unlink, path)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(TOKEN + "\n")
        return path

    def test_it_can_be_switched_off(self):
        self.start("--metrics", "off")
        self.assertNotEqual(self.get()[0], 200)

    def test_an_address_that_is_not_listed(self):
        self.start("--metrics-allow", "192.0.2.0/24")
        status, _, text = self.get()
        self.assertEqual(status, 403)
        self.assertNotIn("millrace_", text)

    def test_what_an_unknown_proxy_forwards(self):
        self.start()
        self.assertEqual(self.get(X_Forwarded_For="127.0.0.1")[0], 403)
        self.assertEqual(self.get(Forwarded="for=127.0.0.1")[0], 403)

    def test_behind_a_trusted_proxy_it_is_the_client_that_counts(self):
        self.start("--trusted-proxies", "127.0.0.1", "--metrics-allow", "192.0.2.7")
        self.assertEqual(self.get(X_Forwarded_For="192.0.2.7")[0], 200)
        self.assertEqual(self.get(X_Forwarded_For="192.0.2.8")[0], 403)
        self.assertEqual(self.get()[0], 403)

    def test_a_token(self):
        self.start("--metrics-token-file", self.token_file())
        status, headers, _ = self.get()
        self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"))
        self.assertEqual(self.get(Authorization="Bearer " + TOKEN[:-1])[0], 401)
        self.assertEqual(self.get(Authorization="Bearer " + TOKEN)[0], 200)

    def test_a_token_that_others_can_read(self):
        path = self.token_file()
        os.chmod(path, 0o644)
        with self.assertRaises(RuntimeError) as refused:
            self.start("--metrics-token-file", path)
        self.assertIn(path, str(refused.exception))


class History(MetricsTest):
    def series(self, url, period=1, **parameters):
        return self.done("GetQueueMetrics", QueueUrl=url, Period=period, **parameters)

    def test_a_point_for_every_second(self):
        self.start()
        url = self.new_queue()
        self.done("SendMessage", QueueUrl=url, MessageBody="abc")
        self.series(url)
        self.server.advance(2000)
        for _ in range(3):
            self.done("SendMessage", QueueUrl=url, MessageBody="abc")
        self.done("ReceiveMessage", QueueUrl=url)
        told = self.series(url)
        self.assertEqual(told["Period"], 1)
        self.assertEqual(told["Start"] % 1000, 0)
        series = told["Series"]
        self.assertEqual({len(values) for values in series.values()}, {900})
        self.assertEqual(series["Sent"][-3:], [1, 0, 3])
        self.assertEqual(series["SentBytes"][-3:], [3, 0, 9])
        self.assertEqual(series["Received"][-3:], [0, 0, 1])
        self.assertEqual(series["Messages"][-3:], [1, 1, 3])
        self.assertEqual(series["InFlight"][-3:], [0, 0, 1])
        self.assertEqual(series["OldestAge"][-1], 2)
        self.assertIsNone(series["Sent"][0])

    def test_minutes_and_hours(self):
        self.start()
        url = self.new_queue()
        self.done("SendMessage", QueueUrl=url, MessageBody="x")
        self.series(url)
        self.server.advance(3600_000)
        self.done("SendMessage", QueueUrl=url, MessageBody="x")
        minutes = self.series(url, 60)["Series"]["Sent"]
        self.assertEqual(len(minutes), 1440)
        self.assertEqual((minutes[-1], minutes[-61], sum(filter(None, minutes))), (1, 1, 2))
        hours = self.series(url, 3600)["Series"]["Sent"]
        self.assertEqual(len(hours), 720)
        self.assertEqual(hours[-2:], [1, 1])

    def test_a_span_of_time(self):
        self.start()
        url = self.new_queue()
        whole = self.series(url)
        newest = whole["Start"] + 899_000
        told = self.series(url, From=newest - 4000, To=newest - 2000)
        self.assertEqual(told["Start"], newest - 4000)
        self.assertEqual(len(told["Series"]["Sent"]), 3)

    def test_what_is_refused(self):
        self.start()
        url = self.new_queue()
        status, reply = self.ask("GetQueueMetrics", QueueUrl=url, Period=7)
        self.assertEqual(status, 400)
        self.assertIn("Period must be 1, 60 or 3600", reply["message"])
        self.assertEqual(self.ask("GetQueueMetrics", QueueUrl=url)[0], 400)
        status, _ = self.ask("GetQueueMetrics", QueueUrl=url, Period=1, From=5, To=4)
        self.assertEqual(status, 400)
        status, reply = self.ask("GetQueueMetrics", QueueUrl=url + "x", Period=1)
        self.assertIn("QueueDoesNotExist", reply["__type"])

    def test_the_server(self):
        self.start()
        self.new_queue()
        self.ask("SendMessage", QueueUrl="http://h/000000000000/none", MessageBody="x")
        series = self.done("GetServerMetrics", Period=60)["Series"]
        self.assertEqual(len(series["Requests"]), 1440)
        self.assertEqual((series["Requests"][-1], series["Errors"][-1]), (2, 1))
        self.assertGreater(series["RequestP99"][-1], 0)
        self.assertGreater(series["CommitP50"][-1], 0)
        self.assertGreater(series["ResidentBytes"][-1], 1 << 20)

    def test_information(self):
        self.start("--memory", "64")
        self.new_queue()
        told = self.done("GetServerInformation")
        self.assertEqual((told["Queues"], told["Shards"], told["Cores"]), (1, 1, 1))
        self.assertEqual(told["MemoryBudgetBytes"], 64 << 20)
        self.assertTrue(told["Development"])
        options = {option["Name"]: option for option in told["Options"]}
        self.assertEqual((options["memory"]["Value"], options["memory"]["Source"]), ("64", "flag"))
        self.assertEqual(options["io-threads"]["Source"], "default")
        self.assertIn(
            {"Name": "BatchEntries", "Value": 10, "Description": "entries of a batch"},
            told["Limits"],
        )


class Accounts(MetricsTest):
    """Ada's account is the server's own; Eve's is another."""

    def setUp(self):
        keys = (*KEYS, (ACCOUNT, "root", ROOT, []))
        self.start("--account", ACCOUNT, keys=keys, test_clock=False)
        status, reply = self.ask("CreateQueue", key=ADA, QueueName="secret-plans")
        self.assertEqual(status, 200, reply)
        self.url = reply["QueueUrl"]

    def test_the_metrics_of_a_queue_are_for_its_account(self):
        self.assertEqual(self.ask("GetQueueMetrics", key=ADA, QueueUrl=self.url, Period=1)[0], 200)
        status, reply = self.ask("GetQueueMetrics", key=EVE, QueueUrl=self.url, Period=1)
        self.assertEqual(status, 403, reply)
        self.assertIn("AccessDenied", reply["__type"])
        self.assertEqual(self.ask("GetQueueMetrics", QueueUrl=self.url, Period=1)[0], 401)

    def test_the_server_is_told_of_only_to_its_own_account(self):
        for action in ("GetServerInformation", "GetServerMetrics"):
            self.assertEqual(self.ask(action, key=EVE, Period=1)[0], 403, action)
            self.assertEqual(self.ask(action, Period=1)[0], 401, action)
            self.assertEqual(self.ask(action, key=ROOT, Period=1)[0], 200, action)

    def test_a_signature_is_no_way_to_the_metrics_of_all(self):
        place = urllib.parse.urlsplit(self.server.endpoint)
        self.assertEqual(place.hostname, "127.0.0.1")
        status, _, text = self.get(X_Forwarded_For="203.0.113.9")
        self.assertEqual(status, 403)
        self.assertNotIn("secret-plans", text)


if __name__ == "__main__":
    unittest.main()
