"""Accounts are strangers to each other: every action with the queue of another account, in both
protocols, without leave, with half of it, and with both halves; and the same for nobody.

The servers are the suite's own, by the clock on the wall, which is that of the signer.
"""

import base64
import dataclasses
import json
import unittest

import signing
from signing import Key, form_request, json_request, sign
from test_credentials import CredentialsTest, code_of
from test_signatures import ACCOUNT, ADA, EVE, KEYS, OTHER_ACCOUNT

BOB = Key("AKIDBOB", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEBOB")
CAROL = Key("AKIDCAROL", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLECAR")
DAN = Key("AKIDDAN", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEDAN")
ADA_ENTRY = KEYS[0]
EVE_ENTRY = KEYS[-1]
# Bob may do everything, Carol nothing, and Dan everything but what is done with messages.
OTHERS = (
    (OTHER_ACCOUNT, "bob", BOB, []),
    (OTHER_ACCOUNT, "carol", CAROL, []),
    (OTHER_ACCOUNT, "dan", DAN, []),
)
NOT_MESSAGES = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "sqs:*Message", "Resource": f"arn:aws:sqs:*:{ACCOUNT}:*"},
    ],
}
USERS = {
    "carol": "",
    "dan": f"[[account.user.policy]]\nname = \"p\"\ndocument = '''{json.dumps(NOT_MESSAGES)}'''\n",
}
DENIED = (403, "AccessDenied")
MISSING = (400, "AWS.SimpleQueueService.NonExistentQueue")
# What a policy can give to another account, with the action that stands in the policy.
SHARED = {
    "SendMessage": "SendMessage",
    "SendMessageBatch": "SendMessage",
    "ReceiveMessage": "ReceiveMessage",
    "ChangeMessageVisibility": "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessage": "DeleteMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "GetQueueAttributes": "GetQueueAttributes",
    "GetQueueUrl": "GetQueueUrl",
    "ListDeadLetterSourceQueues": "ListDeadLetterSourceQueues",
    "PurgeQueue": "PurgeQueue",
}
LISTS = {
    "AWSAccountIds": "AWSAccountId",
    "Actions": "ActionName",
    "AttributeNames": "AttributeName",
    "TagKeys": "TagKey",
}
MAPS = {"Attributes": ("Attribute", "Name"), "Tags": ("Tag", "Key")}


def to_query(action, parameters):
    """The parameters of a JSON request as those of a Query request."""
    fields = {}
    for name, value in parameters.items():
        if name == "Entries":
            for number, entry in enumerate(value, 1):
                for key, text in entry.items():
                    fields[f"{action}RequestEntry.{number}.{key}"] = text
        elif name in MAPS:
            prefix, key_name = MAPS[name]
            for number, (key, text) in enumerate(value.items(), 1):
                fields[f"{prefix}.{number}.{key_name}"] = key
                fields[f"{prefix}.{number}.Value"] = text
        elif name in LISTS:
            fields.update({f"{LISTS[name]}.{n}": text for n, text in enumerate(value, 1)})
        else:
            fields[name] = value
    return fields


def json_call(endpoint, action, parameters):
    return json_request(endpoint, action, parameters)


def query_call(endpoint, action, parameters):
    return form_request(endpoint, action, to_query(action, parameters))


PROTOCOLS = {"JSON": json_call, "Query": query_call}


