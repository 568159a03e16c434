"""Limits: what a client may send, how much of it, how often, and over how many connections; at the
limit and past it.

The servers are the suite's own. Requests are bytes, so that what no client library would send can
be sent, too.
"""

import json
import re
import socket
import unittest
import urllib.parse

import millrace_server
import signing
from signing import Key, Request, form_request, json_request, sign
from test_signatures import ACCOUNT, ADA, EVE, KEYS

HEAD_MAX = 16 * 1024
FIELDS_MAX = 100
BODY_MAX = 4 * 1024 * 1024
DEPTH_MAX = 32
PARAMETERS_MAX = 4096
JSON_FIELDS = (
    "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.{action}\r\n"
)


class LimitTest(unittest.TestCase):
    maxDiff = None

    def start(self, *options, keys=()):
        options = list(options)
        if keys:
            file = signing.CredentialsFile(*keys)
            self.addCleanup(file.close)
            options += ["--credentials", file.path]
        self.server = millrace_server.Server(options, test_clock=False)
        self.addCleanup(self.server.close)
        self.server.start()
        self.place = urllib.parse.urlsplit(self.server.endpoint)

    def connect(self):
        connection = socket.create_connection((self.place.hostname, self.place.port), timeout=60)
        self.addCleanup(connection.close)
        return connection

    def raw(self, request):
        """(status, text of the body) of the answer to these bytes."""
        connection = self.connect()
        connection.sendall(request)
        with connection.makefile("rb") as stream:
            status = int(stream.readline().split()[1])
            length = 0
            while (line := stream.readline()) != b"\r\n":
                name, value = line.split(b":", 1)
                length = int(value) if name.lower() == b"content-length" else length
            return status, stream.read(length).decode()

    def post(self, body=b"{}", fields="", action="ListQueues", length=True):
        head = "POST / HTTP/1.1\r\nHost: h\r\n" + JSON_FIELDS.format(action=action) + fields
        if length:
            head += f"Content-Length: {len(body)}\r\n"
        return self.raw(head.encode() + b"\r\n" + body)

    def ask(self, key=None, action="ListQueues", parameters=None, make=json_request):
        request = make(self.server.endpoint, action, parameters or {})
        if key is not None:
            return sign(request, key).send(self.server.endpoint)
        headers = dict(request.headers)
        return Request(request.method, "/", headers, request.body).send(self.server.endpoint)


class Size(LimitTest):
    def setUp(self):
        self.start()

    def test_the_head(self):
        fixed = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n"
        for size, status in ((HEAD_MAX, 404), (HEAD_MAX + 1, 431)):
            padding = "x" * (size - len(fixed))
            request = fixed.replace("X: ", "X: " + padding)
            self.assertEqual(self.raw(request.encode())[0], status, size)

    def test_the_fields(self):
        for count, status in ((FIELDS_MAX, 404), (FIELDS_MAX + 1, 431)):
            fields = "".join(f"x{i}: y\r\n" for i in range(count - 1))
            request = f"GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n"
            self.assertEqual(self.raw(request.encode())[0], status, count)

    def test_the_body(self):
        body = b"{" + b" " * (BODY_MAX - 2) + b"}"
        self.assertEqual(self.post(body)[0], 200)
        status, text = self.post(b"", f"Content-Length: {BODY_MAX + 1}\r\n", length=False)
        self.assertEqual((status, text), (413, "The body is too large.\n"))
        head = "Transfer-Encoding: chunked\r\n"
        chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
        self.assertEqual(self.post(chunk + b"0\r\n\r\n", head, length=False)[0], 200)
        self.assertEqual(self.post(f"{BODY_MAX + 1:x}\r\n".encode(), head, length=False)[0], 413)

    def test_the_depth_of_json(self):
        def nested(depth):
            return b'{"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

        self.assertEqual(self.post(nested(DEPTH_MAX))[0], 200)
        for depth in (DEPTH_MAX + 1, 1_000_000):
            status, text = self.post(nested(depth))
            self.assertEqual(status, 400, depth)
            self.assertIn("SerializationException", text)
        deep = '{"Statement":' * 1000 + "1" + "}" * 1000
        for name in ("Policy", "RedrivePolicy", "RedriveAllowPolicy"):
            parameters = {"QueueName": "deep", "Attributes": {name: deep}}
            reply = self.ask(action="CreateQueue", parameters=parameters)
            self.assertEqual(reply.status, 400, name)

    def test_the_parameters_of_a_form(self):
        for count, status in ((PARAMETERS_MAX, 200), (PARAMETERS_MAX + 1, 400)):
            body = "Action=ListQueues" + "".join(f"&p{i}=v" for i in range(count - 1))
            request = Request("POST", "/", {"Content-Type": signing.FORM_TYPE}, body.encode())
            reply = request.send(self.server.endpoint)
            self.assertEqual(reply.status, status, reply.text)


