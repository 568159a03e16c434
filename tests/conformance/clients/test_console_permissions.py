"""What the console's actions on queues and messages need: the permissions of their counterparts in
SQS, by the policies of users and of all queues that they touch, and a line in the audit log.
"""

import json
import pathlib
import tempfile
import unittest

import millrace_server
import signing
from signing import Key, json_request, sign
from test_console_edge import ACCOUNT, ADA, OTHER_ACCOUNT, ROOT, STRANGER

NOBODY = Key("AKIDNOBODY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLENOB")
KEYS = [
    (ACCOUNT, "root", ROOT, []),
    (ACCOUNT, "ada", ADA, []),
    (ACCOUNT, "nobody", NOBODY, []),
    (OTHER_ACCOUNT, "root", STRANGER, []),
]
# Of the console's actions on one queue: what they take besides its URL, and the permission.
ON_A_QUEUE = {
    "PeekMessages": ({}, "ReceiveMessage"),
    "SearchMessages": ({"Text": "x"}, "ReceiveMessage"),
    "GetMessage": ({"PeekId": "none"}, "ReceiveMessage"),
    "ListMessageGroups": ({}, "ReceiveMessage"),
    "ListConsumers": ({}, "ReceiveMessage"),
    "DeleteMessages": ({"PeekIds": ["none"]}, "DeleteMessage"),
    "DescribeQueue": ({}, "GetQueueAttributes"),
    "GetQueueMetrics": ({"Period": 1}, "GetQueueAttributes"),
    "TestPolicy": ({}, "GetQueueAttributes"),
}
ON_AN_ACCOUNT = ("ListQueuesDetailed", "GetTopology")
DENIED = (403, "AccessDenied")


class PermissionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="millrace-permissions-")
        cls.addClassCleanup(folder.cleanup)
        cls.audit_path = pathlib.Path(folder.name) / "audit.log"
        cls.file = signing.CredentialsFile(*KEYS, users={"nobody": "policies = []\n"})
        cls.addClassCleanup(cls.file.close)
        cls.server = millrace_server.Server(
            ["--account", ACCOUNT, "--credentials", cls.file.path,
             "--audit-log", str(cls.audit_path)],
            test_clock=False,
        )
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def ask(self, action, parameters, key=ADA, console=True):
        request = json_request(
            self.server.endpoint, action, parameters, "/console/api/" if console else "/"
        )
        if console:
            request.headers.replace_header("X-Amz-Target", f"Millrace.{action}")
        return sign(request, key).send(self.server.endpoint)

    def outcome(self, action, parameters, key=ADA):
        reply = self.ask(action, parameters, key)
        return (reply.status, reply.code)

    def sqs(self, action, **parameters):
        """What root has done."""
        reply = self.ask(action, parameters, ROOT, console=False)
        self.assertEqual(reply.status, 200, reply.text)
        return json.loads(reply.body or b"{}")

    def new_queue(self, name, *statements):
        url = self.sqs("CreateQueue", QueueName=name)["QueueUrl"]
        if statements:
            self.set_policy(url, *statements)
        return url

    def set_policy(self, url, *statements):
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        text = json.dumps(policy) if statements else ""
        self.sqs("SetQueueAttributes", QueueUrl=url, Attributes={"Policy": text})

    def statement(self, effect, url, action, account=ACCOUNT, user="user/ada"):
        name = url.rpartition("/")[2]
        return {
            "Effect": effect,
            "Principal": {"AWS": f"arn:aws:iam::{account}:{user}"},
            "Action": f"sqs:{action}",
            "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}",
        }

    def peek_ids(self, url):
        reply = self.ask("PeekMessages", {"QueueUrl": url}, ROOT)
        return [message["PeekId"] for message in json.loads(reply.body)["Messages"]]