@dataclasses.dataclass
class Target:
    """A queue with a dead-letter queue, and the handles of messages in it."""

    url: str
    arn: str
    dead_arn: str
    handles: tuple = ("none", "none", "none", "none")

    def calls(self):
        """The parameters of every action with the queue of another account, by name."""
        name = self.url.rsplit("/", 1)[1]
        queue = {"QueueUrl": self.url}
        source = {"SourceArn": self.dead_arn}
        task = json.dumps({"taskId": "t", "sourceArn": self.dead_arn}).encode()
        shown, shown_in_batch, done, done_in_batch = self.handles
        visible = {"VisibilityTimeout": 60}
        return {
            "SendMessage": {**queue, "MessageBody": "m"},
            "SendMessageBatch": {**queue, "Entries": [{"Id": "a", "MessageBody": "m"}]},
            "ReceiveMessage": queue,
            "ChangeMessageVisibility": {**queue, "ReceiptHandle": shown, **visible},
            "ChangeMessageVisibilityBatch": {
                **queue,
                "Entries": [{"Id": "a", "ReceiptHandle": shown_in_batch, **visible}],
            },
            "DeleteMessage": {**queue, "ReceiptHandle": done},
            "DeleteMessageBatch": {
                **queue,
                "Entries": [{"Id": "a", "ReceiptHandle": done_in_batch}],
            },
            "GetQueueAttributes": {**queue, "AttributeNames": ["QueueArn"]},
            "GetQueueUrl": {"QueueName": name, "QueueOwnerAWSAccountId": ACCOUNT},
            "ListDeadLetterSourceQueues": queue,
            "PurgeQueue": queue,
            "AddPermission": {
                **queue,
                "Label": "l",
                "AWSAccountIds": [OTHER_ACCOUNT],
                "Actions": ["SendMessage"],
            },
            "RemovePermission": {**queue, "Label": "shared"},
            "SetQueueAttributes": {**queue, "Attributes": {"DelaySeconds": "1"}},
            "TagQueue": {**queue, "Tags": {"team": "shop"}},
            "UntagQueue": {**queue, "TagKeys": ["team"]},
            "ListQueueTags": queue,
            "StartMessageMoveTask": source,
            "ListMessageMoveTasks": source,
            "CancelMessageMoveTask": {"TaskHandle": base64.b64encode(task).decode()},
            "DeleteQueue": queue,
        }


class AccountsTest(CredentialsTest):
    def setUp(self):
        self.start(ADA_ENTRY, EVE_ENTRY, *OTHERS, users=USERS)
        self.ada = self.client(ADA)
        self.eve = self.client(EVE)

    def make_target(self, name, policy_actions=()):
        """A queue of Ada's with a message in it; its policy lets the other account do these."""
        dead = self.ada.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        redrive = json.dumps({"deadLetterTargetArn": f"{arn}-dead", "maxReceiveCount": 9})
        url = self.ada.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})
        url = url["QueueUrl"]
        self.ada.send_message(QueueUrl=url, MessageBody="secret")
        for queue, resource in ((url, arn), (dead, f"{arn}-dead")):
            if policy_actions:
                statement = {
                    "Sid": "shared",
                    "Effect": "Allow",
                    "Principal": {"AWS": OTHER_ACCOUNT},
                    "Action": [f"sqs:{action}" for action in policy_actions],
                    "Resource": resource,
                }
                policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
                self.ada.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        return Target(url, arn, f"{arn}-dead")

    def ask(self, protocol, action, parameters, key):
        """key: None for a request that nobody has signed."""
        request = PROTOCOLS[protocol](self.server.endpoint, action, parameters)
        if key is not None:
            return sign(request, key).send(self.server.endpoint)
        unsigned = signing.Request(request.method, "/", dict(request.headers), request.body)
        return unsigned.send(self.server.endpoint)

    def check_refused(self, protocol, action, reply, expected=DENIED, text=""):
        self.assertEqual((reply.status, reply.code), expected, f"{action}: {reply.text}")
        if protocol == "JSON" and expected == DENIED:
            self.assertEqual(reply.type, "com.amazon.coral.service#AccessDeniedException")
        if protocol == "JSON":
            self.assertIn(text, reply.text)

    def refuse_all(self, target, key, text, except_for=(), hidden=MISSING):
        for protocol in PROTOCOLS:
            for action, parameters in target.calls().items():
                if action in except_for:
                    continue
                with self.subTest(protocol=protocol, action=action):
                    reply = self.ask(protocol, action, parameters, key)
                    if action == "GetQueueUrl" and hidden == MISSING:
                        self.check_refused(protocol, action, reply, MISSING)
                    else:
                        self.check_refused(protocol, action, reply, DENIED, text)

    def check_untouched(self, target, text="secret"):
        attributes = self.ada.get_queue_attributes(QueueUrl=target.url, AttributeNames=["All"])
        attributes = attributes["Attributes"]
        self.assertEqual(attributes["DelaySeconds"], "0")
        self.assertEqual(attributes["ApproximateNumberOfMessages"], "1")
        self.assertNotIn("Tags", self.ada.list_queue_tags(QueueUrl=target.url))
        messages = self.ada.receive_message(QueueUrl=target.url)["Messages"]
        self.assertEqual([message["Body"] for message in messages], [text])


