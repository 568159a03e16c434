"""One case run against the server, in one protocol."""

import hashlib
import json
import re
import time
import urllib.parse

import client
import language
import protocols
from language import Mistake

# Each run of a case has an account of its own, which in development mode is the access key.
FIRST_ACCOUNT = 100_000_000_001
REGION = "us-east-1"
COUNTS = ("", "NotVisible", "Delayed")
# How often a request is asked again that is to be answered so in the end, and how much of the
# server's time passes each time; how long it is tried at least.
TRIES_MIN = 600
TRY_MILLISECONDS = 100
TRY_SECONDS_MIN = 5
UUID_PATTERN = "~" + protocols.UUID.pattern


class Failure(Exception):
    """The server did something else than the case says."""


def md5(text):
    return hashlib.md5(text.encode("utf-8")).hexdigest()


class Replay:
    """number: tells this run from all others. host: the server's."""

    def __init__(self, case, protocol, number, host):
        account = str(FIRST_ACCOUNT + number)
        self._case = case
        self._protocol = protocol
        self._bindings = {"account": account, "host": host}
        self._access_key = account
        self._client = client.Client(host)
        self._waiting = {}  # name -> (connection, action, request text)

    def run(self):
        """@return nothing, or what went wrong."""
        try:
            for step in self._case.steps:
                try:
                    self._run_step(step)
                except (Failure, Mistake, protocols.Malformed) as wrong:
                    return f"line {step.line}: {step.text[:300]}\n{wrong}"
                except (OSError, ValueError) as wrong:
                    return f"line {step.line}: {step.text[:300]}\n{type(wrong).__name__}: {wrong}"
            return None
        finally:
            for connection, _, _ in self._waiting.values():
                connection.close()
            self._client.close()

    def _run_step(self, step):
        getattr(self, "_step_" + step.kind)(step)

    # --- Requests ---

    def _step_request(self, step):
        text = self._json_text(step)
        response = self._client.exchange(self._request(step.action, text))
        self._compare(step, self._protocol, step.action, text, response)

    def _step_eventually(self, step):
        action, _, rest = step.rest.partition(" ")
        text = self._json_text(step, rest)
        started = time.monotonic()
        tries = 0
        while True:
            response = self._client.exchange(self._request(action, text))
            bindings = dict(self._bindings)
            try:
                self._compare(step, self._protocol, action, text, response)
                return
            except Failure:
                tries += 1
                if tries >= TRIES_MIN and time.monotonic() - started >= TRY_SECONDS_MIN:
                    raise
            self._bindings = bindings
            self._advance(TRY_MILLISECONDS)

    def _json_text(self, step, rest=None):
        text = "\n".join([step.rest if rest is None else rest, *step.more]).strip() or "{}"
        return language.substitute(text, self._bindings, language.json_escaped)

    def _request(self, action, text):
        fields, body = protocols.write_request(self._protocol, action, text)
        return client.Request("POST", "/", [*self._signed(), *fields.items()], body)

    def _signed(self):
        return [
            (
                "Authorization",
                f"AWS4-HMAC-SHA256 Credential={self._access_key}/20260101/{REGION}/sqs/aws4_request"
                ", SignedHeaders=host, Signature=0000",
            )
        ]

    def _call(self, action, text):
        """A request that only prepares the case, and must succeed. @return its reply."""
        response = self._client.exchange(self._request(action, text))
        reply = protocols.read_reply(self._protocol, action, response)
        if reply.error or (isinstance(reply.value, dict) and "Failed" in reply.value):
            raise Failure(f"{action} should succeed: {reply.error or reply.value}")
        return reply.value

    # --- Answers ---

    def _compare(self, step, protocol, action, text, response):
        answer = self._answer_for(step, protocol)
        reply = protocols.read_reply(protocol, action, response)
        if answer.startswith("error "):
            wrong = self._error_difference(answer[6:], protocol, reply)
        elif reply.error:
            wrong = f"expected success, got {language.shown(reply.error)}"
        else:
            wrong = self._value_difference(answer, text, reply.value)
        if wrong:
            raise Failure(wrong)

    def _answer_for(self, step, protocol):
        """The lines of the answer that are for this protocol, as one."""
        lines = []
        wanted = True
        for line in step.answer:
            for one in language.PROTOCOLS:
                if line.startswith(f"{one}: "):
                    wanted = one == protocol
                    line = line.removeprefix(f"{one}: ")
            if wanted:
                lines.append(line)
        return " ".join(lines)

    def _error_difference(self, answer, protocol, reply):
        shape, _, text = answer.partition(":")
        error = protocols.ERRORS.get(shape)
        if not error:
            raise Mistake(f"there is no error {shape!r}")
        text = language.expand(text.strip()) or error.text(protocol)
        if text is None:
            raise Mistake(f"{shape} has no usual text: write it")
        wanted = protocols.error_members(protocol, shape, text)
        if reply.error is None:
            return f"expected {shape}, got {language.shown(reply.value)}"
        return language.difference(wanted, reply.error, self._bindings, "error")

    def _value_difference(self, answer, text, value):
        word, _, rest = answer.partition(" ")
        if answer == "ok":
            return None
        if word == "sent":
            digest = md5(json.loads(text)["MessageBody"])
            pattern = {"MessageId": rest or UUID_PATTERN, "MD5OfMessageBody": digest}
        elif word == "bodies":
            pattern = {"Messages": self._messages_pattern(rest)}
        else:
            pattern = self._parse_answer(answer)
        return language.difference(pattern, value, self._bindings)

    def _parse_answer(self, answer):
        try:
            return json.loads(language.expand(answer))
        except ValueError as problem:
            raise Mistake(f"the answer is no JSON: {problem}") from None

    def _messages_pattern(self, text):
        """The messages of "one, two $handle": nothing but what was not asked for."""
        unordered = text.startswith(language.ANY_ORDER)
        messages = []
        for part in text.removeprefix(language.ANY_ORDER).split(","):
            body, _, handle = part.strip().partition(" ")
            messages.append(
                {
                    "Body": body,
                    "MD5OfBody": md5(body),
                    "MessageId": UUID_PATTERN,
                    "ReceiptHandle": handle or "*",
                }
            )
        return [language.ANY_ORDER, *messages] if unordered else messages

    # --- Steps that prepare ---

    def _step_queue(self, step):
        name, _, attributes = step.rest.partition(" ")
        attributes = json.loads(self._json_text(step, attributes))
        if name.endswith(".fifo"):
            attributes = {"FifoQueue": "true", **attributes}
        request = {"QueueName": name}
        if attributes:
            request["Attributes"] = attributes
        reply = self._call("CreateQueue", json.dumps(request))
        self._bindings[binding_of(name)] = reply["QueueUrl"]

    def _step_send(self, step):
        match = re.fullmatch(r"(\S+) (\{.*\} )?(.+)", step.rest)
        if not match:
            raise Mistake("write send QUEUE BODY, BODY")
        members = json.loads(self._json_text(step, match[2] or "{}"))
        for body in match[3].split(","):
            request = {"QueueUrl": self._queue(match[1]), "MessageBody": body.strip(), **members}
            self._call("SendMessage", json.dumps(request))

    def _queue(self, name):
        if binding_of(name) not in self._bindings:
            raise Mistake(f"there is no queue {name}")
        return self._bindings[binding_of(name)]

    def _step_times(self, step):
        match = re.fullmatch(r"(\d+) ([A-Za-z]+) (.*)", step.rest)
        if not match:
            raise Mistake("write times COUNT ACTION REQUEST")
        for number in range(1, int(match[1]) + 1):
            self._bindings["n"] = str(number)
            self._call(match[2], self._json_text(step, match[3]))
        del self._bindings["n"]

    def _step_as(self, step):
        self._access_key = language.substitute(step.rest, self._bindings)

    def _step_advance(self, step):
        self._advance(language.read_length(step.rest))

    def _advance(self, milliseconds):
        target = f"/test/clock?advance={milliseconds}"
        response = self._client.exchange(client.Request("POST", target, []))
        if response.status != 200:
            raise Failure(f"the clock was not moved: {response.body!r}")

    # --- Steps that check ---

    def _step_counts(self, step):
        match = re.fullmatch(r"(\S+) (\d+) visible, (\d+) in flight, (\d+) delayed", step.rest)
        if not match:
            raise Mistake("write counts QUEUE 0 visible, 0 in flight, 0 delayed")
        names = ["ApproximateNumberOfMessages" + kind for kind in COUNTS]
        request = {"QueueUrl": self._queue(match[1]), "AttributeNames": names}
        told = self._call("GetQueueAttributes", json.dumps(request))["Attributes"]
        found = "{} visible, {} in flight, {} delayed".format(*(told[name] for name in names))
        if found != step.rest.split(" ", 1)[1]:
            raise Failure(f"  got {found}")

    def _step_check(self, step):
        left, operator, right = language.substitute(step.rest, self._bindings).split()
        if operator not in ("<", "=", "!="):
            raise Mistake("check compares by <, = or !=")
        if operator == "<":
            holds = int(left) < int(right)
        else:
            holds = (left == right) == (operator == "=")
        if not holds:
            raise Failure(f"it is not so: {left} {operator} {right}")

    # --- Requests that wait ---

    def _step_start(self, step):
        name, action, *request = step.rest.split(" ", 2)
        text = self._json_text(step, "".join(request))
        self._waiting[name] = (self._client.start(self._request(action, text)), action, text)

    def _step_waits(self, step):
        # What was sent before has reached the server when a later request has been answered.
        self._client.exchange(client.HEALTH)
        if not self._waiting[step.rest][0].is_silent():
            raise Failure(f"{step.rest} has been answered already")

    def _step_finish(self, step):
        connection, action, text = self._waiting.pop(step.rest)
        try:
            response = connection.finish()
        finally:
            connection.close()
        self._compare(step, self._protocol, action, text, response)

    def _step_hang(self, step):
        self._waiting.pop(step.rest.removeprefix("up "))[0].close()

    # --- Raw HTTP ---

    def _step_form(self, step):
        parts = step.rest.split(" ", 1)
        path = parts.pop(0) if parts[0].startswith("/") else "/"
        body = self._percent_encoded("".join([*parts, *step.more]))
        fields = [("Content-Type", protocols.FORM_TYPE)]
        self._exchange_raw(step, "POST", self._percent_encoded(path), fields, body)

    def _step_http(self, step):
        method, target = step.rest.split(" ", 1)
        lines = list(step.more)
        while lines and lines[0].startswith("&"):
            target += lines.pop(0)
        ends = lines.index("") if "" in lines else len(lines)
        fields = [self._field(line) for line in lines[:ends]]
        types = [value for name, value in fields if name.lower() == "content-type"]
        is_json = any(value.startswith("application/x-amz-json") for value in types)
        lines = lines[ends + 1 :]
        if is_json:
            text = "\n".join(lines)
            body = language.substitute(text, self._bindings, language.json_escaped)
        else:
            body = self._percent_encoded("".join(lines))
        self._exchange_raw(step, method, self._percent_encoded(target), fields, body)

    def _field(self, line):
        name, colon, value = line.partition(":")
        if not colon:
            raise Mistake(f"{line!r} is no field of an HTTP head")
        return name, language.substitute(value.strip(), self._bindings)

    def _percent_encoded(self, text):
        """The text with the values of its names percent-encoded, itself as it stands."""
        return language.substitute(
            text, self._bindings, lambda value: urllib.parse.quote(str(value), safe="")
        )

    def _exchange_raw(self, step, method, target, fields, body):
        if not any(name == "Authorization" for name, _ in fields):
            fields = [*self._signed(), *fields]
        fields = [field for field in fields if field != ("Authorization", "none")]
        request = client.Request(method, target, fields, body.encode("utf-8"))
        response = self._client.exchange(request)
        if re.match(r"\d{3}$", step.answer[0]):
            self._compare_raw(step, response)
            return
        named = dict((name.lower(), value) for name, value in fields)
        if "x-amz-target" in named:
            action = named["x-amz-target"].partition(".")[2]
            self._compare(step, "json", action, body, response)
        else:
            found = re.search(r"(?:^|[?&])Action=(\w+)", f"{target}&{body}")
            self._compare(step, "query", found[1] if found else "", "{}", response)

    def _compare_raw(self, step, response):
        status, *lines = step.answer
        if response.status != int(status):
            raise Failure(f"expected {status}, got {response.status} {response.body[:500]!r}")
        while lines and not lines[0].startswith(("{", "[", "<", "text ")):
            self._compare_field(lines.pop(0), response)
        pattern = "".join(lines).removeprefix("text ")
        body = response.body.decode("utf-8")
        if pattern.startswith(("{", "[")):
            value = protocols.parse_json(response.body)
            pattern = self._parse_answer(pattern)
            wrong = language.difference(pattern, value, self._bindings, "body")
        else:
            wrong = language.text_pattern_difference(pattern, body, self._bindings, "body")
        if wrong:
            raise Failure(wrong)

    def _compare_field(self, line, response):
        if line.startswith("no "):
            name = line.removeprefix("no ")
            if response.field(name) is not None:
                raise Failure(f"expected no field {name}, got {response.field(name)!r}")
            return
        name, colon, pattern = line.partition(":")
        if not colon:
            raise Mistake(f"{line!r} is neither a field nor a body")
        value = response.field(name)
        if value is None:
            raise Failure(f"the field {name} is missing")
        wrong = language.difference(pattern.strip(), value, self._bindings, name)
        if wrong:
            raise Failure(wrong)


def binding_of(queue_name):
    """The name that stands for a queue's URL: "jobs" for jobs.fifo, "my_jobs" for my-jobs."""
    return queue_name.removesuffix(".fifo").replace("-", "_")