class OneQueue(PermissionTest):
    def test_a_deny_of_the_counterpart_is_one_of_the_action(self):
        for action, (parameters, permission) in ON_A_QUEUE.items():
            with self.subTest(action):
                url = self.new_queue(f"deny-{action}")
                asked = {"QueueUrl": url, **parameters}
                self.assertNotEqual(self.outcome(action, asked), DENIED)
                self.set_policy(url, self.statement("Deny", url, permission))
                self.assertEqual(self.outcome(action, asked), DENIED)

    def test_another_account_needs_the_queue_to_allow_it(self):
        for action, (parameters, permission) in ON_A_QUEUE.items():
            with self.subTest(action):
                url = self.new_queue(f"allow-{action}")
                asked = {"QueueUrl": url, **parameters}
                self.assertEqual(self.outcome(action, asked, STRANGER), DENIED)
                allow = self.statement("Allow", url, permission, OTHER_ACCOUNT, "root")
                self.set_policy(url, allow)
                self.assertNotEqual(self.outcome(action, asked, STRANGER), DENIED)

    def test_who_may_nothing_sees_nothing(self):
        url = self.new_queue("closed")
        for action, (parameters, _) in ON_A_QUEUE.items():
            asked = {"QueueUrl": url, **parameters}
            self.assertEqual(self.outcome(action, asked, NOBODY), DENIED, action)
        for action in ON_AN_ACCOUNT:
            self.assertEqual(self.outcome(action, {}, NOBODY), DENIED, action)
            self.assertEqual(self.outcome(action, {}), (200, ""), action)

    def test_another_account_sees_only_its_own_queues(self):
        self.new_queue("mine")
        for action in ON_AN_ACCOUNT:
            reply = self.ask(action, {}, STRANGER)
            self.assertEqual(json.loads(reply.body)["Queues"], [], action)


class Move(PermissionTest):
    def setUp(self):
        name = self._testMethodName[-40:]
        self.source = self.new_queue(f"{name}-source")
        self.target = self.new_queue(f"{name}-target")
        self.sqs("SendMessage", QueueUrl=self.source, MessageBody="hello")

    def move(self, key=ADA):
        return self.outcome(
            "MoveMessages",
            {
                "SourceUrl": self.source,
                "DestinationUrl": self.target,
                "PeekIds": self.peek_ids(self.source),
            },
            key,
        )

    def needs(self):
        """(queue, permission) of all that a move needs."""
        return [
            (self.source, "ReceiveMessage"),
            (self.source, "DeleteMessage"),
            (self.target, "SendMessage"),
        ]

    def test_each_of_the_three_can_be_denied(self):
        for url, permission in self.needs():
            with self.subTest(permission):
                self.set_policy(url, self.statement("Deny", url, permission))
                self.assertEqual(self.move(), DENIED)
                self.set_policy(url)
                self.assertEqual(len(self.peek_ids(self.source)), 1)
        self.assertEqual(self.move(), (200, ""))
        self.assertEqual(len(self.peek_ids(self.target)), 1)

    def test_another_account_needs_all_three_from_both_queues(self):
        given = {self.source: [], self.target: []}
        for url, permission in self.needs():
            self.assertEqual(self.move(STRANGER), DENIED)
            given[url].append(self.statement("Allow", url, permission, OTHER_ACCOUNT, "root"))
            for number, statement in enumerate(given[url]):
                statement["Sid"] = str(number)
            self.set_policy(url, *given[url])
        self.assertEqual(self.move(STRANGER), (200, ""))
        self.assertEqual(len(self.peek_ids(self.target)), 1)


class Told(PermissionTest):
    def test_moves_and_deletes_are_audited_and_looks_when_they_are_denied(self):
        url = self.new_queue("told")
        self.outcome("PeekMessages", {"QueueUrl": url})
        self.outcome("PeekMessages", {"QueueUrl": url}, NOBODY)
        self.outcome("DeleteMessages", {"QueueUrl": url, "PeekIds": ["none"]})
        target = self.new_queue("told-target", self.statement("Deny", url + "-target", "*"))
        move = {"SourceUrl": url, "DestinationUrl": target, "PeekIds": ["none"]}
        self.outcome("MoveMessages", move)
        self.server.stop()
        told = [
            (line["act"], line["decision"], line["user"], line["resource"].rpartition(":")[2])
            for line in map(json.loads, self.audit_path.read_text(encoding="utf-8").splitlines())
            if line["user"] not in ("", "root")
        ]
        self.assertEqual(
            told,
            [
                ("PeekMessages", "denied", "nobody", "told"),
                ("DeleteMessages", "allowed", "ada", "told"),
                ("MoveMessages", "denied", "ada", "told-target"),
            ],
        )


if __name__ == "__main__":
    unittest.main()
