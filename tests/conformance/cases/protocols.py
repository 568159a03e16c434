"""The two protocols of SQS as a client sees them: requests written, replies read and checked.

A case is written once, in the form of AWS JSON. write_request() turns a request into HTTP, and
read_reply() turns the HTTP reply back. Reading is strict: a reply that breaks a rule of its
protocol (a field of the HTTP head, an element that the action does not have, a body where there
must be none) is a Malformed, whatever the case expects.

All of this is written from the public descriptions of the protocols and on purpose shares nothing
with the server.
"""

import dataclasses
import json
import re
import urllib.parse
import xml.etree.ElementTree

VERSION = "2012-11-05"
NAMESPACE = f"http://queue.amazonaws.com/doc/{VERSION}/"
FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
JSON_TYPE = "application/x-amz-json-1.0"
XML_TYPE = "text/xml"
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Malformed(Exception):
    """The reply breaks a rule of its protocol."""


# --- Errors ---------------------------------------------------------------------------------------

SQS = "com.amazonaws.sqs"
CORAL = "com.amazon.coral.service"
SIMPLE = "AWS.SimpleQueueService."


@dataclasses.dataclass
class Error:
    """How an error looks on the wire. json_text, query_text: what it says where a case gives no
    text of its own; None where there is no usual text, or none but that of JSON."""

    namespace: str
    code: str
    status: int
    json_text: str | None = None
    query_text: str | None = None

    @property
    def fault(self):
        return "Sender" if self.status < 500 else "Receiver"

    def text(self, protocol):
        return (self.query_text if protocol == "query" else None) or self.json_text


ERRORS = {
    "QueueDoesNotExist": Error(
        SQS,
        SIMPLE + "NonExistentQueue",
        400,
        "The specified queue does not exist.",
        "The specified queue does not exist for this wsdl version.",
    ),
    "QueueNameExists": Error(SQS, "QueueAlreadyExists", 400),
    "QueueDeletedRecently": Error(
        SQS,
        SIMPLE + "QueueDeletedRecently",
        400,
        "You must wait 60 seconds after deleting a queue before you can create another with the "
        "same name.",
    ),
    "InvalidAttributeName": Error(SQS, "InvalidAttributeName", 400),
    "InvalidAttributeValue": Error(SQS, "InvalidAttributeValue", 400),
    "InvalidMessageContents": Error(
        SQS,
        "InvalidMessageContents",
        400,
        "Invalid binary character was found in the message body, the set of allowed characters is "
        "#x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] | [#x10000 to #x10FFFF]",
    ),
    "ReceiptHandleIsInvalid": Error(SQS, "ReceiptHandleIsInvalid", 404),
    "PurgeQueueInProgress": Error(SQS, SIMPLE + "PurgeQueueInProgress", 403),
    "KmsNotFound": Error(SQS, "KMS.NotFoundException", 400),
    "OverLimit": Error(SQS, "OverLimit", 403),
    "EmptyBatchRequest": Error(SQS, SIMPLE + "EmptyBatchRequest", 400),
    "TooManyEntriesInBatchRequest": Error(SQS, SIMPLE + "TooManyEntriesInBatchRequest", 400),
    "BatchEntryIdsNotDistinct": Error(SQS, SIMPLE + "BatchEntryIdsNotDistinct", 400),
    "InvalidBatchEntryId": Error(
        SQS,
        SIMPLE + "InvalidBatchEntryId",
        400,
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It "
        "can be at most 80 letters long.",
    ),
    "BatchRequestTooLong": Error(SQS, SIMPLE + "BatchRequestTooLong", 400),
    "UnsupportedOperation": Error(
        SQS,
        SIMPLE + "UnsupportedOperation",
        400,
        "Message attribute list values in SendMessage operation are not supported.",
    ),
    "ResourceNotFoundException": Error(SQS, "ResourceNotFoundException", 404),
    "InvalidParameterValueException": Error(CORAL, "InvalidParameterValue", 400),
    "MissingRequiredParameterException": Error(CORAL, "MissingParameter", 400),
    "SerializationException": Error(CORAL, "MalformedInput", 400),
    "UnknownOperationException": Error(CORAL, "InvalidAction", 400),
}


