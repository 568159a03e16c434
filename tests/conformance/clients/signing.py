"""Requests signed by botocore's signer, which the signature suites send by hand to change what is
signed, and the credentials file of the servers that they start.

What stands here knows nothing of how the server checks a signature: signer and server were written
apart from each other, so where they agree, both follow the specification.
"""

import dataclasses
import datetime
import http.client
import json
import os
import pathlib
import re
import tempfile
import unittest.mock
import urllib.parse
import xml.etree.ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials

REGION = "us-east-1"
JSON_TYPE = "application/x-amz-json-1.0"
FORM_TYPE = "application/x-www-form-urlencoded"
XML_NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


@dataclasses.dataclass
class Key:
    """An access key as a client has it."""

    id: str
    secret: str
    token: str = None


@dataclasses.dataclass
class Reply:
    """status; code and type as clients see them (type only in JSON); the error's text."""

    status: int
    code: str
    type: str
    text: str
    body: bytes


@dataclasses.dataclass
class Request:
    """A request that can still be changed before it is sent."""

    method: str
    target: str
    headers: dict
    body: bytes

    def send(self, endpoint, tls=None):
        """tls: the client's ssl.SSLContext, for an endpoint of HTTPS."""
        place = urllib.parse.urlsplit(endpoint)
        if tls is None:
            connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        else:
            connection = http.client.HTTPSConnection(
                place.hostname, place.port, timeout=60, context=tls
            )
        try:
            connection.putrequest(
                self.method, self.target, skip_host=True, skip_accept_encoding=True
            )
            headers = {"Host": place.netloc, **self.headers}
            for name, value in headers.items():
                for one in value if isinstance(value, list) else [value]:
                    connection.putheader(name, one)
            connection.putheader("Content-Length", str(len(self.body)))
            connection.endheaders(self.body)
            reply = connection.getresponse()
            return read_reply(reply, reply.read())
        finally:
            connection.close()


def read_reply(reply, body):
    if reply.status == 200:
        return Reply(200, "", "", "", body)
    if reply.getheader("Content-Type") == JSON_TYPE:
        error = json.loads(body)
        code = reply.getheader("x-amzn-query-error").split(";")[0]
        return Reply(reply.status, code, error["__type"], error["message"], body)
    error = xml.etree.ElementTree.fromstring(body).find(XML_NAMESPACE + "Error")
    code, text = (error.findtext(XML_NAMESPACE + name) for name in ("Code", "Message"))
    return Reply(reply.status, code, "", text, body)


def json_request(endpoint, action, parameters, path="/"):
    headers = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": JSON_TYPE}
    body = json.dumps(parameters).encode("utf-8")
    return botocore.awsrequest.AWSRequest("POST", endpoint + path, headers=headers, data=body)


def form_request(endpoint, action, parameters, path="/"):
    fields = {"Action": action, "Version": "2012-11-05", **parameters}
    body = urllib.parse.urlencode(fields).encode("utf-8")
    return botocore.awsrequest.AWSRequest(
        "POST", endpoint + path, headers={"Content-Type": FORM_TYPE}, data=body
    )


def get_request(endpoint, action, parameters, path="/"):
    fields = {"Action": action, "Version": "2012-11-05", **parameters}
    query = urllib.parse.urlencode(fields, quote_via=urllib.parse.quote)
    return botocore.awsrequest.AWSRequest("GET", f"{endpoint}{path}?{query}")


def sign(request, key, expires=None, service="sqs", region=REGION, minutes=0):
    """The request, signed with `key` as if now were `minutes` later; with `expires`, as a presigned
    URL that is good for so many seconds."""
    credentials = botocore.credentials.Credentials(key.id, key.secret, key.token)
    if expires is None:
        signer = botocore.auth.SigV4Auth(credentials, service, region)
    else:
        signer = botocore.auth.SigV4QueryAuth(credentials, service, region, expires=expires)
    moment = datetime.datetime.utcnow() + datetime.timedelta(minutes=minutes)
    with unittest.mock.patch("botocore.auth.datetime") as clock:
        clock.datetime.utcnow.return_value = moment
        signer.add_auth(request)
    url = urllib.parse.urlsplit(request.url)
    headers = {}
    for name, value in request.headers.items():
        headers.setdefault(name, []).append(value)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return Request(request.method, target, headers, request.body or b"")


class CredentialsFile:
    """A credentials file in a folder of its own; write() replaces it. Keys are written as
    (account, user, Key, other lines of the key). users: lines of users, by name; a user without any
    may do everything in its account. accounts: lines of accounts, by id."""

    def __init__(self, *keys, users=None, accounts=None):
        self._folder = tempfile.TemporaryDirectory(prefix="millrace-keys-")
        self.path = str(pathlib.Path(self._folder.name) / "keys.toml")
        self.write(*keys, users=users, accounts=accounts)

    def write(self, *keys, users=None, accounts=None):
        by_account = {}
        for account, user, key, lines in keys:
            by_account.setdefault(account, {}).setdefault(user, []).append((key, lines))
        text = ""
        for account, by_user in by_account.items():
            text += f'[[account]]\nid = "{account}"\n{(accounts or {}).get(account, "")}'
            for user, of_user in by_user.items():
                may = "" if user == "root" else 'policies = ["AmazonSQSFullAccess"]\n'
                text += f'[[account.user]]\nname = "{user}"\n{(users or {}).get(user, may)}'
                for key, lines in of_user:
                    text += f'[[account.user.key]]\nid = "{key.id}"\nsecret = "{key.secret}"\n'
                    text += f'session_token = "{key.token}"\n' if key.token else ""
                    text += "".join(line + "\n" for line in lines)
        self.write_text(text)

    def write_text(self, text, mode=0o600):
        fresh = self.path + ".new"
        with open(fresh, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(fresh, mode)
        os.replace(fresh, self.path)

    def close(self):
        self._folder.cleanup()


def signature_of(request):
    """Where the signature stands in a signed request: (text, how to put another in its place)."""
    if "Authorization" in request.headers:
        text = request.headers["Authorization"][0]
        signature = re.search(r"Signature=([0-9a-f]{64})", text).group(1)

        def put(other):
            request.headers["Authorization"] = [text.replace(signature, other)]

        return signature, put
    signature = re.search(r"X-Amz-Signature=([0-9a-f]{64})", request.target).group(1)

    def put_in_target(other):
        request.target = request.target.replace(signature, other)

    return signature, put_in_target
