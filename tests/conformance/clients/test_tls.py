"""HTTPS: what is spoken and what is refused, certificates that change while the server runs,
clients with certificates, plain HTTP switched off, and what a proxy says of its clients.

The servers are the suite's own, by the clock on the wall, and check signatures.
"""

import contextlib
import http.client
import json
import os
import pathlib
import resource
import socket
import ssl
import subprocess
import threading
import unittest
import urllib.parse
import warnings

import boto3
import botocore.config
import botocore.exceptions

import millrace_server
import signing
from certificates import Authority, openssl
from signing import Key, form_request, get_request, json_request, sign

BINARY = os.environ.get("MILLRACE_BINARY", str(millrace_server.ROOT / "build/release/millrace"))
ACCOUNT = "111122223333"
KEY = Key("AKIDADA", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOBODY = 65534


def port_of(url):
    return urllib.parse.urlsplit(url).port


class TlsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.close)
        cls.clients = Authority("Authority of clients")
        cls.addClassCleanup(cls.clients.close)
        cls.file = signing.CredentialsFile((ACCOUNT, "ada", KEY, []))
        cls.addClassCleanup(cls.file.close)

    def start(self, *options, listen="127.0.0.1:0", own=None):
        """A server with HTTPS; `own` is its certificate, a new one by default."""
        self.own = own or self.authority.issue("server")
        self.server = millrace_server.Server(
            [
                "--tls-listen", "127.0.0.1:0", "--credentials", self.file.path,
                "--tls-certificate", self.own.certificate, "--tls-key", self.own.key, *options,
            ],
            test_clock=False,
            listen=listen,
        )
        self.addCleanup(self.server.close)
        self.server.start()

    def context(self, version=None, ciphers=None, own=None, authority=None):
        """What a client speaks TLS with; by default as a careful client does."""
        context = ssl.create_default_context(cafile=(authority or self.authority).path)
        if version is not None:
            with warnings.catch_warnings():  # that the version is old is what the test is about
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = version
                context.maximum_version = version
        if ciphers is not None:
            context.set_ciphers(ciphers)
        if own is not None:
            context.load_cert_chain(own.certificate, own.key)
        return context

    def connect(self, context=None):
        """A connection over TLS, its handshake done."""
        raw = socket.create_connection(("127.0.0.1", port_of(self.server.tls_endpoint)), timeout=30)
        try:
            return (context or self.context()).wrap_socket(raw, server_hostname="localhost")
        except BaseException:
            raw.close()
            raise

    def health(self, context):
        """What GET /health answers: its status, or 0 if TLS does not let the client in."""
        try:
            with self.connect(context) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                reply = connection.recv(65536)
                return int(reply.split()[1]) if reply else 0
        except (ssl.SSLError, ConnectionError):
            return 0

    def boto(self, endpoint, **options):
        return boto3.client(
            "sqs",
            endpoint_url=endpoint,
            region_name=signing.REGION,
            aws_access_key_id=KEY.id,
            aws_secret_access_key=KEY.secret,
            config=botocore.config.Config(
                retries={"total_max_attempts": 1}, client_cert=options.pop("client_cert", None)
            ),
            **{"verify": self.authority.path, **options},
        )