# --- Actions --------------------------------------------------------------------------------------

# The actions that have nothing to say: an empty body in JSON, no Result element in Query.
WITHOUT_OUTPUT = {
    "AddPermission",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "DeleteQueue",
    "PurgeQueue",
    "RemovePermission",
    "SetQueueAttributes",
    "TagQueue",
    "UntagQueue",
}


@dataclasses.dataclass
class Map:
    """A flattened map: <name>.N.<key>, <name>.N.Value."""

    name: str
    key: str = "Name"


@dataclasses.dataclass
class List:
    """A flattened list: <name>.N, or <name>.N.<member>."""

    name: str


# How the members of requests that are neither texts nor numbers are called in Query. Batches name
# their Entries after the action.
REQUEST_MEMBERS = {
    "AWSAccountIds": List("AWSAccountId"),
    "Actions": List("ActionName"),
    "AttributeNames": List("AttributeName"),
    "Attributes": Map("Attribute"),
    "BinaryListValues": List("BinaryListValue"),
    "MessageAttributeNames": List("MessageAttributeName"),
    "MessageAttributes": Map("MessageAttribute"),
    "MessageSystemAttributeNames": List("MessageSystemAttributeName"),
    "MessageSystemAttributes": Map("MessageSystemAttribute"),
    "StringListValues": List("StringListValue"),
    "TagKeys": List("TagKey"),
    "Tags": Map("Tag", "Key"),
    "tags": Map("Tag", "Key"),
}


def parameters_of(action, request, prefix=""):
    """The (name, value) pairs of a request in Query."""
    for member, value in request.items():
        known = REQUEST_MEMBERS.get(member)
        if member == "Entries":
            known = List(f"{action}RequestEntry")
        if known is None or not isinstance(value, (list, dict)):
            yield prefix + member, text_of(value)
        elif isinstance(known, Map):
            for number, (key, content) in enumerate(value.items(), start=1):
                one = f"{prefix}{known.name}.{number}."
                yield one + known.key, key
                yield from element_parameters(action, one + "Value", content)
        else:
            for number, content in enumerate(value, start=1):
                yield from element_parameters(action, f"{prefix}{known.name}.{number}", content)


def element_parameters(action, name, content):
    if isinstance(content, dict):
        yield from parameters_of(action, content, name + ".")
    else:
        yield name, text_of(content)


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value)


def write_request(protocol, action, text):
    """The HTTP fields and the body of a request whose JSON is `text`. In JSON the text is sent as
    it stands, so that a case can also send what is no JSON."""
    if protocol == "json":
        fields = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": JSON_TYPE}
        return fields, text.encode("utf-8")
    parameters = [("Action", action), ("Version", VERSION)]
    parameters += parameters_of(action, json.loads(text))
    body = urllib.parse.urlencode(parameters, quote_via=urllib.parse.quote)
    return {"Content-Type": FORM_TYPE}, body.encode("ascii")


# --- Replies --------------------------------------------------------------------------------------


@dataclasses.dataclass
class Reply:
    """A reply that keeps the rules of its protocol. error: None, or the members of the error as a
    client sees them (see error_members)."""

    value: object = None
    error: dict | None = None


def error_members(protocol, shape, text):
    """What a reply must hold to be this error."""
    error = ERRORS[shape]
    if protocol == "json":
        return {
            "status": error.status,
            "__type": f"{error.namespace}#{shape}",
            "x-amzn-query-error": f"{error.code};{error.fault}",
            "message": text,
        }
    return {
        "status": error.status,
        "Type": error.fault,
        "Code": error.code,
        "Message": text,
    }


