"""The audit and access logs: who did what from where, and nothing that should not stand there,
whatever the clients send.

The servers are the suite's own. A log is read when its server has stopped: it is whole then.
"""

import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import millrace_server
import signing
from signing import Key, Request, form_request, get_request, json_request, sign
from test_signatures import ACCOUNT, ADA, EVE, KEYS, MAKERS, OTHER_ACCOUNT, TEMPORARY

BINARY = os.environ.get("MILLRACE_BINARY", str(millrace_server.ROOT / "build/release/millrace"))
ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
AUDIT_MEMBERS = [
    "time", "act", "decision", "reason", "account", "user", "access_key", "source", "user_agent",
    "resource", "request_id", "detail",
]
ACCESS_MEMBERS = [
    "time", "request_id", "source", "account", "user", "access_key", "action", "resource", "status",
    "error", "bytes_in", "bytes_out", "duration_us",
]
# What a terminal or an editor would act upon.
ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
HOSTILE = (
    'evil\n{"act":"ServerStopped"}\r\n2026-01-01T00:00:00.000Z error fake=1\x1b[2J\x9b31m\t"\\'
    "\u2028\u202e\u0000end"
)


class LogTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-logs-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.audit_path = self.folder / "audit.log"
        self.access_path = self.folder / "access.log"

    def start(self, *options, keys=KEYS, audit=True, access=True):
        options = list(options)
        if keys:
            self.keys = signing.CredentialsFile(*keys)
            self.addCleanup(self.keys.close)
            options += ["--credentials", self.keys.path]
        if audit:
            options += ["--audit-log", str(self.audit_path)]
        if access:
            options += ["--access-log", str(self.access_path)]
        self.server = millrace_server.Server(options, test_clock=False)
        self.addCleanup(self.server.close)
        self.server.start()
        self.endpoint = self.server.endpoint

    def ask(self, maker, action, parameters, key=ADA, headers=None):
        request = maker(self.endpoint, action, parameters)
        if key is None:
            url = urllib.parse.urlsplit(request.url)
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            plain = Request(request.method, target, dict(request.headers), request.body or b"")
        else:
            plain = sign(request, key)
        plain.headers.update(headers or {})
        return plain.send(self.endpoint)

    def send_raw(self, request):
        """All that comes back for these bytes."""
        place = urllib.parse.urlsplit(self.endpoint)
        received = b""
        with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                received += part
        return received

    def lines(self, path, members):
        text = path.read_text(encoding="utf-8")
        self.assertTrue(text == "" or text.endswith("\n"))
        self.assertIsNone(ACTING.search(text.replace("\n", "")))
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        for line in lines:
            self.assertEqual(list(line), members)
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        return lines

    def audit(self):
        return self.lines(self.audit_path, AUDIT_MEMBERS)

    def access(self):
        return self.lines(self.access_path, ACCESS_MEMBERS)

    def acts(self):
        return [(line["act"], line["decision"], line["reason"]) for line in self.audit()]