class Coding(LimitTest):
    def setUp(self):
        self.start()

    def test_what_is_packed_is_refused(self):
        for coding in ("gzip", "deflate", "br", "zstd", "compress", "gzip, identity", "GZIP", "x"):
            status, text = self.post(b"x", f"Content-Encoding: {coding}\r\n")
            self.assertEqual((status, text), (415, "The body is encoded; send it as it is.\n"))
        self.assertEqual(self.post(fields="Content-Encoding: identity\r\n")[0], 200)

    def test_other_transfer_codings_are_refused(self):
        for coding in ("gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", ""):
            status, _ = self.post(b"", f"Transfer-Encoding: {coding}\r\n", length=False)
            self.assertEqual(status, 501, coding)
        twice = "Transfer-Encoding: chunked\r\n" * 2
        self.assertEqual(self.post(b"", twice, length=False)[0], 400)
        self.assertEqual(self.post(b"0\r\n\r\n", "Transfer-Encoding: chunked\r\n")[0], 400)


class Rate(LimitTest):
    def count(self, asked, **arguments):
        """How many of `asked` requests were answered, and the codes of the others."""
        replies = [self.ask(**arguments) for _ in range(asked)]
        good = sum(reply.status == 200 for reply in replies)
        return good, {(r.status, r.code, r.type) for r in replies if r.status != 200}

    def test_a_client_may_ask_so_often(self):
        # So many that the burst is used up although the rate fills it meanwhile.
        self.start("--rate-limit-source", "1", "--rate-limit-burst", "5", "--log-level", "info")
        json_type = "com.amazonaws.sqs#RequestThrottled"
        good, refused = self.count(60)
        self.assertTrue(5 <= good < 60, good)
        self.assertEqual(refused, {(403, "RequestThrottled", json_type)})
        good, refused = self.count(20, make=form_request)
        self.assertLess(good, 20)
        self.assertEqual({(status, code) for status, code, _ in refused},
                         {(403, "RequestThrottled")})
        status, _ = self.raw(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertEqual(status, 200)
        self.server.stop()
        self.assertEqual(len(re.findall("requests are throttled", self.server.log())), 1)

    def test_the_signature_of_what_is_too_much_is_not_looked_at(self):
        self.start("--rate-limit-source", "1", "--rate-limit-burst", "3", keys=KEYS)
        wrong = Key(ADA.id, "x" * 40)
        codes = [self.ask(key=wrong).code for _ in range(40)]
        self.assertEqual(codes[:3], ["SignatureDoesNotMatch"] * 3)
        self.assertIn("RequestThrottled", codes)

    def test_each_account_may_ask_so_often(self):
        self.start("--rate-limit-account", "1", "--rate-limit-burst", "5", keys=KEYS)
        good, refused = self.count(60, key=ADA)
        self.assertTrue(5 <= good < 60, good)
        self.assertEqual({code for _, code, _ in refused}, {"RequestThrottled"})
        self.assertEqual(self.count(3, key=EVE), (3, set()))
        # Who is nobody, or only says to be somebody, takes nothing from anybody.
        for key in (None, Key(EVE.id, "x" * 40)):
            self.count(60, key=key)
        self.assertEqual(self.count(1, key=EVE), (1, set()))

    def test_there_is_no_limit_unless_there_is_to_be_one(self):
        self.start()
        self.assertEqual(self.count(300), (300, set()))


class Counts(LimitTest):
    def test_a_client_has_so_many_connections(self):
        self.start("--connections-per-source", "3")
        request = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
        held = [self.connect() for _ in range(3)]
        for connection in held:
            connection.sendall(request)
            self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 200"))
        for _ in range(5):
            extra = self.connect()
            self.assertEqual(self.read_end(extra, request), b"")
        held.pop().close()
        while True:  # the server learns of the end in its time
            again = self.connect()
            if self.read_end(again, request, once=True).startswith(b"HTTP/1.1 200"):
                break
        self.server.stop()
        self.assertEqual(len(re.findall("too many connections of one", self.server.log())), 1)

    def read_end(self, connection, request, once=False):
        """What comes before the end; or with `once`, at first."""
        received = b""
        try:
            connection.sendall(request)
            while part := connection.recv(65536):
                received += part
                if once:
                    break
        except (ConnectionResetError, BrokenPipeError):
            pass
        return received

    def test_an_account_has_so_many_queues(self):
        self.start("--queues-per-account", "2", "--relax-name-reuse", keys=KEYS)
        make = {"action": "CreateQueue"}
        for name in ("one", "two", "one"):
            reply = self.ask(ADA, parameters={"QueueName": name}, **make)
            self.assertEqual(reply.status, 200)
        for maker in (json_request, form_request):
            reply = self.ask(ADA, parameters={"QueueName": "three"}, make=maker, **make)
            self.assertEqual((reply.status, reply.code), (403, "OverLimit"))
            self.assertEqual(reply.text, "An account may have 2 queues on this server.")
        self.assertEqual(self.ask(EVE, parameters={"QueueName": "three"}, **make).status, 200)
        url = {"QueueUrl": f"{self.server.endpoint}/{ACCOUNT}/one"}
        self.assertEqual(self.ask(ADA, "DeleteQueue", url).status, 200)
        self.assertEqual(self.ask(ADA, parameters={"QueueName": "three"}, **make).status, 200)
        listed = self.ask(ADA)
        self.assertEqual(len(json.loads(listed.body)["QueueUrls"]), 2)


if __name__ == "__main__":
    unittest.main()