class Spoken(TlsTest):
    def test_boto3(self):
        self.start()
        sqs = self.boto(self.server.tls_endpoint)
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        self.assertEqual(url, f"{self.server.tls_endpoint}/{ACCOUNT}/jobs")
        body = "x" * 1_000_000
        sqs.send_message(QueueUrl=url, MessageBody=body)
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        self.assertEqual(message["Body"], body)
        # The scheme is the one that each client used.
        plain = self.boto(self.server.endpoint)
        self.assertEqual(
            plain.get_queue_url(QueueName="jobs")["QueueUrl"],
            f"{self.server.endpoint}/{ACCOUNT}/jobs",
        )
        with self.assertRaises(botocore.exceptions.SSLError):
            self.boto(self.server.tls_endpoint, verify=self.clients.path).list_queues()

    def test_every_form_of_signature(self):
        self.start()
        endpoint = self.server.tls_endpoint
        requests = {
            "json": sign(json_request(endpoint, "ListQueues", {}), KEY),
            "form": sign(form_request(endpoint, "ListQueues", {}), KEY),
            "presigned": sign(get_request(endpoint, "ListQueues", {}), KEY, expires=60),
        }
        for name, request in requests.items():
            with self.subTest(form=name):
                reply = request.send(endpoint, tls=self.context())
                self.assertEqual(reply.status, 200, reply.text)

    def test_versions(self):
        self.start()
        old = "ALL:@SECLEVEL=0"  # else the client would not even try
        rows = [
            (ssl.TLSVersion.TLSv1, old, 0),
            (ssl.TLSVersion.TLSv1_1, old, 0),
            (ssl.TLSVersion.TLSv1_2, None, 200),
            (ssl.TLSVersion.TLSv1_3, None, 200),
        ]
        for version, ciphers, status in rows:
            with self.subTest(version=version.name):
                self.assertEqual(self.health(self.context(version, ciphers)), status)
        self.server.stop()
        self.start("--tls-minimum-version", "1.3")
        self.assertEqual(self.health(self.context(ssl.TLSVersion.TLSv1_2)), 0)
        self.assertEqual(self.health(self.context(ssl.TLSVersion.TLSv1_3)), 200)

    def test_ciphers(self):
        own = self.authority.issue("server", kind=("rsa:2048",))
        self.start(own=own)
        rows = {
            "ECDHE-RSA-AES128-GCM-SHA256": 200,
            "ECDHE-RSA-AES256-GCM-SHA384": 200,
            "ECDHE-RSA-CHACHA20-POLY1305": 200,
            "ECDHE-RSA-AES128-SHA": 0,
            "ECDHE-RSA-AES128-SHA256": 0,
            "AES128-GCM-SHA256": 0,
            "AES256-SHA": 0,
            "DHE-RSA-AES128-GCM-SHA256": 0,
            "eNULL": 0,
            "aNULL": 0,
        }
        for ciphers, status in rows.items():
            with self.subTest(ciphers=ciphers):
                context = self.context(ssl.TLSVersion.TLSv1_2, ciphers + ":@SECLEVEL=0")
                self.assertEqual(self.health(context), status)

    def test_the_servers_order_of_ciphers(self):
        self.start(own=self.authority.issue("server", kind=("rsa:2048",)))
        wish = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
        with self.connect(self.context(ssl.TLSVersion.TLSv1_2, wish)) as connection:
            self.assertEqual(connection.cipher()[0], "ECDHE-RSA-AES128-GCM-SHA256")
            self.assertIsNone(connection.compression())
            self.assertFalse(connection.session.has_ticket)

    def test_plain_http_is_told_what_is_wrong(self):
        self.start()
        place = urllib.parse.urlsplit(self.server.tls_endpoint)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", "/", body=b"Action=ListQueues")
            reply = connection.getresponse()
            self.assertEqual(reply.status, 400)
            self.assertIn(b"https://", reply.read())
            self.assertEqual(reply.getheader("Connection"), "close")

    def test_https_on_the_plain_port_is_closed(self):
        self.start()
        address = ("127.0.0.1", port_of(self.server.endpoint))
        with socket.create_connection(address, timeout=30) as raw:
            with self.assertRaises(ssl.SSLError):
                self.context().wrap_socket(raw, server_hostname="localhost")

    def test_plain_http_can_be_switched_off(self):
        self.start(listen="off")
        self.assertTrue(self.server.endpoint.startswith("https://"))
        self.assertEqual(self.health(self.context()), 200)
        self.assertEqual(listening_ports(self.server.pid), [port_of(self.server.endpoint)])

    def test_half_open_handshakes_disturb_nobody(self):
        self.start()
        address = ("127.0.0.1", port_of(self.server.tls_endpoint))
        with contextlib.ExitStack() as all_of_them:
            for number in range(200):
                half = socket.create_connection(address, timeout=30)
                all_of_them.enter_context(half)
                half.sendall(b"\x16\x03\x01\x02\x00"[: number % 6])
            self.assertEqual(self.health(self.context()), 200)
        self.assertEqual(self.health(self.context()), 200)
        self.server.stop()
        self.assertNotIn("error", self.server.log())

    def test_a_handshake_has_its_time(self):
        self.start("--handshake-timeout", "1")
        address = ("127.0.0.1", port_of(self.server.tls_endpoint))
        with socket.create_connection(address, timeout=30) as silent:
            self.assertEqual(silent.recv(1), b"")


