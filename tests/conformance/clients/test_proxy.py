"""Behind a real proxy that speaks TLS (nginx): what the server takes the client for, in policies
and in the audit log, and what it does not believe.

Clients come from 127.0.0.2, the proxy is at 127.0.0.1. A signature that a client made for the
proxy's address must be right behind it, too.
"""

import http.client
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import millrace_server
import signing
from certificates import Authority
from signing import Key, json_request, sign

ACCOUNT = "111122223333"
KEY = Key("AKIDADA", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
CLIENT = "127.0.0.2"
PROXY = "127.0.0.1"
START_SECONDS_MAX = 10

CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_bind {proxy};
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  server {{
    listen {proxy}:{plain};
    location / {{ proxy_pass {server}; }}
  }}
  server {{
    listen {proxy}:{secure} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{ proxy_pass {server}; }}
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind((PROXY, 0))
        return probe.getsockname()[1]


@unittest.skipIf(shutil.which("nginx") is None, "there is no nginx")
class ProxyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.close)
        cls.file = signing.CredentialsFile((ACCOUNT, "ada", KEY, []))
        cls.addClassCleanup(cls.file.close)

    def start(self, *options):
        """A server, and a proxy in front of it."""
        folder = tempfile.TemporaryDirectory(prefix="millrace-proxy-")
        self.addCleanup(folder.cleanup)
        self.audit_path = pathlib.Path(folder.name) / "audit.log"
        self.server = millrace_server.Server(
            ["--credentials", self.file.path, "--audit-log", str(self.audit_path), *options],
            test_clock=False,
        )
        self.addCleanup(self.server.close)
        self.server.start()
        own = self.authority.issue("proxy")
        self.plain, self.secure = free_port(), free_port()
        configuration = pathlib.Path(folder.name) / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                folder=folder.name, proxy=PROXY, plain=self.plain, secure=self.secure,
                server=self.server.endpoint, certificate=own.certificate, key=own.key,
            ),
            encoding="ascii",
        )
        nginx = subprocess.Popen(
            ["nginx", "-c", str(configuration), "-p", folder.name],
            stderr=subprocess.PIPE, text=True,
        )
        self.addCleanup(nginx.stderr.close)
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.listens(self.secure):
            if nginx.poll() is not None or time.monotonic() > deadline:
                self.fail(f"nginx did not start: {nginx.stderr.read()}")

    def listens(self, port):
        with socket.socket() as probe:
            return probe.connect_ex((PROXY, port)) == 0

    def ask(self, action, parameters, secure=True, key=KEY, headers=None):
        """The reply to a client that comes from CLIENT, by way of the proxy."""
        scheme, port = ("https", self.secure) if secure else ("http", self.plain)
        endpoint = f"{scheme}://localhost:{port}"
        request = json_request(endpoint, action, parameters)
        signed = sign(request, key) if key is not None else None
        fields = signed.headers if signed else dict(request.headers)
        fields = {name: one if isinstance(one, str) else one[0] for name, one in fields.items()}
        connection = self.connect(secure)
        try:
            body = signed.body if signed else request.body
            host = {"Host": urllib.parse.urlsplit(endpoint).netloc}
            connection.request("POST", "/", body, {**host, **fields, **(headers or {})})
            reply = connection.getresponse()
            return signing.read_reply(reply, reply.read())
        finally:
            connection.close()

    def connect(self, secure):
        more = {"timeout": 60, "source_address": (CLIENT, 0)}
        if not secure:
            return http.client.HTTPConnection(PROXY, self.plain, **more)
        context = ssl.create_default_context(cafile=self.authority.path)
        return http.client.HTTPSConnection(PROXY, self.secure, context=context, **more)

    def create(self, condition):
        """The URL of a new queue, as allow() leaves it."""
        reply = self.ask("CreateQueue", {"QueueName": "q"})
        self.assertEqual(reply.status, 200, reply.text)
        url = json.loads(reply.body)["QueueUrl"]
        self.allow(url, condition)
        return url

    def allow(self, url, condition):
        """Everybody may send to the queue under this condition."""
        statement = {
            "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
            "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "Condition": condition,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
        attributes = {"QueueUrl": url, "Attributes": {"Policy": policy}}
        reply = self.ask("SetQueueAttributes", attributes)
        self.assertEqual(reply.status, 200, reply.text)

    def may_send(self, url, **how):
        reply = self.ask("SendMessage", {"QueueUrl": url, "MessageBody": "x"}, key=None, **how)
        self.assertIn((reply.status, reply.code), [(200, ""), (403, "AccessDenied")])
        return reply.status == 200

    def test_a_trusted_proxy_says_who_asks_and_how(self):
        self.start("--trusted-proxies", PROXY)
        url = self.create(
            {"IpAddress": {"aws:SourceIp": CLIENT}, "Bool": {"aws:SecureTransport": "true"}}
        )
        self.assertTrue(url.startswith(f"https://localhost:{self.secure}/"), url)
        self.assertTrue(self.may_send(url))
        self.assertFalse(self.may_send(url, secure=False), "plain HTTP")
        self.assertTrue(
            self.may_send(url, headers={"X-Forwarded-For": "10.0.0.1"}),
            "what the client says stands left of what the proxy says",
        )
        self.server.stop()
        lines = [json.loads(line) for line in self.audit_path.read_text().splitlines()]
        asked = {(one["act"], one["source"]) for one in lines if one["request_id"]}
        self.assertEqual(
            asked,
            {(act, CLIENT) for act in ("CreateQueue", "SetQueueAttributes", "SendMessage")},
        )

    def test_an_unknown_proxy_is_itself_the_client(self):
        self.start()
        url = self.create({"IpAddress": {"aws:SourceIp": PROXY}})
        self.assertTrue(url.startswith("http://"), url)
        self.assertTrue(self.may_send(url))
        self.allow(url, {"IpAddress": {"aws:SourceIp": CLIENT}})
        self.assertFalse(self.may_send(url))


if __name__ == "__main__":
    unittest.main()