class Audit(LogTest):
    def test_every_management_action_has_its_line_in_both_protocols(self):
        self.start()
        for name, maker in (("JSON", json_request), ("Query", form_request)):
            self.manage(name.lower(), maker, name == "JSON")
        self.server.stop()
        lines = self.audit()
        self.assertEqual(lines[0]["act"], "ServerStarted")
        self.assertEqual([line["act"] for line in lines[-2:]], ["ServerStopping", "ServerStopped"])
        expected = [
            "CreateQueue", "CreateQueue", "SetQueueAttributes", "AddPermission", "RemovePermission",
            "TagQueue", "UntagQueue", "StartMessageMoveTask", "CancelMessageMoveTask", "PurgeQueue",
            "DeleteQueue", "DeleteQueue",
        ]
        managed = lines[1:-2]
        self.assertEqual([line["act"] for line in managed], expected * 2)
        for line in managed:
            with self.subTest(act=line["act"]):
                self.assertEqual(line["account"], ACCOUNT)
                self.assertEqual((line["user"], line["access_key"]), ("ada", ADA.id))
                self.assertEqual(line["source"], "127.0.0.1")
                self.assertRegex(line["request_id"], UUID)
                self.assertTrue(line["resource"].startswith(ARN), line["resource"])
                if line["act"] == "CancelMessageMoveTask":  # which had ended, or not
                    self.assertIn(line["decision"], ("allowed", "failed"))
                else:
                    self.assertEqual((line["decision"], line["reason"]), ("allowed", ""))
        self.assertEqual(managed[0]["resource"], ARN + "dead-json")
        self.assertEqual(managed[1]["resource"], ARN + "jobs-json")

    def manage(self, suffix, maker, is_json):
        """Every management action, once."""
        dead, jobs = f"dead-{suffix}", f"jobs-{suffix}"
        url = {"QueueUrl": f"{self.endpoint}/{ACCOUNT}/{jobs}"}
        policy = json.dumps({"deadLetterTargetArn": ARN + dead, "maxReceiveCount": 1})
        queue = {"QueueName": jobs}
        permission = {**url, "Label": "l"}
        tag, untag, attributes = dict(url), dict(url), dict(url)
        if is_json:
            queue["Attributes"] = {"RedrivePolicy": policy}
            permission.update({"AWSAccountIds": [OTHER_ACCOUNT], "Actions": ["SendMessage"]})
            tag["Tags"] = {"team": "shop"}
            untag["TagKeys"] = ["team"]
            attributes["Attributes"] = {"DelaySeconds": "1"}
        else:
            queue.update({"Attribute.1.Name": "RedrivePolicy", "Attribute.1.Value": policy})
            permission.update({"AWSAccountId.1": OTHER_ACCOUNT, "ActionName.1": "SendMessage"})
            tag.update({"Tag.1.Key": "team", "Tag.1.Value": "shop"})
            untag["TagKey.1"] = "team"
            attributes.update({"Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "1"})
        calls = [
            ("CreateQueue", {"QueueName": dead}),
            ("CreateQueue", queue),
            ("SendMessage", {**url, "MessageBody": "not audited"}),
            ("SetQueueAttributes", attributes),
            ("AddPermission", permission),
            ("RemovePermission", {**url, "Label": "l"}),
            ("TagQueue", tag),
            ("UntagQueue", untag),
            ("StartMessageMoveTask", {"SourceArn": ARN + dead}),
        ]
        for action, parameters in calls:
            reply = self.ask(maker, action, parameters)
            self.assertEqual(reply.status, 200, (action, reply.text))
        handle = re.search(rb"[A-Za-z0-9+/=]{60,}", reply.body).group(0).decode()
        self.ask(maker, "CancelMessageMoveTask", {"TaskHandle": handle})
        for action, name in (("PurgeQueue", jobs), ("DeleteQueue", jobs), ("DeleteQueue", dead)):
            gone = {"QueueUrl": f"{self.endpoint}/{ACCOUNT}/{name}"}
            self.assertEqual(self.ask(maker, action, gone).status, 200)

    def test_what_is_refused_has_its_line_with_the_reason(self):
        self.start()
        url = {"QueueUrl": f"{self.endpoint}/{ACCOUNT}/jobs"}
        self.ask(json_request, "CreateQueue", {"QueueName": "jobs"})
        wrong = Key(ADA.id, "x" * 40)
        unknown = Key("AKIDUNKNOWN", "x" * 40)
        for maker in MAKERS.values():
            self.ask(maker, "SendMessage", {**url, "MessageBody": "m"}, wrong)
            self.ask(maker, "ReceiveMessage", url, unknown)
            self.ask(maker, "ReceiveMessage", url, EVE)
            self.ask(maker, "DeleteQueue", url, None)
            self.ask(maker, "GetQueueUrl",
                     {"QueueName": "jobs", "QueueOwnerAWSAccountId": ACCOUNT}, EVE)
            self.ask(maker, "ReceiveMessage", url)  # let happen, so not told
        self.ask(json_request, "CreateQueue",
                 {"QueueName": "jobs", "Attributes": {"DelaySeconds": "7"}})
        self.server.stop()
        refused = [
            ("SendMessage", "denied", "SignatureDoesNotMatch"),
            ("ReceiveMessage", "denied", "InvalidClientTokenId"),
            ("ReceiveMessage", "denied", "AccessDenied"),
            ("DeleteQueue", "denied", "AccessDenied"),
            ("GetQueueUrl", "denied", "AccessDenied"),
        ]
        self.assertEqual(self.acts()[2:-3], refused * len(MAKERS))
        self.assertEqual(self.acts()[-3], ("CreateQueue", "failed", "QueueAlreadyExists"))
        lines = self.audit()
        signature, key, eve, nobody = lines[2:6]
        self.assertEqual((signature["access_key"], signature["account"]), (ADA.id, ""))
        self.assertEqual((key["access_key"], key["account"]), ("AKIDUNKNOWN", ""))
        self.assertEqual((eve["account"], eve["user"]), (OTHER_ACCOUNT, "root"))
        self.assertEqual((eve["resource"], eve["access_key"]), (ARN + "jobs", EVE.id))
        self.assertEqual((nobody["account"], nobody["access_key"]), ("", ""))

    def test_keys_reloads_and_the_life_of_the_server(self):
        self.start()
        self.assertIn("credentials taken over", self.server.reload())
        self.keys.write_text("[[account]]\nid = 3\n")
        self.assertIn("not taken over", self.server.reload())
        subprocess.run(
            [BINARY, "keys", "create", "--user", "bob", "--credentials", str(self.folder / "k"),
             "--audit-log", str(self.audit_path)],
            check=True, capture_output=True,
        )
        self.server.stop()
        beside = ("LogsReopened", "KeyringReloaded")  # SIGHUP is for these, too
        self.assertEqual({act for act in self.acts() if act[0] in beside},
                         {(act, "allowed", "") for act in beside})
        acts = [act for act in self.acts() if act[0] not in beside]
        self.assertEqual(acts, [
            ("ServerStarted", "allowed", ""),
            ("CredentialsReloaded", "allowed", ""),
            ("CredentialsReloaded", "failed", ""),
            ("CreateAccessKey", "allowed", ""),
            ("ServerStopping", "allowed", ""),
            ("ServerStopped", "allowed", ""),
        ])
        self.assertEqual(self.audit_path.stat().st_mode & 0o777, 0o600)

    def test_development_mode_is_told(self):
        self.start(keys=())
        self.ask(json_request, "CreateQueue", {"QueueName": "jobs"}, Key("some-key", "x" * 40))
        self.server.stop()
        self.assertEqual([act for act, _, _ in self.acts()][:3],
                         ["ServerStarted", "DevelopmentModeStarted", "CreateQueue"])
        self.assertEqual(self.audit()[2]["access_key"], "some-key")

    def test_a_renamed_file_is_let_go_of_on_sighup(self):
        self.start(keys=())
        taken = self.folder / "taken"
        os.rename(self.audit_path, taken)
        os.kill(self.server.pid, signal.SIGHUP)
        deadline = time.monotonic() + 30
        while not self.audit_path.exists() and time.monotonic() < deadline:
            os.sched_yield()
        self.ask(json_request, "CreateQueue", {"QueueName": "jobs"}, None)
        self.server.stop()
        self.assertIn("ServerStarted", taken.read_text(encoding="utf-8"))
        self.assertIn("CreateQueue", [act for act, _, _ in self.acts()])

    def test_a_server_that_cannot_write_its_log_does_not_start(self):
        self.audit_path = self.folder / "missing" / "audit.log"
        with self.assertRaisesRegex(RuntimeError, "cannot open the log .*No such file"):
            self.start(keys=())
        self.audit_path = self.access_path
        with self.assertRaisesRegex(RuntimeError, "must be two"):
            self.start(keys=())

    def test_a_start_that_fails_is_told_with_its_cause(self):
        missing = str(self.folder / "missing")
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        other = self.folder / "other"
        other.write_text("no keyring", encoding="ascii")
        other.chmod(0o600)
        causes = {
            ("--credentials", missing): "cannot read",
            ("--tls-listen", "127.0.0.1:0", "--tls-certificate", missing, "--tls-key", missing):
                "the certificate",
            ("--keyring", str(other)): str(other),
            ("--metrics-token-file", missing): "the token",
            ("--listen", f"127.0.0.1:{taken.getsockname()[1]}"): "cannot listen",
        }
        for options, cause in causes.items():
            with self.subTest(cause):
                self.audit_path.unlink(missing_ok=True)
                with self.assertRaises(RuntimeError):
                    self.start(*options, keys=())
                (line,) = self.audit()
                self.assertEqual((line["act"], line["decision"]), ("ServerStarted", "failed"))
                self.assertIn(cause, line["detail"])

    def test_nobody_waits_for_a_log_that_hangs(self):
        # A pipe that is not read takes its buffer and no more.
        os.mkfifo(self.access_path)
        reader = os.open(self.access_path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.start(keys=(), audit=False)
        place = urllib.parse.urlsplit(self.endpoint)
        request = b"GET /?Action=ListQueues HTTP/1.1\r\nHost: h\r\n\r\n"
        count = 20_000
        answered = 0
        with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
            with connection.makefile("rb") as stream:
                for _ in range(count // 100):
                    connection.sendall(request * 100)
                    for _ in range(100):
                        status = stream.readline()
                        length = 0
                        while (line := stream.readline()) != b"\r\n":
                            name, value = line.split(b":", 1)
                            length = int(value) if name.lower() == b"content-length" else length
                        stream.read(length)
                        answered += status.startswith(b"HTTP/1.1 200")
        self.assertEqual(answered, count)
        # Once it is read, every request is told of, or counted among the dropped.
        os.set_blocking(reader, True)
        text, told, dropped = b"", 0, 0
        while told + dropped < count:
            ready, _, _ = select.select([reader], [], [], 60)
            self.assertTrue(ready, f"{told} lines and {dropped} dropped")
            *lines, text = (text + os.read(reader, 65536)).split(b"\n")
            for line in lines:
                missing = json.loads(line).get("lines_dropped", 0)
                dropped += missing
                told += missing == 0
        self.server.stop()
        self.assertEqual((told + dropped, text), (count, b""))
        self.assertGreater(dropped, 0)


class Access(LogTest):
    def test_every_request_has_its_line(self):
        self.start(audit=False)
        url = {"QueueUrl": f"{self.endpoint}/{ACCOUNT}/jobs"}
        self.ask(json_request, "CreateQueue", {"QueueName": "jobs"})
        sent = self.ask(form_request, "SendMessage", {**url, "MessageBody": "m"})
        self.ask(get_request, "ReceiveMessage", url, EVE)
        self.ask(json_request, "Frobnicate", {})
        self.ask(json_request, "ListQueues", {}, Key(ADA.id, "x" * 40))
        broken = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n\r\n"
        self.assertTrue(self.send_raw(broken).startswith(b"HTTP/1.1 415"))
        self.server.stop()
        lines = self.access()
        shown = [(line["action"], line["status"], line["error"], line["user"]) for line in lines]
        self.assertEqual(shown, [
            ("CreateQueue", 200, "", "ada"),
            ("SendMessage", 200, "", "ada"),
            ("ReceiveMessage", 403, "AccessDenied", "root"),
            ("", 400, "InvalidAction", ""),
            ("ListQueues", 403, "SignatureDoesNotMatch", ""),
            ("", 415, "", ""),
        ])
        self.assertEqual(lines[1]["resource"], ARN + "jobs")
        self.assertEqual(lines[1]["bytes_out"], len(sent.body))
        self.assertGreater(lines[1]["bytes_in"], 0)
        for line in lines:
            self.assertEqual(line["source"], "127.0.0.1")
            self.assertTrue(0 <= line["duration_us"] < 60_000_000)

    def test_both_are_off_without_their_option(self):
        self.start(audit=False, access=False)
        self.ask(json_request, "ListQueues", {})
        self.server.stop()
        self.assertEqual(list(self.folder.iterdir()), [])


class Hostile(LogTest):
    def check_log(self, text):
        """What is shown of a client is in lines that the log has written itself."""
        self.assertIsNone(ACTING.search(text.replace("\n", "")))
        line = re.compile(r"\d{4}-\d\d-\d\dT\S+Z (debug|info|warning|error) [a-z]")
        written = [one for one in text.splitlines() if line.match(one)]
        greeting = [one for one in text.splitlines() if not line.match(one)]
        self.assertGreater(len(written), 20)
        for one in greeting:
            self.assertNotRegex(one, "evil|fake|act|AKI")
        for one in written:
            self.assertNotIn(" fake=1", re.sub(r'"(\\.|[^"\\])*"', '""', one))

    def test_no_text_of_a_client_breaks_a_line(self):
        for keys in (KEYS, ()):
            with self.subTest(credentials=bool(keys)):
                self.audit_path.unlink(missing_ok=True)
                self.access_path.unlink(missing_ok=True)
                self.start("--log-level", "debug", keys=keys)
                for key in (ADA, EVE, None):
                    for maker in MAKERS.values():
                        self.ask(maker, "CreateQueue", {"QueueName": HOSTILE}, key)
                        if maker is not get_request:
                            self.ask(maker, "CreateQueue", {"QueueName": "x" * 100_000}, key)
                        hostile_url = f"{self.endpoint}/{ACCOUNT}/{HOSTILE}"
                        self.ask(maker, "DeleteQueue", {"QueueUrl": hostile_url}, key)
                        self.ask(maker, HOSTILE.split("\n", maxsplit=1)[0] + "%0a", {}, key)
                scope = b"/20260101/us-east-1/sqs/aws4_request"
                agents = [b'"\x9b31m\xff\xfe\\"}', b"\xe2\x80\xae\xc2\x9b", b"a" * 10_000]
                for agent in agents:
                    for credential in (b"AKID\x1b[2J", b"AKI\xff\xe2\x80\xa8D", b'"},{"act":"x"'):
                        self.send_raw(
                            b"POST /?Action=CreateQueue&QueueName=%0a%1b%ff HTTP/1.1\r\nHost: h\r\n"
                            b"User-Agent: " + agent + b"\r\nX-Amz-Date: 20260101T000000Z\r\n"
                            b"Authorization: AWS4-HMAC-SHA256 Credential=" + credential + scope +
                            b", SignedHeaders=host, Signature=00\r\nContent-Length: 0\r\n\r\n"
                        )
                        self.send_raw(
                            b"GET /%0a%1b/\x1b HTTP/1.1\r\nHost: h\r\nUser-Agent: " + agent +
                            b"\r\n\r\n"
                        )
                self.send_raw(b"\x16\x03\x01\r\n\r\n")
                self.server.stop()
                lines = self.audit()
                self.assertIn("CreateQueue", [line["act"] for line in lines])
                self.assertGreater(len(self.access()), 20)
                for path in (self.audit_path, self.access_path):
                    sizes = [len(line) for line in path.read_bytes().splitlines()]
                    self.assertLess(max(sizes), 4096)
                self.check_log(self.server.log())

    def test_no_log_holds_a_secret_a_signature_or_a_message(self):
        self.start("--log-level", "debug")
        body, attribute = "a body that nobody may read", "an attribute that nobody may read"
        url = {"QueueUrl": f"{self.endpoint}/{ACCOUNT}/jobs"}
        signatures = []
        self.ask(json_request, "CreateQueue", {"QueueName": "jobs"})
        wrong = Key(TEMPORARY.id, "wrong-" + "x" * 40, TEMPORARY.token)
        other_token = Key(TEMPORARY.id, TEMPORARY.secret, "a-token-of-another")
        for key in (ADA, TEMPORARY, wrong, other_token, EVE):
            for maker in MAKERS.values():
                message = {**url, "MessageBody": body}
                if maker is json_request:
                    message["MessageAttributes"] = {
                        "a": {"DataType": "String", "StringValue": attribute}
                    }
                for parameters, action in ((message, "SendMessage"), (url, "ReceiveMessage")):
                    for expires in (None, 60) if maker is get_request else (None,):
                        request = sign(maker(self.endpoint, action, parameters), key, expires)
                        signatures.append(signing.signature_of(request)[0])
                        reply = request.send(self.endpoint)
                        handles = re.findall(rb"[A-Za-z0-9+/=_-]{100,}", reply.body)
                        for handle in handles:
                            signatures.append(handle.decode())
        self.server.stop()
        texts = {
            "audit": self.audit_path.read_text(encoding="utf-8"),
            "access": self.access_path.read_text(encoding="utf-8"),
            "log": self.server.log(),
        }
        secrets = [key.secret for _, _, key, _ in KEYS] + [
            key.token for _, _, key, _ in KEYS if key.token
        ]
        secrets += [wrong.secret, other_token.token, body, attribute, body.replace(" ", "+")]
        secrets += [urllib.parse.quote(secret, safe="") for secret in secrets]
        secrets += signatures
        for name, text in texts.items():
            self.assertIn("SendMessage" if name != "audit" else "denied", text)
            for secret in secrets:
                self.assertNotIn(secret, text, name)


if __name__ == "__main__":
    unittest.main()