def listening_ports(pid):
    """The TCP ports that a process listens on."""
    inodes = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(descriptor))
    ports = []
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text("ascii").splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in inodes:
                ports.append(int(columns[1].split(":")[1], 16))
    return sorted(ports)


class Changed(TlsTest):
    def serial(self):
        with self.connect() as connection:
            return int(connection.getpeercert()["serialNumber"], 16)

    def test_a_new_certificate_drops_no_connection(self):
        self.start()
        sqs = self.boto(self.server.tls_endpoint)
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        self.assertEqual(self.serial(), self.own.number)
        received = []
        polling = threading.Thread(
            target=lambda: received.extend(
                self.boto(self.server.tls_endpoint)
                .receive_message(QueueUrl=url, WaitTimeSeconds=20)
                .get("Messages", [])
            )
        )
        polling.start()
        kept = http.client.HTTPSConnection(
            "localhost", port_of(self.server.tls_endpoint), timeout=30, context=self.context()
        )
        self.addCleanup(kept.close)

        def ask_again():
            kept.request("GET", "/health")
            reply = kept.getresponse()
            reply.read()
            return reply.status

        self.assertEqual(ask_again(), 200)
        connected = kept.sock
        for _ in range(3):
            fresh = self.authority.issue("server")
            fresh.put_at(self.own.certificate, self.own.key)
            self.assertIn(" info certificate taken over", self.server.reload("certificate"))
            self.assertEqual(self.serial(), fresh.number)
            self.assertEqual(ask_again(), 200)
        # What is wrong with the files is said, and changes nothing.
        pathlib.Path(self.own.key).write_text("no key", encoding="ascii")
        outcome = self.server.reload("certificate")
        self.assertIn(" error certificate not taken over; the old one stays in force", outcome)
        self.assertIn(self.own.key, outcome)
        self.assertEqual(self.serial(), fresh.number)
        self.assertEqual(ask_again(), 200)
        self.assertIs(kept.sock, connected)
        self.assertTrue(polling.is_alive())
        sqs.send_message(QueueUrl=url, MessageBody="at last")
        polling.join(30)
        self.assertEqual([message["Body"] for message in received], ["at last"])

    def test_credentials_and_certificate_change_apart_from_each_other(self):
        self.start()
        pathlib.Path(self.own.key).write_text("no key", encoding="ascii")
        self.assertIn("credentials taken over", self.server.reload("credentials"))
        self.assertIn("not taken over", self.server.reload("certificate"))

    def test_a_long_poll_ends_when_its_client_goes(self):
        self.start()
        sqs = self.boto(self.server.tls_endpoint)
        url = sqs.create_queue(QueueName="gone")["QueueUrl"]
        connection = http.client.HTTPSConnection(
            "localhost", port_of(self.server.tls_endpoint), timeout=30, context=self.context()
        )
        poll = json_request(
            f"https://localhost:{connection.port}",
            "ReceiveMessage",
            {"QueueUrl": url, "WaitTimeSeconds": 20},
        )
        signed = sign(poll, KEY)
        headers = {name: value[0] for name, value in signed.headers.items()}
        connection.request("POST", signed.target, body=signed.body, headers=headers)
        connection.close()
        # A message that came to the poll that is gone would be in flight now.
        sqs.send_message(QueueUrl=url, MessageBody="for others")
        messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages", [])
        self.assertEqual([message["Body"] for message in messages], ["for others"])