def read_reply(protocol, action, response):
    """Reads a `Response` (see client.py) as the reply to `action`."""
    if not UUID.fullmatch(response.field("x-amzn-RequestId") or ""):
        raise Malformed(f"x-amzn-RequestId is {response.field('x-amzn-RequestId')!r}, no UUID")
    reader = read_json_reply if protocol == "json" else read_query_reply
    return reader(action, response)


def require_type(response, wanted):
    if response.field("Content-Type") != wanted:
        raise Malformed(f"Content-Type is {response.field('Content-Type')!r}, not {wanted}")


def read_json_reply(action, response):
    require_type(response, JSON_TYPE)
    query_error = response.field("x-amzn-query-error")
    if response.status == 200:
        if query_error is not None:
            raise Malformed("a successful reply has the field x-amzn-query-error")
        if action not in WITHOUT_OUTPUT:
            return Reply(parse_json(response.body))
        if response.body:
            raise Malformed(f"the body must be empty, and is {response.body!r}")
        return Reply({})
    error = parse_json(response.body)
    if not isinstance(error, dict) or set(error) != {"__type", "message"}:
        raise Malformed(f"an error has __type and message, and this is {error!r}")
    return Reply(
        error={
            "status": response.status,
            "__type": error["__type"],
            "x-amzn-query-error": query_error,
            "message": error["message"],
        }
    )


def parse_json(body):
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError as problem:
        raise Malformed(f"the body is no JSON ({problem}): {body[:200]!r}") from None


def read_query_reply(action, response):
    require_type(response, XML_TYPE)
    if not response.body.startswith(b'<?xml version="1.0"?>'):
        raise Malformed(f"the body does not begin as XML does: {response.body[:200]!r}")
    try:
        top = xml.etree.ElementTree.fromstring(response.body.decode("utf-8"))
    except (xml.etree.ElementTree.ParseError, UnicodeDecodeError) as problem:
        raise Malformed(f"the body is no XML ({problem}): {response.body[:200]!r}") from None
    if response.status != 200:
        return Reply(error={"status": response.status, **read_xml_error(top, response)})
    wanted = ["ResponseMetadata"]
    if action not in WITHOUT_OUTPUT:
        wanted.insert(0, f"{action}Result")
    parts = children(top, f"{action}Response", wanted)
    require_request_id(children(parts[-1], "ResponseMetadata", ["RequestId"])[0], response)
    return Reply(read_members(parts[0], RESULTS.get(action, {})) if len(parts) == 2 else {})


def read_xml_error(top, response):
    error, request_id = children(top, "ErrorResponse", ["Error", "RequestId"])
    require_request_id(request_id, response)
    parts = children(error, "Error", ["Type", "Code", "Message", "Detail"])
    if parts[3].text or len(parts[3]):
        raise Malformed("Detail is not empty")
    return {name_of(part): part.text or "" for part in parts[:3]}


def require_request_id(element, response):
    if element.text != response.field("x-amzn-RequestId"):
        raise Malformed(f"RequestId is {element.text!r}, and x-amzn-RequestId another")


def name_of(element):
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def children(element, name, wanted):
    """The children of an element that must have this name and exactly these children."""
    found = [name_of(child) for child in element]
    if name_of(element) != name or found != wanted:
        raise Malformed(f"expected {name} of {wanted}, got {name_of(element)} of {found}")
    return list(element)


# How the elements below a result are read: the JSON member that each is part of, and what it is.

TEXT = "text"
NUMBER = "number"
FLAG = "flag"


@dataclasses.dataclass
class Element:
    """kind: TEXT, NUMBER, FLAG; or, of an element that may stand several times, a list of one of
    these, or of the elements of a structure. map_key: it is one entry of a map."""

    member: str
    kind: object = TEXT
    many: bool = False
    map_key: str | None = None


