"""The edge of the management console: who is let in with a cookie, what other pages may not do, and
the page's files.

Browsers are played by plain requests with the fields that they send. The servers are the suite's
own; sessions go by the clock on the wall, so how they grow old is for the unit tests.
"""

import dataclasses
import gzip
import http.client
import json
import pathlib
import re
import ssl
import tempfile
import unittest
import urllib.parse

import botocore.awsrequest

import millrace_server
import signing
from certificates import Authority
from signing import JSON_TYPE, Key, json_request, sign

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
ROOT = Key("AKIDROOT", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEROO")
ADA = Key("AKIDADA", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
EVE = Key("AKIDEVE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEEVE")
STRANGER = Key("AKIDSTRANGER", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLESTR")
KEYS = [
    (ACCOUNT, "root", ROOT, []),
    (ACCOUNT, "ada", ADA, []),
    (ACCOUNT, "eve", EVE, []),
    (OTHER_ACCOUNT, "root", STRANGER, []),
]
API = "/console/api/"
SESSION = API + "session"
PAGE = b"<!doctype html><title>console</title>"
SCRIPT = b"console.log('hello');\n" * 100
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' "
    "data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


@dataclasses.dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def kind(self):
        """The type of an error, without its namespace."""
        return self.json["__type"].split("#")[1]


def ask(endpoint, method, path, headers=(), body=b"", tls=None):
    """One request with exactly these header fields, besides Host and Content-Length."""
    place = urllib.parse.urlsplit(endpoint)
    if tls is None:
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    else:
        connection = http.client.HTTPSConnection(
            place.hostname, place.port, timeout=60, context=tls
        )
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": place.netloc, **dict(headers)}.items():
            for one in value if isinstance(value, list) else [value]:
                connection.putheader(name, one)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        reply = connection.getresponse()
        return Reply(reply.status, reply.headers, reply.read())
    finally:
        connection.close()


class Browser:
    """What a browser that shows the console sends. `cookie` and `token` are as the server gave them
    at the sign-in."""

    def __init__(self, endpoint, tls=None):
        self.endpoint = endpoint
        self.tls = tls
        self.cookie = None
        self.token = None
        self.fields = {"Sec-Fetch-Site": "same-origin", "Origin": endpoint}

    def ask(self, method, path, body=b"", **changes):
        """changes: header fields to replace, with _ for -; None leaves one out."""
        headers = dict(self.fields)
        if method == "POST":
            headers["Content-Type"] = JSON_TYPE
        if self.cookie:
            headers["Cookie"] = "other=1; " + self.cookie
        if self.token:
            headers["X-Console-Csrf"] = self.token
        for name, value in changes.items():
            headers[name.replace("_", "-")] = value
        kept = {name: value for name, value in headers.items() if value is not None}
        return ask(self.endpoint, method, path, kept, body, self.tls)

    def act(self, target, parameters=None, path=API, **changes):
        body = json.dumps(parameters or {}).encode("utf-8")
        return self.ask("POST", path, body, X_Amz_Target=target, **changes)

    def signed_sign_in(self, key, nonce=None, read_only=False, endpoint=None, **changes):
        """The request that signs in, not yet sent: (path, headers, body)."""
        nonce = nonce or self.ask("POST", API + "nonce", b"{}").json["Nonce"]
        body = json.dumps({"Nonce": nonce, "ReadOnly": read_only}).encode("utf-8")
        request = botocore.awsrequest.AWSRequest(
            "POST", (endpoint or self.endpoint) + SESSION,
            headers={"Content-Type": JSON_TYPE}, data=body,
        )
        signed = sign(request, key)
        headers = {**self.fields, **signed.headers}
        for name, value in changes.items():
            headers[name.replace("_", "-")] = value
        return SESSION, {k: v for k, v in headers.items() if v is not None}, body

    def sign_in(self, key, **arguments):
        path, headers, body = self.signed_sign_in(key, **arguments)
        reply = ask(self.endpoint, "POST", path, headers, body, self.tls)
        if reply.status == 200:
            self.cookie = reply.headers["Set-Cookie"].split(";")[0]
            self.token = reply.json["CsrfToken"]
        return reply


class ConsoleTest(unittest.TestCase):
    maxDiff = None

    def start(self, *options, keys=KEYS, listen="127.0.0.1:0", users=None):
        options = list(options)
        if keys:
            self.file = signing.CredentialsFile(*keys, users=users)
            self.addCleanup(self.file.close)
            options += ["--credentials", self.file.path]
        self.server = millrace_server.Server(options, test_clock=False, listen=listen)
        self.addCleanup(self.server.close)
        self.server.start()
        self.endpoint = self.server.endpoint
        self.port = urllib.parse.urlsplit(self.endpoint).port

    def signed_in(self, key=ADA, **arguments):
        browser = Browser(self.endpoint)
        reply = browser.sign_in(key, **arguments)
        self.assertEqual(reply.status, 200, reply.body)
        return browser

    def assert_refused(self, reply, status=403, kind="ConsoleRequestRefused"):
        self.assertEqual((reply.status, reply.kind), (status, kind), reply.body)
        self.assert_no_cors(reply)

    def assert_no_cors(self, reply):
        for name in reply.headers:
            self.assertFalse(name.lower().startswith("access-control-"), name)


class SignInTest(ConsoleTest):
    def test_a_signed_request_becomes_a_session(self):
        self.start()
        browser = Browser(self.endpoint)
        nobody = browser.ask("GET", SESSION)
        self.assertEqual((nobody.status, nobody.kind), (401, "NotSignedIn"))
        self.assertEqual(nobody.json["Region"], "us-east-1")
        self.assertFalse(nobody.json["InsecureTransport"])
        self.assertIn("Version", nobody.json)

        reply = browser.sign_in(ADA)
        self.assertEqual(reply.status, 200, reply.body)
        session = reply.json
        self.assertEqual(session["AccessKeyId"], ADA.id)
        self.assertEqual(session["Arn"], f"arn:aws:iam::{ACCOUNT}:user/ada")
        self.assertEqual(session["AccountId"], ACCOUNT)
        self.assertFalse(session["ReadOnly"])
        self.assertRegex(
            reply.headers["Set-Cookie"],
            r"^millrace_session=[0-9a-f]{64}; Path=/console/api/; HttpOnly; SameSite=Strict$",
        )
        self.assertEqual(reply.headers["Cache-Control"], "no-store")
        self.assertNotIn(ADA.secret.encode(), reply.body)

        again = browser.ask("GET", SESSION)
        self.assertEqual(again.status, 200)
        self.assertEqual(again.json["CsrfToken"], session["CsrfToken"])
        self.assertEqual(browser.act("AmazonSQS.CreateQueue", {"QueueName": "q"}).status, 200)
        described = browser.act(
            "Millrace.DescribeQueue", {"QueueUrl": f"{self.endpoint}/{ACCOUNT}/q"}
        )
        self.assertEqual(described.status, 200, described.body)
        self.assertEqual(described.json["Queue"]["QueueName"], "q")
        self.assertEqual(described.headers["Cache-Control"], "no-store")
        self.assertEqual(described.headers["X-Content-Type-Options"], "nosniff")
        self.assert_no_cors(described)

        out = browser.ask("DELETE", SESSION)
        self.assertEqual(out.status, 204)
        self.assertIn("Max-Age=0", out.headers["Set-Cookie"])
        self.assertEqual(browser.ask("GET", SESSION).status, 401)
        self.assert_refused(browser.act("AmazonSQS.ListQueues"), 401, "NotSignedIn")

    def test_a_sign_in_that_was_seen_opens_nothing(self):
        self.start()
        browser = Browser(self.endpoint)
        path, headers, body = browser.signed_sign_in(ADA)
        self.assertEqual(ask(self.endpoint, "POST", path, headers, body).status, 200)
        self.assert_refused(ask(self.endpoint, "POST", path, headers, body))
        self.assert_refused(browser.sign_in(ADA, nonce="1700000000000-aa-bb"))

    def test_only_a_right_signature_signs_in(self):
        self.start()
        browser = Browser(self.endpoint)
        self.assertEqual(browser.sign_in(Key(ADA.id, EVE.secret)).kind, "InvalidSignatureException")
        self.assertEqual(
            browser.sign_in(Key("AKIDNOBODY", EVE.secret)).kind, "UnrecognizedClientException"
        )
        nonce = browser.ask("POST", API + "nonce", b"{}").json["Nonce"]
        plain = browser.ask("POST", SESSION, json.dumps({"Nonce": nonce}).encode())
        self.assertEqual(plain.kind, "IncompleteSignatureException")
        self.assertIsNone(plain.headers["Set-Cookie"])

    def test_sign_ins_are_limited(self):
        self.start()
        browser = Browser(self.endpoint)
        wrong = Key(ADA.id, EVE.secret)
        kinds = [browser.sign_in(wrong).kind for _ in range(30)]
        self.assertIn("RequestThrottled", kinds)
        self.assertNotIn("RequestThrottled", kinds[:10])

    def test_plain_http_from_elsewhere_is_no_way_in(self):
        # A proxy that is trusted tells where the client is; its own address is this machine's.
        self.start("--trusted-proxies", "127.0.0.1", "--console-host", "queues.example.com")
        browser = Browser(self.endpoint)
        browser.fields = {
            "Host": "queues.example.com", "Origin": "http://queues.example.com",
            "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http",
        }
        self.assertTrue(browser.ask("GET", SESSION).json["InsecureTransport"])
        refused = browser.sign_in(ADA, endpoint="http://queues.example.com")
        self.assert_refused(refused)
        self.assertIn("--console-allow-http", refused.json["message"])

        browser.fields["X-Forwarded-Proto"] = "https"
        browser.fields["Origin"] = "https://queues.example.com"
        reply = browser.sign_in(ADA, endpoint="https://queues.example.com")
        self.assertEqual(reply.status, 200, reply.body)
        self.assertTrue(reply.headers["Set-Cookie"].endswith("; Secure"))

        self.server.stop()
        self.start(
            "--trusted-proxies", "127.0.0.1", "--public-url", "http://queues.example.com/sqs/",
            "--console-allow-http",
        )
        browser.endpoint = self.endpoint
        browser.fields["X-Forwarded-Proto"] = "http"
        browser.fields["Origin"] = "http://queues.example.com"
        reply = browser.sign_in(ADA, endpoint="http://queues.example.com")
        self.assertEqual(reply.status, 200, reply.body)
        self.assertTrue(reply.json["InsecureTransport"])
        self.assertIn("; Path=/sqs/console/api/;", reply.headers["Set-Cookie"])
        self.assertNotIn("Secure", reply.headers["Set-Cookie"])

    def test_over_tls_the_cookie_is_for_tls(self):
        authority = Authority()
        self.addCleanup(authority.close)
        own = authority.issue("server")
        self.start(
            "--tls-listen", "127.0.0.1:0", "--tls-certificate", own.certificate,
            "--tls-key", own.key,
        )
        tls = ssl.create_default_context(cafile=authority.path)
        browser = Browser(self.server.tls_endpoint, tls)
        reply = browser.sign_in(ADA)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertTrue(reply.headers["Set-Cookie"].endswith("; Secure"))
        self.assertEqual(browser.act("AmazonSQS.ListQueues").status, 200)
        plain = {**browser.fields, "Origin": self.endpoint.replace("https", "http")}
        self.assert_refused(
            browser.act("AmazonSQS.ListQueues", Sec_Fetch_Site=None, Origin=plain["Origin"])
        )
        page = browser.ask("GET", "/console/")
        self.assertEqual(page.headers["Strict-Transport-Security"], "max-age=31536000")


class DefenceTest(ConsoleTest):
    def test_other_pages_may_do_nothing_with_the_cookie(self):
        self.start()
        browser = self.signed_in()
        self.assertEqual(browser.act("AmazonSQS.ListQueues").status, 200)
        evil = [
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:3000"},
            {"Sec_Fetch_Site": "none"},
            {"Sec_Fetch_Site": None, "Origin": "http://127.0.0.1:3000"},
            {"Sec_Fetch_Site": None, "Origin": "null"},
            {"Sec_Fetch_Site": None, "Origin": None},
            {"Host": "evil.example", "Origin": "http://evil.example"},
            {"Content_Type": "text/plain"},
            {"Content_Type": None},
            {"X_Console_Csrf": None},
            {"X_Console_Csrf": "0" * 64},
        ]
        for changes in evil:
            with self.subTest(changes):
                self.assert_refused(browser.act("AmazonSQS.ListQueues", **changes))
        self.assert_refused(browser.ask("DELETE", SESSION, X_Console_Csrf=None))
        self.assert_refused(browser.ask("DELETE", SESSION, Sec_Fetch_Site="cross-site"))
        self.assert_refused(browser.ask("GET", SESSION, Sec_Fetch_Site="cross-site"))
        self.assert_refused(browser.ask("GET", SESSION, Host="evil.example"))
        self.assertEqual(browser.ask("GET", SESSION).status, 200, "still signed in")
        self.assertEqual(
            browser.act("AmazonSQS.ListQueues", Sec_Fetch_Site=None).status, 200,
            "as browsers ask over plain HTTP",
        )

    def test_nobody_is_told_that_other_pages_may_ask(self):
        self.start()
        for path in (API, SESSION, API + "nonce", "/console/"):
            reply = ask(
                self.endpoint, "OPTIONS", path,
                {
                    "Origin": "http://evil.example", "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "x-amz-target,x-console-csrf",
                },
            )
            self.assertGreaterEqual(reply.status, 400, path)
            self.assert_no_cors(reply)

    def test_queues_themselves_know_no_cookie(self):
        self.start()
        browser = self.signed_in(ROOT)
        self.assertEqual(browser.act("AmazonSQS.ListQueues").status, 200)
        for path in ("/", f"/{ACCOUNT}/q", "/console/api", "/console/"):
            reply = browser.act("AmazonSQS.ListQueues", path=path)
            self.assertEqual(reply.status, 403, path)
            self.assertEqual(reply.kind, "AccessDeniedException", path)
        for path in ("/", "/console/api/x"):
            reply = browser.act("Millrace.ListSessions", path=path)
            self.assertEqual(reply.kind, "UnknownOperationException", path)
        query = browser.ask("GET", "/?Action=ListQueues", Accept="text/html")
        self.assertEqual(query.status, 403)
        form = browser.ask("GET", API + "?Action=ListQueues")
        self.assertEqual(form.kind, "UnknownOperationException")

    def test_scripts_sign_as_everywhere(self):
        self.start()
        request = json_request(self.endpoint, "ListQueues", {}, path=API)
        request.headers.replace_header("X-Amz-Target", "Millrace.ListSessions")
        signed = sign(request, ADA)
        reply = ask(self.endpoint, "POST", API, signed.headers, signed.body)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.json["Sessions"], [])
        unsigned = ask(
            self.endpoint, "POST", API,
            {"X-Amz-Target": "Millrace.ListSessions", "Content-Type": JSON_TYPE}, b"{}",
        )
        self.assert_refused(unsigned, 401, "NotSignedIn")

    def test_a_session_that_may_only_look(self):
        self.start()
        browser = self.signed_in(ROOT, read_only=True)
        self.assertTrue(browser.ask("GET", SESSION).json["ReadOnly"])
        self.assertEqual(browser.act("AmazonSQS.ListQueues").status, 200)
        self.assertEqual(browser.act("Millrace.ListAccessKeys").status, 200)
        url = f"{self.endpoint}/{ACCOUNT}/q"
        for target, parameters in [
            ("AmazonSQS.CreateQueue", {"QueueName": "q"}),
            ("AmazonSQS.ReceiveMessage", {"QueueUrl": url}),
            ("AmazonSQS.PurgeQueue", {"QueueUrl": url}),
            ("Millrace.CreateAccessKey", {"UserName": "ada"}),
            ("Millrace.RevokeSession", {"Id": "x"}),
        ]:
            reply = browser.act(target, parameters)
            self.assert_refused(reply, 403, "AccessDeniedException")
            self.assertIn("may only look", reply.json["message"])
        self.assertEqual(browser.ask("DELETE", SESSION).status, 204)

    def test_a_key_that_is_gone_takes_its_sessions_with_it(self):
        self.start()
        disabled, deleted, replaced = (self.signed_in(key) for key in (ADA, EVE, ROOT))
        other = Key(ROOT.id, EVE.secret)
        self.file.write(
            (ACCOUNT, "root", other, []), (ACCOUNT, "ada", ADA, ["enabled = false"]),
        )
        self.assertIn("keys=2", self.server.reload())
        for browser in (disabled, deleted, replaced):
            self.assert_refused(browser.act("AmazonSQS.ListQueues"), 401, "NotSignedIn")
        self.file.write(*KEYS)
        self.server.reload()
        self.assert_refused(disabled.act("AmazonSQS.ListQueues"), 401, "NotSignedIn")

    def test_a_session_may_do_what_its_user_may_now(self):
        self.start()
        browser = self.signed_in(ADA)
        self.assertEqual(browser.act("AmazonSQS.ListQueues").status, 200)
        self.file.write(*KEYS, users={"ada": "policies = []\n"})
        self.server.reload()
        self.assertEqual(browser.act("AmazonSQS.ListQueues").kind, "AccessDeniedException")

    def test_development_mode_lets_only_its_own_page_in(self):
        self.start(keys=None)
        script = ask(
            self.endpoint, "POST", API,
            {"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": JSON_TYPE}, b"{}",
        )
        self.assertEqual(script.status, 200, "scripts need nothing")
        browser = Browser(self.endpoint)
        session = browser.ask("GET", SESSION).json
        self.assertTrue(session["Development"])
        self.assertEqual(session["AccountId"], "000000000000")
        self.assert_refused(browser.act("AmazonSQS.ListQueues"))
        browser.token = session["CsrfToken"]
        self.assertEqual(browser.act("AmazonSQS.ListQueues").status, 200)
        for changes in (
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": None, "Origin": "http://evil.example"},
            {"Host": "evil.example", "Origin": "http://evil.example"},
            {"Content_Type": "text/plain"},
        ):
            with self.subTest(changes):
                self.assert_refused(browser.act("AmazonSQS.ListQueues", **changes))
        rebound = ask(self.endpoint, "GET", SESSION, {"Host": "evil.example"})
        self.assert_refused(rebound)
        self.assert_refused(browser.sign_in(ADA), 400, "UnsupportedOperation")
        self.assertFalse(browser.act("Millrace.ListAccessKeys").json["Writable"])

    def test_the_audit_log_tells_of_signing_in_and_out(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-console-")
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "audit.log"
        self.start("--audit-log", str(path))
        browser = Browser(self.endpoint)
        browser.sign_in(Key(ADA.id, EVE.secret))
        browser.sign_in(ADA)
        browser.act("AmazonSQS.ListQueues", X_Console_Csrf=None)
        browser.ask("DELETE", SESSION)
        self.server.stop()
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        told = [
            (line["act"], line["decision"], line["reason"], line["access_key"], line["user"])
            for line in lines
            if line["act"] not in ("ServerStarted", "ServerStopping", "ServerStopped")
        ]
        self.assertEqual(
            told,
            [
                ("ConsoleSignIn", "denied", "SignatureDoesNotMatch", ADA.id, ""),
                ("ConsoleSignIn", "allowed", "", ADA.id, "ada"),
                ("ListQueues", "denied", "ConsoleRequestRefused", "", ""),
                ("ConsoleSignOut", "allowed", "", ADA.id, "ada"),
            ],
        )
        cookie = browser.cookie.split("=")[1]
        self.assertNotIn(cookie, path.read_text(encoding="utf-8"))

    def test_it_can_be_switched_off(self):
        self.start("--console", "off")
        for method, path in (("GET", "/console/"), ("GET", SESSION), ("GET", "/console")):
            reply = ask(self.endpoint, method, path, {"Accept": "text/html"})
            self.assertEqual((reply.status, reply.body), (404, b"<UnknownOperationException/>"))
        signed = sign(json_request(self.endpoint, "ListQueues", {}, path=API), ADA)
        signed.headers["X-Amz-Target"] = ["Millrace.ListSessions"]
        reply = ask(self.endpoint, "POST", API, signed.headers, signed.body)
        self.assertEqual(reply.kind, "UnknownOperationException")


class KeysAndSessionsTest(ConsoleTest):
    def test_keys_are_made_disabled_and_deleted(self):
        self.start()
        browser = self.signed_in(ROOT)
        made = browser.act("Millrace.CreateAccessKey", {"UserName": "grace"})
        self.assertEqual(made.status, 200, made.body)
        key = Key(made.json["AccessKeyId"], made.json["SecretAccessKey"])
        listed = browser.act("Millrace.ListAccessKeys").json
        self.assertTrue(listed["Writable"])
        by_id = {one["AccessKeyId"]: one for one in listed["Keys"]}
        self.assertEqual(
            by_id[key.id],
            {
                "AccessKeyId": key.id, "UserName": "grace", "AccountId": ACCOUNT,
                "Status": "Active", "Root": False,
            },
        )
        self.assertTrue(by_id[ROOT.id]["Root"])
        self.assertNotIn(STRANGER.id, by_id, "of another account")
        self.assertNotIn(key.secret, json.dumps(listed))

        # Grace may do nothing yet, but is known at once.
        request = sign(json_request(self.endpoint, "ListQueues", {}), key)
        self.assertEqual(request.send(self.endpoint).type.split("#")[1], "AccessDeniedException")
        for status, kind in (("Inactive", "UnrecognizedClientException"),
                             ("Active", "AccessDeniedException")):
            changed = browser.act(
                "Millrace.UpdateAccessKey", {"AccessKeyId": key.id, "Status": status}
            )
            self.assertEqual(changed.status, 200, changed.body)
            again = sign(json_request(self.endpoint, "ListQueues", {}), key)
            self.assertEqual(again.send(self.endpoint).type.split("#")[1], kind)
        gone = browser.act("Millrace.DeleteAccessKey", {"AccessKeyId": key.id})
        self.assertEqual(gone.status, 200, gone.body)
        self.assertNotIn(key.id, browser.act("Millrace.ListAccessKeys").body.decode())
        self.assertNotIn(key.id, pathlib.Path(self.file.path).read_text(encoding="utf-8"))

    def test_what_cannot_be_done_with_keys(self):
        self.start()
        browser = self.signed_in(ROOT)
        for action, parameters, kind in [
            ("CreateAccessKey", {"UserName": "a b"}, "InvalidParameterValueException"),
            ("CreateAccessKey", {}, "MissingRequiredParameterException"),
            ("UpdateAccessKey", {"AccessKeyId": ADA.id, "Status": "Off"},
             "InvalidParameterValueException"),
            ("UpdateAccessKey", {"AccessKeyId": "AKIDNONE", "Status": "Active"},
             "ResourceNotFoundException"),
            ("DeleteAccessKey", {"AccessKeyId": STRANGER.id}, "ResourceNotFoundException"),
        ]:
            reply = browser.act(f"Millrace.{action}", parameters)
            self.assertEqual(reply.kind, kind, reply.body)
        browser.act("Millrace.CreateAccessKey", {"UserName": "ada"})
        third = browser.act("Millrace.CreateAccessKey", {"UserName": "ada"})
        self.assertEqual(third.kind, "OverLimit")

    def test_keys_and_others_sessions_are_for_those_allowed(self):
        self.start(
            users={
                "eve": "policies = []\n[[account.user.policy]]\nname = 'keys'\ndocument = '"
                '{"Version":"2012-10-17","Statement":{"Effect":"Allow",'
                '"Action":"millrace:*","Resource":"*"}}\'\n'
            },
        )
        ada, eve, stranger = (self.signed_in(key) for key in (ADA, EVE, STRANGER))
        self.assertEqual(ada.act("Millrace.ListAccessKeys").kind, "AccessDeniedException")
        self.assertEqual(eve.act("Millrace.ListAccessKeys").status, 200)
        self.assertEqual(
            eve.act("Millrace.CreateAccessKey", {"UserName": "root"}).kind,
            "AccessDeniedException", "who makes a key of root is root",
        )
        self.assertEqual(
            eve.act("Millrace.DeleteAccessKey", {"AccessKeyId": ROOT.id}).kind,
            "AccessDeniedException",
        )

        def sessions(browser):
            return browser.act("Millrace.ListSessions").json["Sessions"]

        self.assertEqual([one["AccessKeyId"] for one in sessions(ada)], [ADA.id])
        self.assertEqual({one["AccessKeyId"] for one in sessions(eve)}, {ADA.id, EVE.id})
        self.assertEqual([one["AccessKeyId"] for one in sessions(stranger)], [STRANGER.id])
        own = sessions(ada)[0]
        self.assertTrue(own["Current"])
        self.assertEqual(own["SourceAddress"], "127.0.0.1")
        of_eve = next(one["Id"] for one in sessions(eve) if one["AccessKeyId"] == EVE.id)
        self.assertEqual(
            ada.act("Millrace.RevokeSession", {"Id": of_eve}).kind, "AccessDeniedException"
        )
        self.assertEqual(
            eve.act("Millrace.RevokeSession", {"Id": sessions(stranger)[0]["Id"]}).kind,
            "ResourceNotFoundException",
        )
        revoked = eve.act("Millrace.RevokeSession", {"Id": own["Id"]})
        self.assertEqual(revoked.status, 200, revoked.body)
        self.assert_refused(ada.act("AmazonSQS.ListQueues"), 401, "NotSignedIn")

    def test_the_policy_tester_says_what_would_happen(self):
        self.start()
        browser = self.signed_in(ROOT)
        url = browser.act("AmazonSQS.CreateQueue", {"QueueName": "q"}).json["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
        policy = json.dumps({
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "Anyone", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
                 "Resource": arn,
                 "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
                {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ada"},
                 "Action": "sqs:PurgeQueue", "Resource": arn},
            ],
        })

        def test(actions, **parameters):
            reply = browser.act(
                "Millrace.TestPolicy", {"QueueUrl": url, "Actions": actions, **parameters}
            )
            self.assertEqual(reply.status, 200, reply.body)
            return [
                (one["Action"], one["Decision"],
                 [(each["Source"], each["Effect"]) for each in one["Statements"]])
                for one in reply.json["Results"]
            ]

        inside, outside = {"aws:SourceIp": "10.1.2.3"}, {"aws:SourceIp": "11.1.2.3"}
        self.assertEqual(
            test(["sqs:SendMessage"], Policy=policy, PrincipalArn="*", Context=inside),
            [("SendMessage", "allowed", [("queue", "Allow")])],
        )
        self.assertEqual(
            test(["SendMessage"], Policy=policy, Context=outside),
            [("SendMessage", "implicitDeny", [])],
        )
        ada = f"arn:aws:iam::{ACCOUNT}:user/ada"
        self.assertEqual(
            test(["PurgeQueue", "DeleteMessage"], Policy=policy, PrincipalArn=ada),
            [
                ("PurgeQueue", "explicitDeny", [("identity", "Allow"), ("queue", "Deny")]),
                ("DeleteMessage", "allowed", [("identity", "Allow")]),
            ],
        )
        self.assertEqual(len(test([], AccountId=OTHER_ACCOUNT)), 20)
        for wrong in (
            {"Policy": "{}"}, {"PrincipalArn": "ada"}, {"Actions": ["Publish"]},
            {"Context": {"aws:SourceIp": "here"}},
        ):
            reply = browser.act("Millrace.TestPolicy", {"QueueUrl": url, **wrong})
            self.assertEqual(reply.status, 400, reply.body)


class EnvironmentKeysTest(ConsoleTest):
    def test_a_key_of_the_environment_cannot_be_changed(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-console-")
        self.addCleanup(folder.cleanup)
        secret = pathlib.Path(folder.name) / "secret"
        secret.write_text(ROOT.secret + "\n", encoding="ascii")
        self.start(
            "--root-access-key-id", ROOT.id, "--root-secret-access-key-file", str(secret),
            keys=None,
        )
        browser = self.signed_in(ROOT)
        listed = browser.act("Millrace.ListAccessKeys").json
        self.assertFalse(listed["Writable"])
        self.assertEqual([one["AccessKeyId"] for one in listed["Keys"]], [ROOT.id])
        reply = browser.act("Millrace.CreateAccessKey", {"UserName": "ada"})
        self.assertEqual((reply.status, reply.kind), (400, "UnsupportedOperation"))
        self.assertIn("--credentials", reply.json["message"])


class PageTest(ConsoleTest):
    def start_with_files(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-console-")
        self.addCleanup(folder.cleanup)
        dist = pathlib.Path(folder.name) / "dist"
        (dist / "assets").mkdir(parents=True)
        (dist / "index.html").write_bytes(PAGE)
        (dist / "assets" / "index-1.js").write_bytes(SCRIPT)
        (pathlib.Path(folder.name) / "secret.txt").write_text("secret", encoding="ascii")
        self.start("--console-directory", str(dist))

    def test_a_browser_is_led_to_the_page(self):
        self.start_with_files()
        reply = ask(self.endpoint, "GET", "/", {"Accept": "text/html,application/xhtml+xml"})
        self.assertEqual((reply.status, reply.headers["Location"]), (302, "console/"))
        reply = ask(self.endpoint, "GET", "/console")
        self.assertEqual((reply.status, reply.headers["Location"]), (302, "console/"))
        for target, accept in (("/", "*/*"), ("/?Action=ListQueues", "text/html")):
            reply = ask(self.endpoint, "GET", target, {"Accept": accept})
            self.assertNotEqual(reply.status, 302, target)

    def test_files_come_with_what_keeps_them_safe(self):
        self.start_with_files()
        page = ask(self.endpoint, "GET", "/console/")
        self.assertEqual((page.status, page.body), (200, PAGE))
        self.assertEqual(page.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(page.headers["Cache-Control"], "no-cache")
        script = ask(self.endpoint, "GET", "/console/assets/index-1.js")
        self.assertEqual((script.status, script.body), (200, SCRIPT))
        self.assertEqual(script.headers["Cache-Control"], "public, max-age=31536000, immutable")
        for reply in (page, script):
            self.assertEqual(reply.headers["Content-Security-Policy"], CSP)
            self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(reply.headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(reply.headers["Cross-Origin-Opener-Policy"], "same-origin")
            self.assertEqual(reply.headers["Cross-Origin-Resource-Policy"], "same-origin")
            self.assertEqual(reply.headers["Vary"], "Accept-Encoding")
            self.assertIsNone(reply.headers["Strict-Transport-Security"])
            self.assert_no_cors(reply)
        again = ask(
            self.endpoint, "GET", "/console/", {"If-None-Match": page.headers["ETag"]}
        )
        self.assertEqual((again.status, again.body), (304, b""))
        head = ask(self.endpoint, "HEAD", "/console/")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["Content-Length"], str(len(PAGE)))

    def test_nothing_else_is_served(self):
        self.start_with_files()
        for path in (
            "/console/nothing.js", "/console/../secret.txt", "/console/assets/../../secret.txt",
            "/console/%2e%2e/secret.txt", "/console/..%2fsecret.txt", "/console//etc/passwd",
            "/console/assets/",
        ):
            reply = ask(self.endpoint, "GET", path)
            self.assertEqual(reply.status, 404, path)
            self.assertNotIn(b"secret\n", reply.body)
        rebound = ask(self.endpoint, "GET", "/console/", {"Host": "evil.example"})
        self.assertEqual(rebound.status, 403)
        self.assertIn(b"--console-host evil.example", rebound.body)

    def test_the_page_in_the_program(self):
        self.start()
        page = ask(self.endpoint, "GET", "/console/")
        self.assertEqual(page.status, 200)
        self.assertEqual(page.headers["Content-Security-Policy"], CSP)
        if b"not part of this build" in page.body:
            self.skipTest("the server was built without its console")
        packed = ask(self.endpoint, "GET", "/console/", {"Accept-Encoding": "gzip"})
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.body), page.body)
        brotli = ask(self.endpoint, "GET", "/console/", {"Accept-Encoding": "gzip, deflate, br"})
        self.assertEqual(brotli.headers["Content-Encoding"], "br")
        self.assertLess(len(brotli.body), len(page.body))
        for path in re.findall(rb'(?:src|href)="\./([^"]+)"', page.body):
            reply = ask(self.endpoint, "GET", "/console/" + path.decode())
            self.assertEqual(reply.status, 200, path)
