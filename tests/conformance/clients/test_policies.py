"""Policies of users, from the credentials file: what boto3 gets to do with them.

The servers are the suite's own, by the clock on the wall, which is that of the signer.
"""

import json
import pathlib
import subprocess
import tempfile
import threading
import unittest

import botocore.exceptions

import millrace_server
import signing
from signing import Key
from test_credentials import BINARY, CredentialsTest, code_of
from test_signatures import ACCOUNT, ADA

ROOT = Key("AKIDROOT", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEROO")
CAROL = Key("AKIDCAROL", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLECAR")
ROOT_ENTRY = (ACCOUNT, "root", ROOT, [])
ADA_ENTRY = (ACCOUNT, "ada", ADA, [])
CAROL_ENTRY = (ACCOUNT, "carol", CAROL, [])
DENIED = ("AccessDenied", 403)
ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
ROUNDS = 20


def statement(actions, resource="*", effect="Allow", **condition):
    made = {"Effect": effect, "Action": actions, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def inline(*statements, name="own", owner="account.user"):
    """The lines of a policy in the credentials file."""
    text = document(*statements)
    return f"[[{owner}.policy]]\nname = \"{name}\"\ndocument = '''{text}'''\n"


class PoliciesTest(CredentialsTest):
    def start_with(self, ada, carol="", accounts=None):
        """A server whose users Ada and Carol have these lines, with the queues jobs, ada-in and
        carol-in."""
        lines = {"ada": ada, "carol": carol}
        entries = (ROOT_ENTRY, ADA_ENTRY, CAROL_ENTRY)
        self.start(*entries, users=lines, accounts=accounts)
        self.root = self.client(ROOT)
        self.ada = self.client(ADA)
        self.carol = self.client(CAROL)
        self.urls = {
            name: self.root.create_queue(QueueName=name)["QueueUrl"]
            for name in ("jobs", "ada-in", "carol-in")
        }

    def reload_with(self, ada):
        self.file.write(ROOT_ENTRY, ADA_ENTRY, CAROL_ENTRY, users={"ada": ada, "carol": ""})
        return self.server.reload()

    def refused(self, call, **parameters):
        self.assertEqual(code_of(call, **parameters), DENIED)

    def send(self, client, name):
        return client.send_message(QueueUrl=self.urls[name], MessageBody="m")


class Managed(PoliciesTest):
    def test_without_a_policy_nothing_is_allowed(self):
        self.start_with("")
        self.refused(self.ada.list_queues)
        self.refused(self.ada.create_queue, QueueName="new")
        self.refused(self.ada.get_queue_url, QueueName="jobs")
        self.refused(self.ada.send_message, QueueUrl=self.urls["jobs"], MessageBody="m")
        self.refused(self.ada.receive_message, QueueUrl=self.urls["jobs"] + "-not-there")

    def test_full_access(self):
        self.start_with('policies = ["AmazonSQSFullAccess"]\n')
        url = self.ada.create_queue(QueueName="new", tags={"team": "red"})["QueueUrl"]
        self.ada.send_message(QueueUrl=url, MessageBody="m")
        self.ada.delete_queue(QueueUrl=url)

    def test_read_only(self):
        self.start_with('policies = ["AmazonSQSReadOnlyAccess"]\n')
        url = self.urls["jobs"]
        self.assertEqual(len(self.ada.list_queues()["QueueUrls"]), 3)
        self.assertEqual(self.ada.get_queue_url(QueueName="jobs")["QueueUrl"], url)
        self.ada.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        self.ada.list_queue_tags(QueueUrl=url)
        self.ada.list_dead_letter_source_queues(QueueUrl=url)
        for call, parameters in (
            (self.ada.send_message, {"MessageBody": "m"}),
            (self.ada.send_message_batch, {"Entries": [{"Id": "a", "MessageBody": "m"}]}),
            (self.ada.receive_message, {}),
            (self.ada.purge_queue, {}),
            (self.ada.delete_queue, {}),
            (self.ada.set_queue_attributes, {"Attributes": {"DelaySeconds": "1"}}),
            (self.ada.tag_queue, {"Tags": {"team": "red"}}),
        ):
            self.refused(call, QueueUrl=url, **parameters)
        self.refused(self.ada.create_queue, QueueName="jobs")

    def test_root_needs_none(self):
        self.start_with("")
        self.send(self.root, "jobs")
        self.assertEqual(len(self.root.list_queues()["QueueUrls"]), 3)


class Written(PoliciesTest):
    def test_queues_by_the_beginning_of_their_names(self):
        self.start_with(inline(statement("sqs:*", ARN + "ada-*")))
        self.send(self.ada, "ada-in")
        self.refused(self.ada.send_message, QueueUrl=self.urls["jobs"], MessageBody="m")
        self.ada.create_queue(QueueName="ada-new")
        self.refused(self.ada.create_queue, QueueName="new")
        self.refused(self.ada.list_queues)

    def test_one_policy_for_everybodys_own_queues(self):
        own = statement("sqs:*", ARN + "${aws:username}-*")
        lines = 'policies = ["own-queues"]\n'
        account = {ACCOUNT: inline(own, name="own-queues", owner="account")}
        self.start_with(lines, lines, account)
        self.send(self.ada, "ada-in")
        self.send(self.carol, "carol-in")
        for client, other in ((self.ada, "carol-in"), (self.carol, "ada-in")):
            self.refused(client.send_message, QueueUrl=self.urls[other], MessageBody="m")

    def test_groups(self):
        group = '[[account.group]]\nname = "readers"\npolicies = ["AmazonSQSReadOnlyAccess"]\n'
        self.start_with('groups = ["readers"]\n', accounts={ACCOUNT: group})
        self.ada.list_queues()
        self.refused(self.ada.receive_message, QueueUrl=self.urls["jobs"])
        self.refused(self.carol.list_queues)

    def test_a_policy_in_a_file_of_its_own(self):
        # It may be readable for all: it holds no secret.
        folder = tempfile.TemporaryDirectory(prefix="millrace-policies-")
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "sends.json"
        path.write_text(document(statement("sqs:SendMessage")), encoding="utf-8")
        lines = f'[[account.user.policy]]\nname = "own"\npolicy_file = "{path}"\n'
        self.start_with(lines)
        self.send(self.ada, "jobs")
        self.refused(self.ada.receive_message, QueueUrl=self.urls["jobs"])
        path.write_text(document(statement("sqs:ReceiveMessage")), encoding="utf-8")
        self.assertIn("credentials taken over", self.server.reload())
        self.ada.receive_message(QueueUrl=self.urls["jobs"])
        self.refused(self.ada.send_message, QueueUrl=self.urls["jobs"], MessageBody="m")

    def test_by_address(self):
        here = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
        elsewhere = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
        self.start_with(
            inline(statement("sqs:*", **here)), inline(statement("sqs:*", **elsewhere))
        )
        self.send(self.ada, "jobs")
        self.refused(self.carol.send_message, QueueUrl=self.urls["jobs"], MessageBody="m")

    def test_a_deny_wins(self):
        deny = statement("sqs:Send*", ARN + "jobs", effect="Deny")
        self.start_with('policies = ["AmazonSQSFullAccess"]\n' + inline(deny))
        self.send(self.ada, "ada-in")
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            self.send(self.ada, "jobs")
        self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDenied")
        policy = {
            "Version": "2012-10-17",
            "Statement": {**statement("sqs:*", ARN + "jobs"), "Principal": "*"},
        }
        self.root.set_queue_attributes(
            QueueUrl=self.urls["jobs"], Attributes={"Policy": json.dumps(policy)}
        )
        self.refused(self.ada.send_message, QueueUrl=self.urls["jobs"], MessageBody="m")
        self.send(self.carol, "jobs")

    def test_batches_are_the_action_that_they_repeat(self):
        self.start_with(inline(statement("sqs:SendMessage")))
        entries = [{"Id": "a", "MessageBody": "m"}]
        self.ada.send_message_batch(QueueUrl=self.urls["jobs"], Entries=entries)
        handles = [{"Id": "a", "ReceiptHandle": "h"}]
        self.refused(
            self.ada.delete_message_batch, QueueUrl=self.urls["jobs"], Entries=handles
        )

    def test_refusals_say_why(self):
        self.start_with("", inline(statement("sqs:SendMessage", effect="Deny")))
        parameters = {"QueueUrl": self.urls["jobs"], "MessageBody": "m"}
        for key, user, why in (
            (ADA, "ada", "because no identity-based policy allows the sqs:sendmessage action"),
            (CAROL, "carol", "with an explicit deny in an identity-based policy"),
        ):
            request = signing.json_request(self.server.endpoint, "SendMessage", parameters)
            reply = signing.sign(request, key).send(self.server.endpoint)
            self.assertEqual(
                reply.text,
                f"User: arn:aws:iam::{ACCOUNT}:user/{user} is not authorized to perform: "
                f"sqs:sendmessage on resource: {ARN}jobs {why}",
            )
            self.assertEqual(reply.type, "com.amazon.coral.service#AccessDeniedException")
            request = signing.form_request(self.server.endpoint, "SendMessage", parameters)
            reply = signing.sign(request, key).send(self.server.endpoint)
            self.assertEqual((reply.status, reply.code), (403, "AccessDenied"))
            url = self.urls["jobs"]
            self.assertEqual(reply.text, f"Access to the resource {url} is denied.")


class Changed(PoliciesTest):
    def test_a_policy_changes_while_requests_are_under_way(self):
        self.start_with(inline(statement("sqs:SendMessage")))
        done = threading.Event()
        outcomes = set()

        def work():
            sqs = self.client(ADA)
            while not done.is_set():
                outcomes.add(
                    code_of(sqs.send_message, QueueUrl=self.urls["jobs"], MessageBody="m")
                )

        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for _ in range(ROUNDS):
            self.assertIn("taken over", self.reload_with(inline(statement("sqs:ReceiveMessage"))))
            self.refused(self.ada.send_message, QueueUrl=self.urls["jobs"], MessageBody="m")
            self.ada.receive_message(QueueUrl=self.urls["jobs"])
            self.assertIn("taken over", self.reload_with(inline(statement("sqs:SendMessage"))))
            self.send(self.ada, "jobs")
            self.refused(self.ada.receive_message, QueueUrl=self.urls["jobs"])
        done.set()
        for worker in workers:
            worker.join()
        self.assertEqual(outcomes, {("", 200), DENIED})

    def test_a_broken_policy_leaves_the_old_one_in_force(self):
        self.start_with(inline(statement("sqs:SendMessage")))
        for lines, cause in (
            (inline(statement("Send")), "the policy own of the user ada: Statement 1: Invalid"),
            ('policies = ["nobodys"]\n', "there is no policy nobodys"),
        ):
            line = self.reload_with(lines)
            self.assertIn("credentials not taken over", line)
            self.assertIn(cause, line)
            self.assertIn(self.file.path, line)
            self.send(self.ada, "jobs")

    def test_a_broken_policy_ends_the_start(self):
        file = signing.CredentialsFile(ADA_ENTRY, users={"ada": inline(statement("Send"))})
        self.addCleanup(file.close)
        outcome = subprocess.run(
            [BINARY, "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--credentials", file.path],
            capture_output=True,
            text=True,
            check=False,
            timeout=millrace_server.START_SECONDS_MAX,
        )
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn(f"{file.path}: the policy own of the user ada:", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