def texts(*names):
    return {name: Element(name) for name in names}


URLS = {"QueueUrl": Element("QueueUrls", many=True), **texts("NextToken")}
SENT = texts(
    "MessageId",
    "MD5OfMessageBody",
    "MD5OfMessageAttributes",
    "MD5OfMessageSystemAttributes",
    "SequenceNumber",
)
ATTRIBUTE_VALUE = texts("StringValue", "BinaryValue", "DataType")
MESSAGE = {
    **texts("MessageId", "ReceiptHandle", "MD5OfBody", "Body", "MD5OfMessageAttributes"),
    "Attribute": Element("Attributes", map_key="Name"),
    "MessageAttribute": Element("MessageAttributes", ATTRIBUTE_VALUE, map_key="Name"),
}
FAILED = {
    "BatchResultErrorEntry": Element(
        "Failed", {**texts("Id", "Code", "Message"), "SenderFault": Element("SenderFault", FLAG)},
        many=True,
    )
}
MOVED = {
    "ApproximateNumberOfMessagesMoved": Element("ApproximateNumberOfMessagesMoved", NUMBER)
}
TASK = {
    **texts("TaskHandle", "Status", "SourceArn", "DestinationArn", "FailureReason"),
    **MOVED,
    **{
        name: Element(name, NUMBER)
        for name in (
            "MaxNumberOfMessagesPerSecond",
            "ApproximateNumberOfMessagesToMove",
            "StartedTimestamp",
        )
    },
}


def successful(action, members):
    return {f"{action}ResultEntry": Element("Successful", members, many=True), **FAILED}


RESULTS = {
    "CancelMessageMoveTask": MOVED,
    "ChangeMessageVisibilityBatch": successful("ChangeMessageVisibilityBatch", texts("Id")),
    "CreateQueue": texts("QueueUrl"),
    "DeleteMessageBatch": successful("DeleteMessageBatch", texts("Id")),
    "GetQueueAttributes": {"Attribute": Element("Attributes", map_key="Name")},
    "GetQueueUrl": texts("QueueUrl"),
    "ListDeadLetterSourceQueues": {
        **URLS, "QueueUrl": Element("queueUrls", many=True)
    },
    "ListMessageMoveTasks": {
        "ListMessageMoveTasksResultEntry": Element("Results", TASK, many=True)
    },
    "ListQueueTags": {"Tag": Element("Tags", map_key="Key")},
    "ListQueues": URLS,
    "ReceiveMessage": {"Message": Element("Messages", MESSAGE, many=True)},
    "SendMessage": SENT,
    "SendMessageBatch": successful("SendMessageBatch", {**texts("Id"), **SENT}),
    "StartMessageMoveTask": texts("TaskHandle"),
}


def read_members(element, known):
    """The JSON object of an element's children."""
    value = {}
    for child in element:
        name = name_of(child)
        if name not in known:
            raise Malformed(f"{name_of(element)} has an element {name} that is not one of its own")
        what = known[name]
        if what.map_key:
            key, content = children(child, name, [what.map_key, "Value"])
            entries = value.setdefault(what.member, {})
            if key.text in entries:
                raise Malformed(f"{name} {key.text} is there twice")
            entries[key.text or ""] = read_content(content, what.kind)
        elif what.many:
            value.setdefault(what.member, []).append(read_content(child, what.kind))
        elif what.member in value:
            raise Malformed(f"{name} is there twice")
        else:
            value[what.member] = read_content(child, what.kind)
    return value


def read_content(element, kind):
    if isinstance(kind, dict):
        return read_members(element, kind)
    if len(element):
        raise Malformed(f"{name_of(element)} should be a text")
    text = element.text or ""
    if kind == NUMBER:
        return int(text)
    if kind == FLAG:
        if text not in ("true", "false"):
            raise Malformed(f"{name_of(element)} is {text!r}, neither true nor false")
        return text == "true"
    return text

