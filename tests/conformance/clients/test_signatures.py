"""Signatures: what botocore signs is taken, and whatever is wrong with a signature is refused as
SQS refuses it, in both protocols and in presigned URLs.

The servers are the suite's own, with credentials and by the clock on the wall, which is that of the
signer.
"""

import random
import string
import unittest

import boto3
import botocore.config
import botocore.exceptions

import millrace_server
import signing
from signing import Key, form_request, get_request, json_request, sign

ADA = Key("AKIDADA", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
OFF = Key("AKIDOFF", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEOFF")
TEMPORARY = Key("ASIDTEMPORARY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLETMP", "a/session+token==")
EXPIRED = Key("ASIDEXPIRED", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEOLD", "an-old-token")
EVE = Key("AKIDEVE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEEVE")
ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
KEYS = (
    (ACCOUNT, "ada", ADA, []),
    (ACCOUNT, "ada", OFF, ["enabled = false"]),
    (ACCOUNT, "ada", TEMPORARY, ["expires = 2099-01-01T00:00:00Z"]),
    (ACCOUNT, "ada", EXPIRED, ["expires = 2020-01-01T00:00:00Z"]),
    (OTHER_ACCOUNT, "root", EVE, []),
)
SEED = 20260101
RANDOM_REQUESTS = 200
SIGNATURE_TEXT = "The request signature we calculated does not match the signature you provided."
TOKEN_TEXT = "The security token included in the request is invalid"
MAKERS = {"JSON": json_request, "Query": form_request, "GET": get_request}


def make_client(endpoint, key):
    return boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=signing.REGION,
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token,
        config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=60),
    )


class SignatureTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.file = signing.CredentialsFile(*KEYS)
        cls.addClassCleanup(cls.file.close)
        cls.server = millrace_server.Server(["--credentials", cls.file.path], test_clock=False)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.endpoint = cls.server.endpoint
        cls.url = make_client(cls.endpoint, ADA).create_queue(QueueName="jobs")["QueueUrl"]

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def refuse(self, request, status, shape, code, text, protocol):
        reply = request.send(self.endpoint)
        self.assertEqual((reply.status, reply.code), (status, code), reply.text)
        if protocol == "JSON":
            self.assertEqual(reply.type, f"com.amazon.coral.service#{shape}")
        self.assertIn(text, reply.text)
        return reply

    def refuse_in_all(self, status, shape, code, text, change=lambda request: None, key=ADA,
                      **how):
        """In every protocol and as a presigned URL: ListQueues, signed with `key` as `how` says and
        then changed, is refused so."""
        for protocol, make in MAKERS.items():
            with self.subTest(protocol=protocol):
                request = sign(make(self.endpoint, "ListQueues", {}), key, **how)
                change(request)
                self.refuse(request, status, shape, code, text, protocol)
        with self.subTest(protocol="presigned"):
            make = get_request(self.endpoint, "ListQueues", {})
            request = sign(make, key, **{"expires": 60, **how})
            change(request)
            self.refuse(request, status, shape, code, text, "presigned")


class RightSignatures(SignatureTest):
    def test_clients_work(self):
        for key in (ADA, TEMPORARY):
            with self.subTest(key=key.id):
                sqs = make_client(self.endpoint, key)
                sqs.send_message(QueueUrl=self.url, MessageBody="hello")
                reply = sqs.receive_message(QueueUrl=self.url, AttributeNames=["SenderId"])
                message = reply["Messages"][0]
                self.assertEqual(message["Body"], "hello")
                self.assertRegex(message["Attributes"]["SenderId"], "^AIDA[A-Z2-7]{17}$")
                sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def test_the_root_user_sends_as_its_account(self):
        sqs = make_client(self.endpoint, EVE)
        url = sqs.create_queue(QueueName="eves")["QueueUrl"]
        self.assertTrue(url.endswith(f"/{OTHER_ACCOUNT}/eves"))
        sqs.send_message(QueueUrl=url, MessageBody="hello")
        reply = sqs.receive_message(QueueUrl=url, AttributeNames=["SenderId"])
        self.assertEqual(reply["Messages"][0]["Attributes"]["SenderId"], OTHER_ACCOUNT)

    def test_presigned_urls_work(self):
        sqs = make_client(self.endpoint, TEMPORARY)
        parameters = {"QueueUrl": self.url, "MessageBody": "a presigned body: é & + %"}
        url = sqs.generate_presigned_url("send_message", parameters, 60, HttpMethod="GET")
        target = url[len(self.endpoint):]
        reply = signing.Request("GET", target, {}, b"").send(self.endpoint)
        self.assertEqual(reply.status, 200, reply.text)
        messages = sqs.receive_message(QueueUrl=self.url)["Messages"]
        self.assertEqual([message["Body"] for message in messages], [parameters["MessageBody"]])
        sqs.delete_message(QueueUrl=self.url, ReceiptHandle=messages[0]["ReceiptHandle"])

    def test_a_few_minutes_are_forgiven(self):
        for minutes in (-14, 14):
            request = sign(json_request(self.endpoint, "ListQueues", {}), ADA, minutes=minutes)
            self.assertEqual(request.send(self.endpoint).status, 200, minutes)

    def test_random_requests(self):
        """What botocore signs is taken; with one character of the signature changed, it is not."""
        source = random.Random(SEED)
        for number in range(RANDOM_REQUESTS):
            protocol = source.choice([*MAKERS, "presigned"])
            with self.subTest(seed=SEED, number=number, protocol=protocol):
                self.try_random_request(source, protocol)

    def try_random_request(self, source, protocol):
        make = MAKERS.get(protocol, get_request)
        path = source.choice(["/", f"/{ACCOUNT}/jobs"])
        parameters = {"QueueUrl": self.url, random_text(source): random_text(source)}
        for _ in range(source.randrange(4)):
            parameters[random_text(source)] = random_text(source)
        request = make(self.endpoint, "ListQueueTags", parameters, path)
        for _ in range(source.randrange(4)):
            name = "X-" + "".join(source.choices(string.ascii_letters, k=6))
            request.headers[name] = random_field(source)
        key = source.choice([ADA, TEMPORARY])
        expires = source.randrange(60, 604800) if protocol == "presigned" else None
        signed = sign(request, key, expires, minutes=source.randrange(-14, 14))
        reply = signed.send(self.endpoint)
        if protocol == "presigned" and reply.code == "RequestExpired":
            self.assertLess(expires, 14 * 60)
        else:
            self.assertEqual(reply.status, 200, (reply.code, reply.text, signed))
        signature, put = signing.signature_of(signed)
        place = source.randrange(len(signature))
        other = source.choice([c for c in "0123456789abcdef" if c != signature[place]])
        put(signature[:place] + other + signature[place + 1:])
        self.assertIn(signed.send(self.endpoint).code, ("SignatureDoesNotMatch", "RequestExpired"))


def random_text(source):
    letters = string.ascii_letters + string.digits + "-._~ !*'();:@&=+$,/?#[]%\"<>\\^`{|}äß€𝄞"
    return "".join(source.choices(letters, k=source.randrange(1, 12)))


def random_field(source):
    letters = string.ascii_letters + string.digits + "   ,;=\"'/()<>"
    return "".join(source.choices(letters, k=source.randrange(1, 20)))


class WrongSignatures(SignatureTest):
    def test_nobody(self):
        for protocol, make in MAKERS.items():
            with self.subTest(protocol=protocol):
                request = sign(make(self.endpoint, "ListQueues", {}), ADA)
                for name in ("Authorization", "X-Amz-Date"):
                    del request.headers[name]
                self.refuse(request, 403, "AccessDeniedException", "AccessDenied",
                            f"Access to the resource {self.endpoint}/ is denied.", protocol)
                parameters = {"QueueUrl": self.url, "MessageBody": "m"}
                request = sign(make(self.endpoint, "SendMessage", parameters), ADA)
                del request.headers["Authorization"]
                self.refuse(request, 403, "AccessDeniedException", "AccessDenied",
                            f"Access to the resource {self.url} is denied.", protocol)

    def test_malformed_headers(self):
        cases = {
            "": "requires the algorithm 'AWS4-HMAC-SHA256'",
            "Basic dXNlcjpwYXNz": "requires the algorithm 'AWS4-HMAC-SHA256'",
            "AWS4-HMAC-SHA256": "Authorization header requires 'Credential' parameter.",
            "AWS4-HMAC-SHA256 nonsense": "Invalid key=value pair (missing equal-sign)",
            "AWS4-HMAC-SHA256 Credential=AKIDADA, SignedHeaders=host, Signature=0":
                "Credential must have exactly 5 slash-delimited elements",
            "AWS4-HMAC-SHA256 Credential=AKIDADA/d/r/s/t, Signature=0":
                "Authorization header requires 'SignedHeaders' parameter.",
            "AWS4-HMAC-SHA256 Credential=AKIDADA/d/r/s/t, SignedHeaders=host":
                "Authorization header requires 'Signature' parameter.",
        }
        for authorization, text in cases.items():
            for protocol, make in MAKERS.items():
                with self.subTest(authorization=authorization, protocol=protocol):
                    request = sign(make(self.endpoint, "ListQueues", {}), ADA)
                    request.headers["Authorization"] = authorization
                    self.refuse(request, 400, "IncompleteSignatureException",
                                "IncompleteSignature", text, protocol)

    def test_dates_that_are_missing_or_none(self):
        for protocol, make in MAKERS.items():
            with self.subTest(protocol=protocol):
                request = sign(make(self.endpoint, "ListQueues", {}), ADA)
                request.headers["X-Amz-Date"] = "yesterday"
                self.refuse(request, 400, "IncompleteSignatureException", "IncompleteSignature",
                            "Date must be in ISO-8601 'basic format'. Got 'yesterday'.", protocol)
                del request.headers["X-Amz-Date"]
                self.refuse(request, 400, "IncompleteSignatureException", "IncompleteSignature",
                            "requires existence of either a 'X-Amz-Date' or a 'Date' header.",
                            protocol)

    def test_incomplete_presigned_urls(self):
        for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"):
            with self.subTest(name=name):
                request = sign(get_request(self.endpoint, "ListQueues", {}), ADA, expires=60)
                request.target = request.target.replace(f"X-Amz-{name}=", f"X-Other-{name}=")
                self.refuse(request, 400, "IncompleteSignatureException", "IncompleteSignature",
                            f"AWS query-string parameters must include 'X-Amz-{name}'",
                            "presigned")
        for expires in (0, 604801):
            request = sign(get_request(self.endpoint, "ListQueues", {}), ADA, expires=expires)
            self.refuse(request, 400, "IncompleteSignatureException", "IncompleteSignature",
                        "X-Amz-Expires must be a number of seconds from 1 to 604800", "presigned")

    def test_keys_that_are_not_known_or_disabled(self):
        for key in (Key("AKIDNOBODY", ADA.secret), OFF):
            self.refuse_in_all(403, "UnrecognizedClientException", "InvalidClientTokenId",
                               TOKEN_TEXT, key=key)

    def test_session_tokens_that_are_not_the_keys(self):
        for key in (Key(ADA.id, ADA.secret, "a token"), Key(TEMPORARY.id, TEMPORARY.secret),
                    Key(TEMPORARY.id, TEMPORARY.secret, "another token")):
            self.refuse_in_all(403, "UnrecognizedClientException", "InvalidClientTokenId",
                               TOKEN_TEXT, key=key)

    def test_expired_tokens(self):
        self.refuse_in_all(403, "ExpiredTokenException", "ExpiredToken",
                           "The security token included in the request is expired", key=EXPIRED)

    def test_wrong_secrets(self):
        self.refuse_in_all(403, "InvalidSignatureException", "SignatureDoesNotMatch",
                           SIGNATURE_TEXT, key=Key(ADA.id, EVE.secret))

    def test_only_query_shows_what_the_server_made_of_it(self):
        shown = "The Canonical String for this request should have been\n'POST\n/\n\n"
        wrong = Key(ADA.id, EVE.secret)
        form = sign(form_request(self.endpoint, "ListQueues", {}), wrong).send(self.endpoint)
        self.assertIn(shown, form.text)
        self.assertIn("The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n", form.text)
        json = sign(json_request(self.endpoint, "ListQueues", {}), wrong).send(self.endpoint)
        self.assertNotIn("Canonical String", json.text)

    def test_old_and_future_dates(self):
        for protocol, make in MAKERS.items():
            with self.subTest(protocol=protocol):
                request = sign(make(self.endpoint, "ListQueues", {}), ADA, minutes=-16)
                reply = self.refuse(request, 403, "InvalidSignatureException",
                                    "SignatureDoesNotMatch", "Signature expired: ", protocol)
                self.assertRegex(reply.text, r"\d{8}T\d{6}Z is now earlier than "
                                             r"\d{8}T\d{6}Z \(\d{8}T\d{6}Z - 15 min\.\)$")
        self.refuse_in_all(403, "InvalidSignatureException", "SignatureDoesNotMatch",
                           "Signature not yet current: ", minutes=16)

    def test_expired_presigned_urls(self):
        request = sign(get_request(self.endpoint, "ListQueues", {}), ADA, 60, minutes=-2)
        self.refuse(request, 400, "RequestExpired", "RequestExpired", "Request has expired",
                    "presigned")

    def test_wrong_scopes(self):
        shape, code = "InvalidSignatureException", "SignatureDoesNotMatch"
        self.refuse_in_all(403, shape, code, "scoped to a valid region, not 'eu-west-1'",
                           region="eu-west-1")
        self.refuse_in_all(403, shape, code, "scoped to correct service: 'sqs'", service="s3")

    def test_what_is_not_signed_but_must_be(self):
        shape, code = "InvalidSignatureException", "SignatureDoesNotMatch"
        request = sign(json_request(self.endpoint, "ListQueues", {}), ADA)
        authorization = request.headers["Authorization"][0]
        for name in ("host", "x-amz-date", "x-amz-target"):
            with self.subTest(name=name):
                without = authorization.replace(f"{name};", "").replace(f";{name},", ",")
                self.assertNotEqual(without, authorization)
                request.headers["Authorization"] = without
                self.refuse(request, 403, shape, code, "must be a 'SignedHeader'", "JSON")

    def test_another_action_than_was_signed(self):
        request = sign(json_request(self.endpoint, "ReceiveMessage", {"QueueUrl": self.url}), ADA)
        request.headers["X-Amz-Target"] = "AmazonSQS.DeleteQueue"
        self.refuse(request, 403, "InvalidSignatureException", "SignatureDoesNotMatch",
                    SIGNATURE_TEXT, "JSON")

    def test_real_clients_see_the_codes(self):
        cases = {
            "SignatureDoesNotMatch": Key(ADA.id, EVE.secret),
            "InvalidClientTokenId": Key("AKIDNOBODY", ADA.secret),
            "ExpiredToken": EXPIRED,
        }
        for code, key in cases.items():
            with self.subTest(code=code):
                with self.assertRaises(botocore.exceptions.ClientError) as caught:
                    make_client(self.endpoint, key).list_queues()
                reply = caught.exception.response
                self.assertEqual(reply["Error"]["Code"], code)
                self.assertEqual(reply["ResponseMetadata"]["HTTPStatusCode"], 403)


if __name__ == "__main__":
    unittest.main()