class ClientCertificates(TlsTest):
    def test_only_clients_with_a_certificate_get_in(self):
        self.start("--tls-client-ca", self.clients.path)
        ada = self.clients.issue("ada")
        late = self.clients.issue("late", days=0)
        stranger = self.authority.issue("stranger")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            rows = [(None, 0), (stranger, 0), (late, 0), (ada, 200)]
            for number, (own, status) in enumerate(rows):
                with self.subTest(version=version.name, row=number):
                    self.assertEqual(self.health(self.context(version, own=own)), status)
        sqs = self.boto(self.server.tls_endpoint, client_cert=(ada.certificate, ada.key))
        self.assertEqual(sqs.list_queues()["ResponseMetadata"]["HTTPStatusCode"], 200)
        # A certificate alone is no access key.
        with self.connect(self.context(own=ada)) as connection:
            connection.sendall(
                b"GET /?Action=ListQueues HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            )
            self.assertIn(b" 403 ", connection.recv(65536))


def queue_with_policy(sqs, name, statement):
    """The URL of a queue whose policy has one statement, about everybody and every action."""
    resource_arn = f"arn:aws:sqs:{signing.REGION}:{ACCOUNT}:{name}"
    whole = {"Principal": "*", "Action": "sqs:*", "Resource": resource_arn, **statement}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [whole]})
    return sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]


class Policies(TlsTest):
    def test_a_policy_can_demand_tls(self):
        self.start()
        secure = self.boto(self.server.tls_endpoint)
        plain = self.boto(self.server.endpoint)
        condition = {"Bool": {"aws:SecureTransport": "false"}}
        queue_with_policy(secure, "jobs", {"Effect": "Deny", "Condition": condition})
        path = f"/{ACCOUNT}/jobs"
        secure.send_message(QueueUrl=self.server.tls_endpoint + path, MessageBody="m")
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            plain.send_message(QueueUrl=self.server.endpoint + path, MessageBody="m")
        self.assertEqual(refused.exception.response["Error"]["Code"], "AccessDenied")
        # The field of a proxy that nobody has listed says nothing.
        request = sign(get_request(self.server.endpoint, "ReceiveMessage", {}, path), KEY)
        request.headers["X-Forwarded-Proto"] = "https"
        self.assertEqual(request.send(self.server.endpoint).code, "AccessDenied")


class Proxies(TlsTest):
    """Requests as a proxy passes them on, from 127.0.0.1; X-Forwarded fields are never signed."""

    def forwarded(self, path, fields):
        request = sign(
            get_request(self.server.endpoint, "ReceiveMessage", {}, path), KEY
        )
        request.headers.update(fields)
        return request.send(self.server.endpoint)

    def allowed(self, path, **fields):
        headers = {"X-Forwarded-" + name.capitalize(): value for name, value in fields.items()}
        reply = self.forwarded(path, headers)
        return {200: "yes", 403: "no", 400: "unreadable"}[reply.status]

    def make_queues(self):
        sqs = self.boto(self.server.tls_endpoint)
        elsewhere = {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}
        insecure = {"Bool": {"aws:SecureTransport": "false"}}
        queue_with_policy(sqs, "office", {"Effect": "Deny", "Condition": elsewhere})
        queue_with_policy(sqs, "secure", {"Effect": "Deny", "Condition": insecure})

    def test_a_listed_proxy_is_believed(self):
        self.start("--trusted-proxies", "10.0.0.0/8, 127.0.0.1")
        self.make_queues()
        office, secure = f"/{ACCOUNT}/office", f"/{ACCOUNT}/secure"
        rows = [
            (office, {}, "no"),
            (office, {"for": "198.51.100.7"}, "yes"),
            (office, {"for": "198.51.100.7:4711"}, "yes"),
            (office, {"for": "198.51.100.7, 10.1.1.1"}, "yes"),
            (office, {"for": "203.0.113.9, 198.51.100.7"}, "yes"),
            (office, {"for": "198.51.100.7, 203.0.113.9"}, "no"),
            (office, {"for": "198.51.100.7, 203.0.113.9, 10.1.1.1"}, "no"),
            (office, {"for": "10.1.1.1"}, "no"),
            (office, {"for": "unknown"}, "unreadable"),
            (office, {"for": ["203.0.113.9", "198.51.100.7"]}, "yes"),
            (office, {"for": ["198.51.100.7", "203.0.113.9"]}, "no"),
            (secure, {}, "no"),
            (secure, {"proto": "http"}, "no"),
            (secure, {"proto": "https"}, "yes"),
            (secure, {"proto": "https, http"}, "no"),
            (secure, {"proto": "spdy"}, "unreadable"),
        ]
        for path, fields, answer in rows:
            with self.subTest(path=path, fields=fields):
                self.assertEqual(self.allowed(path, **fields), answer)
        request = sign(json_request(self.server.endpoint, "GetQueueUrl", {"QueueName": "secure"}),
                       KEY)
        request.headers["X-Forwarded-Proto"] = "https"
        request.headers["X-Forwarded-Host"] = "elsewhere"
        url = json.loads(request.send(self.server.endpoint).body)["QueueUrl"]
        self.assertEqual(url, self.server.endpoint.replace("http:", "https:") + secure)

    def test_nobody_else_is(self):
        self.start("--trusted-proxies", "10.0.0.0/8")
        self.make_queues()
        office, secure = f"/{ACCOUNT}/office", f"/{ACCOUNT}/secure"
        for path, fields in (
            (office, {"for": "198.51.100.7"}),
            (office, {"for": "unknown"}),
            (secure, {"proto": "https"}),
            (secure, {"proto": "spdy"}),
        ):
            with self.subTest(path=path, fields=fields):
                self.assertEqual(self.allowed(path, **fields), "no")