class EveryAction(AccountsTest):
    def test_all_actions_are_asked_for(self):
        known = set(self.ada.meta.service_model.operation_names)
        missing = known - set(Target("h/a/q", "", "").calls())
        self.assertEqual(missing, {"CreateQueue", "ListQueues"})

    def test_without_a_policy_of_the_queue_all_are_refused(self):
        target = self.make_target("jobs")
        for key in (EVE, BOB):
            self.refuse_all(target, key, "because no resource-based policy allows the sqs:")
        self.refuse_all(target, CAROL, "is not authorized to perform: sqs:")
        self.check_untouched(target)

    def test_nobody_is_refused_all(self):
        target = self.make_target("jobs", ["*"])
        self.refuse_all(target, None, f"Access to the resource {self.server.endpoint}", hidden=None)
        for protocol in PROTOCOLS:
            for action, parameters in (("CreateQueue", {"QueueName": "q"}), ("ListQueues", {})):
                with self.subTest(protocol=protocol, action=action):
                    reply = self.ask(protocol, action, parameters, None)
                    self.check_refused(protocol, action, reply, DENIED, "Access to the resource")
        self.check_untouched(target)

    def test_a_policy_of_the_queue_alone_is_not_enough_for_a_user(self):
        target = self.make_target("jobs", ["*"])
        owners = set(target.calls()) - set(SHARED)
        self.refuse_all(
            target, CAROL, "because no identity-based policy allows the sqs:", except_for=owners
        )
        self.refuse_all(
            target, CAROL, "because no resource-based policy allows the sqs:", except_for=SHARED
        )
        self.check_untouched(target)

    def test_a_deny_of_the_user_wins(self):
        target = self.make_target("jobs", ["*"])
        messages = [action for action in SHARED if SHARED[action].endswith("Message")]
        self.refuse_all(
            target,
            DAN,
            "with an explicit deny in an identity-based policy",
            except_for=set(target.calls()) - set(messages),
        )
        self.check_untouched(target)
        reply = self.ask("JSON", "GetQueueUrl", target.calls()["GetQueueUrl"], DAN)
        self.assertEqual(json.loads(reply.body)["QueueUrl"], target.url)

    def test_with_both_what_can_be_shared_works_and_nothing_else(self):
        for protocol in PROTOCOLS:
            for key in (BOB, EVE):
                target = self.make_target(f"jobs-{protocol}-{key.id}", ["*"])
                self.refuse_all(
                    target, key, "because no resource-based policy allows", except_for=SHARED
                )
                self.ada.send_message_batch(
                    QueueUrl=target.url,
                    Entries=[{"Id": str(n), "MessageBody": "m"} for n in range(3)],
                )
                messages = self.client(key).receive_message(
                    QueueUrl=target.url, MaxNumberOfMessages=10
                )["Messages"]
                target.handles = tuple(message["ReceiptHandle"] for message in messages)
                self.assertEqual(len(target.handles), 4)
                for action in SHARED:
                    with self.subTest(protocol=protocol, action=action, key=key.id):
                        reply = self.ask(protocol, action, target.calls()[action], key)
                        self.assertEqual(reply.status, 200, reply.text)
                        self.assertNotIn(b"Failed", reply.body)
                        self.assertNotIn(b"BatchResultErrorEntry", reply.body)
                left = self.ada.receive_message(QueueUrl=target.url)
                self.assertNotIn("Messages", left, "PurgeQueue came last")

    def test_each_permission_is_for_its_own_action(self):
        for permission in set(SHARED.values()):
            target = self.make_target(f"only-{permission}", [permission])
            given = [action for action in SHARED if SHARED[action] == permission]
            self.refuse_all(target, BOB, "because no resource-based policy", except_for=given)
            for protocol in PROTOCOLS:
                for action in given:
                    with self.subTest(protocol=protocol, action=action):
                        reply = self.ask(protocol, action, target.calls()[action], BOB)
                        self.assertNotEqual(reply.code, "AccessDenied", reply.text)

    def test_new_queues_and_lists_are_of_the_own_account(self):
        target = self.make_target("jobs", ["*"])
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol):
                listed = self.ask(protocol, "ListQueues", {}, BOB)
                self.assertEqual(listed.status, 200)
                self.assertNotIn(ACCOUNT.encode(), listed.body)
                made = self.ask(protocol, "CreateQueue", {"QueueName": "jobs"}, BOB)
                self.assertIn(f"/{OTHER_ACCOUNT}/jobs".encode(), made.body)
        self.check_untouched(target)


class Accounts(AccountsTest):
    def test_the_same_name_is_another_queue(self):
        ours = self.ada.create_queue(QueueName="jobs")["QueueUrl"]
        theirs = self.eve.create_queue(QueueName="jobs")["QueueUrl"]
        self.assertNotEqual(ours, theirs)
        self.ada.send_message(QueueUrl=ours, MessageBody="ours")
        self.assertNotIn("Messages", self.eve.receive_message(QueueUrl=theirs))

    def test_permissions_let_another_account_in(self):
        url = self.ada.create_queue(QueueName="jobs")["QueueUrl"]
        self.ada.add_permission(
            QueueUrl=url, Label="eve", AWSAccountIds=[OTHER_ACCOUNT], Actions=["SendMessage"]
        )
        self.eve.send_message(QueueUrl=url, MessageBody="from eve")
        entries = [{"Id": "1", "MessageBody": "and more"}]
        self.eve.send_message_batch(QueueUrl=url, Entries=entries)
        denied = ("AccessDenied", 403)
        self.assertEqual(code_of(self.eve.receive_message, QueueUrl=url), denied)
        self.ada.remove_permission(QueueUrl=url, Label="eve")
        self.assertEqual(
            code_of(self.eve.send_message, QueueUrl=url, MessageBody="too late"), denied
        )
        messages = self.ada.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        self.assertEqual(sorted(m["Body"] for m in messages), ["and more", "from eve"])

    def test_a_deny_holds_for_the_account_itself(self):
        url = self.ada.create_queue(QueueName="jobs")["QueueUrl"]
        policy = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:SendMessage",
                "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs",
                "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
            },
        }
        self.ada.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        denied = ("AccessDenied", 403)
        self.assertEqual(code_of(self.ada.send_message, QueueUrl=url, MessageBody="m"), denied)
        self.ada.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
        self.ada.send_message(QueueUrl=url, MessageBody="m")

    def test_denials_say_who_and_what(self):
        url = self.ada.create_queue(QueueName="jobs")["QueueUrl"]
        parameters = {"QueueUrl": url, "MessageBody": "m"}
        request = json_request(self.server.endpoint, "SendMessage", parameters)
        reply = sign(request, EVE).send(self.server.endpoint)
        self.assertEqual(
            reply.text,
            f"User: arn:aws:iam::{OTHER_ACCOUNT}:root is not authorized to perform: "
            f"sqs:sendmessage on resource: arn:aws:sqs:us-east-1:{ACCOUNT}:jobs because no "
            "resource-based policy allows the sqs:sendmessage action",
        )
        request = signing.form_request(self.server.endpoint, "SendMessage", parameters)
        reply = sign(request, EVE).send(self.server.endpoint)
        self.assertEqual(reply.text, f"Access to the resource {url} is denied.")


if __name__ == "__main__":
    unittest.main()