class Start(TlsTest):
    def refused(self, certificate, key, *options):
        outcome = subprocess.run(
            [
                BINARY, "serve", "--ephemeral", "--listen", "off", "--tls-listen", "127.0.0.1:0",
                "--tls-certificate", certificate, "--tls-key", key, *options,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=millrace_server.START_SECONDS_MAX,
        )
        self.assertNotEqual(outcome.returncode, 0)
        return outcome.stderr

    def test_files_that_cannot_be_used(self):
        own = self.authority.issue("server")
        other = self.authority.issue("other")
        missing = self.authority.file("there") + ".not"
        empty = self.authority.file("empty")
        locked = self.authority.file("locked")
        openssl("pkey", "-in", own.key, "-aes128", "-passout", "pass:secret", "-out", locked)
        weak = self.authority.issue("weak", kind=("rsa:1024",))
        rows = [
            (missing, own.key, "cannot read the certificate " + missing),
            (own.certificate, missing, "cannot read the key " + missing),
            (empty, own.key, "--tls-certificate " + empty),
            (own.certificate, empty, "--tls-key " + empty),
            (own.certificate, other.key, "is not that of the first certificate"),
            (own.certificate, locked, "passphrase"),
            (weak.certificate, weak.key, "key too small"),
        ]
        for certificate, key, text in rows:
            with self.subTest(text=text):
                self.assertIn(text, self.refused(certificate, key))
        text = self.refused(own.certificate, own.key, "--tls-client-ca", empty)
        self.assertIn("--tls-client-ca " + empty, text)
        os.chmod(own.key, 0o644)
        self.assertIn(f"chmod 600 {own.key}", self.refused(own.certificate, own.key))

    def test_what_is_risky_is_said(self):
        # An address of this machine alone, in clothes that the server does not look through.
        self.start(
            listen="[::ffff:127.0.0.1]:0", own=self.authority.issue("server", days=0)
        )
        self.assertEqual(self.health(ssl._create_unverified_context()), 200)
        self.server.stop()
        self.assertIn("plain http can be read", self.server.log())
        self.assertIn("certificate has expired", self.server.log())

    def test_no_core_dump_holds_a_secret(self):
        def be_nobody():
            resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096))
            if os.geteuid() == 0:  # what is root's looks the same whether it is protected or not
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)

        process = subprocess.Popen(
            [BINARY, "serve", "--ephemeral", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=be_nobody,
        )
        try:
            self.assertIn("serves", process.stdout.readline())
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text("ascii")
            (line,) = [line for line in limits.splitlines() if line.startswith("Max core")]
            self.assertEqual(line.split()[4:6], ["0", "0"])
            # The system gives the files of a process that must not be dumped to root.
            self.assertEqual(os.stat(f"/proc/{process.pid}/environ").st_uid, 0)
        finally:
            process.terminate()
            process.communicate()


if __name__ == "__main__":
    unittest.main()
