#include "wire/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <pugixml.hpp>

#include "api/access.h"
#include "api/moves.h"
#include "api/queues.h"

namespace millrace::wire {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr std::string_view kForm = "application/x-www-form-urlencoded; charset=utf-8";

HttpRequest json_post(std::string_view target, std::string_view body) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.fields = {{"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", target}};
  request.body = body;
  return request;
}

HttpRequest form_post(std::string_view path, std::string_view body) {
  HttpRequest request;
  request.method = "POST";
  request.target = path;
  request.fields = {{"Content-Type", kForm}};
  request.body = body;
  return request;
}

HttpRequest get(std::string_view target) {
  HttpRequest request;
  request.method = "GET";
  request.target = target;
  return request;
}

std::string outcome(const HttpRequest& request) {
  const Expected<WireCall> call = recognise(request);
  return call ? call->action
              : std::string(call.error().row().query_code) + ": " + call.error().message();
}

TEST(Recognise, Json) {
  const HttpRequest request = json_post("AmazonSQS.SendMessage", R"({"MessageBody":"b"})");
  const Expected<WireCall> call = recognise(request);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->protocol, Protocol::json);
  EXPECT_EQ(call->form, ReplyForm::json);
  EXPECT_EQ(call->action, "SendMessage");
  EXPECT_EQ(call->body, request.body);
  EXPECT_EQ(call->set, ActionSet::sqs);

  const HttpRequest of_console = json_post("Millrace.PeekMessages", "{}");
  const Expected<WireCall> console_call = recognise(of_console);
  ASSERT_TRUE(console_call);
  EXPECT_EQ(console_call->action, "PeekMessages");
  EXPECT_EQ(console_call->set, ActionSet::console);

  HttpRequest on_queue_path = request;
  on_queue_path.target = "/1/q";
  EXPECT_EQ(outcome(on_queue_path), "SendMessage") << "as some SDKs post it";
}

TEST(Recognise, JsonWithoutAnActionOfOurs) {
  constexpr std::string_view kUnknown =
      "InvalidAction: The action or operation requested is invalid.";
  for (const std::string_view target :
       {"", "SendMessage", "AmazonSQS.", "AmazonSQS", "AmazonSNS.Publish", "AmazonSQS.Send Message",
        "AmazonSQS.\xFF"}) {
    EXPECT_EQ(outcome(json_post(target, "{}")), kUnknown) << target;
  }
  HttpRequest request = json_post("AmazonSQS.ListQueues", "{}");
  request.method = "GET";
  EXPECT_EQ(outcome(request), kUnknown);
  request.fields.pop_back();
  EXPECT_EQ(outcome(request), kUnknown) << "the content type alone says JSON";
  EXPECT_EQ(reply_form(request), ReplyForm::json);
}

TEST(Recognise, Query) {
  const Expected<WireCall> call =
      recognise(form_post("/000000000000/my%2Dqueue", "Action=PurgeQueue&Version=2012-11-05"));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->protocol, Protocol::query);
  EXPECT_EQ(call->form, ReplyForm::xml);
  EXPECT_EQ(call->action, "PurgeQueue");
  EXPECT_EQ(call->queue_path, "/000000000000/my-queue");
  const auto request = decode<api::PurgeQueueRequest>(*call);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->queue_url, "/000000000000/my-queue");

  const Expected<WireCall> by_get = recognise(get("/1/q?Action=SendMessage&MessageBody=a+b"));
  ASSERT_TRUE(by_get);
  EXPECT_EQ(decode<api::SendMessageRequest>(*by_get)->message_body, "a b");
  EXPECT_EQ(outcome(get("/?Action=ListQueues")), "ListQueues");
}

TEST(Recognise, QueryErrors) {
  EXPECT_EQ(outcome(form_post("/", "Action=Foo-Bar")),
            "InvalidAction: The action Foo-Bar is not valid for this endpoint.");
  EXPECT_EQ(outcome(form_post("/1/q", "Action=ListQueues")),
            "InvalidAction: The action ListQueues is not valid for this endpoint.");
  EXPECT_EQ(outcome(form_post("/1/q", "Action=CreateQueue")),
            "InvalidAction: The action CreateQueue is not valid for this endpoint.");
  EXPECT_EQ(outcome(form_post("/1/%zz", "Action=PurgeQueue")),
            "InvalidAction: The action PurgeQueue is not valid for this endpoint.");
  EXPECT_EQ(outcome(get("/1/q")), "InvalidAction: ") << "which encode_error makes a bare 404";
  EXPECT_EQ(outcome(get("/")), "InvalidAction: ");
  EXPECT_EQ(outcome(form_post("/", "Action=%")),
            "MalformedInput: The request has a malformed percent-encoding.");
  const std::string long_name(65, 'A');
  EXPECT_EQ(outcome(get("/?Action=" + long_name)),
            "InvalidAction: The action given is not valid for this endpoint.");
  HttpRequest other_type = form_post("/", "Action=ListQueues");
  other_type.fields = {{"Content-Type", "text/plain"}};
  EXPECT_EQ(outcome(other_type), "InvalidAction: ") << "its body is no form";
}

TEST(Recognise, TheTraceFieldReachesSendMessageOnly) {
  HttpRequest request = json_post("AmazonSQS.SendMessage", R"({"MessageBody":"b"})");
  request.fields.push_back({"x-amzn-trace-id", "Root=1"});
  EXPECT_EQ(decode<api::SendMessageRequest>(*recognise(request))->trace_header, "Root=1");
}

WireCall call_of(std::string action, ReplyForm form) {
  WireCall call;
  call.protocol = form == ReplyForm::json ? Protocol::json : Protocol::query;
  call.form = form;
  call.action = std::move(action);
  return call;
}

template <class Response>
std::string reply(const std::string& action, ReplyForm form, const Response& value) {
  HttpResponse response;
  encode(call_of(action, form), value, "id", response);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.content_type, content_type(form));
  EXPECT_THAT(response.fields, ElementsAre(Pair("x-amzn-RequestId", "id")));
  return response.body;
}

std::string xml(const std::string& action, const std::string& result) {
  return "<?xml version=\"1.0\"?><" + action +
         "Response xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">" + result +
         "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></" + action + "Response>";
}

TEST(Encode, NoOutput) {
  EXPECT_EQ(reply("DeleteMessage", ReplyForm::json, api::NoOutput()), "");
  EXPECT_EQ(reply("DeleteMessage", ReplyForm::xml, api::NoOutput()), xml("DeleteMessage", ""));
  EXPECT_EQ(reply("DeleteMessage", ReplyForm::query_as_json, api::NoOutput()),
            R"({"DeleteMessageResponse":{"ResponseMetadata":{"RequestId":"id"}}})");
}

TEST(Encode, EmptyResult) {
  EXPECT_EQ(reply("ReceiveMessage", ReplyForm::json, api::ReceiveMessageResponse()), "{}");
  EXPECT_EQ(reply("ReceiveMessage", ReplyForm::xml, api::ReceiveMessageResponse()),
            xml("ReceiveMessage", "<ReceiveMessageResult/>"));
  EXPECT_EQ(reply("ListQueues", ReplyForm::query_as_json, api::ListQueuesResponse()),
            R"({"ListQueuesResponse":{"ListQueuesResult":{"queueUrls":null,"NextToken":null},)"
            R"("ResponseMetadata":{"RequestId":"id"}}})");
}

Md5Digest digest_of(std::uint8_t byte) {
  Md5Digest digest;
  digest.fill(byte);
  return digest;
}

api::UuidText id_of(std::uint8_t byte) {
  return {digest_of(byte)};
}

constexpr const char* kIdOfOnes = "11111111-1111-1111-1111-111111111111";
constexpr const char* kDigestOfTwos = "22222222222222222222222222222222";

TEST(Encode, Receive) {
  const std::string body = "line one\r\n<&\"";
  const MessageAttributeView attributes[] = {
      {"blob", "Binary.png", std::string_view("\x01\x02\x03"), true}, {"n", "Number", "1", false}};
  api::ReceiveMessageResponse response;
  api::ReceivedMessage& message = response.messages.emplace_back();
  message.message_id = id_of(0x11);
  message.receipt_handle = "handle";
  message.md5_of_body = digest_of(0x22);
  message.body = body;
  message.attributes = {{"SentTimestamp", "5"}};
  message.md5_of_message_attributes = digest_of(0x22);
  message.message_attributes.assign(std::begin(attributes), std::end(attributes));

  EXPECT_EQ(reply("ReceiveMessage", ReplyForm::json, response),
            std::string(R"({"Messages":[{"MessageId":")") + kIdOfOnes +
                R"(","ReceiptHandle":"handle","MD5OfBody":")" + kDigestOfTwos +
                R"(","Body":"line one\r\n<&\"","Attributes":{"SentTimestamp":"5"},)" +
                R"("MD5OfMessageAttributes":")" + kDigestOfTwos +
                R"(","MessageAttributes":{"blob":{"BinaryValue":"AQID","DataType":"Binary.png"},)" +
                R"("n":{"StringValue":"1","DataType":"Number"}}}]})");

  const std::string as_xml = reply("ReceiveMessage", ReplyForm::xml, response);
  EXPECT_EQ(as_xml,
            xml("ReceiveMessage",
                std::string("<ReceiveMessageResult><Message><MessageId>") + kIdOfOnes +
                    "</MessageId><ReceiptHandle>handle</ReceiptHandle><MD5OfBody>" + kDigestOfTwos +
                    "</MD5OfBody><Body>line one&#xD;\n&lt;&amp;&quot;</Body>"
                    "<Attribute><Name>SentTimestamp</Name><Value>5</Value></Attribute>"
                    "<MD5OfMessageAttributes>" +
                    kDigestOfTwos +
                    "</MD5OfMessageAttributes>"
                    "<MessageAttribute><Name>blob</Name><Value><BinaryValue>AQID</BinaryValue>"
                    "<DataType>Binary.png</DataType></Value></MessageAttribute>"
                    "<MessageAttribute><Name>n</Name><Value><StringValue>1</StringValue>"
                    "<DataType>Number</DataType></Value></MessageAttribute>"
                    "</Message></ReceiveMessageResult>"));
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(as_xml.c_str()));
  EXPECT_EQ(
      document.first_child().child("ReceiveMessageResult").child("Message").child_value("Body"),
      body);
}

TEST(Encode, SendMessage) {
  api::SendMessageResponse response;
  response.md5_of_message_body = digest_of(0x22);
  response.message_id = id_of(0x11);
  EXPECT_EQ(reply("SendMessage", ReplyForm::xml, response),
            xml("SendMessage", std::string("<SendMessageResult><MD5OfMessageBody>") +
                                   kDigestOfTwos + "</MD5OfMessageBody><MessageId>" + kIdOfOnes +
                                   "</MessageId></SendMessageResult>"));
  response.sequence_number = "18850000000000000000";
  response.md5_of_message_attributes = digest_of(0x22);
  response.md5_of_message_system_attributes = digest_of(0x22);
  EXPECT_EQ(reply("SendMessage", ReplyForm::json, response),
            std::string(R"({"MD5OfMessageBody":")") + kDigestOfTwos +
                R"(","MD5OfMessageAttributes":")" + kDigestOfTwos +
                R"(","MD5OfMessageSystemAttributes":")" + kDigestOfTwos + R"(","MessageId":")" +
                kIdOfOnes + R"(","SequenceNumber":"18850000000000000000"})");
}

TEST(Encode, Batch) {
  api::DeleteMessageBatchResponse response;
  response.successful = {{"a"}};
  EXPECT_EQ(reply("DeleteMessageBatch", ReplyForm::json, response),
            R"({"Successful":[{"Id":"a"}]})");
  response.failed.push_back(
      api::BatchResultErrorEntry::from("b", ApiError(ErrorCode::receipt_handle_is_invalid, "h")));
  response.failed.push_back(
      api::BatchResultErrorEntry::from("c", ApiError(ErrorCode::service_unavailable, "s")));
  EXPECT_EQ(reply("DeleteMessageBatch", ReplyForm::json, response),
            R"({"Successful":[{"Id":"a"}],"Failed":[)"
            R"({"Id":"b","SenderFault":true,"Code":"ReceiptHandleIsInvalid","Message":"h"},)"
            R"({"Id":"c","SenderFault":false,"Code":"ServiceUnavailable","Message":"s"}]})");
  EXPECT_EQ(reply("DeleteMessageBatch", ReplyForm::xml, response),
            xml("DeleteMessageBatch",
                "<DeleteMessageBatchResult>"
                "<DeleteMessageBatchResultEntry><Id>a</Id></DeleteMessageBatchResultEntry>"
                "<BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault>"
                "<Code>ReceiptHandleIsInvalid</Code><Message>h</Message></BatchResultErrorEntry>"
                "<BatchResultErrorEntry><Id>c</Id><SenderFault>false</SenderFault>"
                "<Code>ServiceUnavailable</Code><Message>s</Message></BatchResultErrorEntry>"
                "</DeleteMessageBatchResult>"));
}

TEST(Encode, ListsAndMaps) {
  const api::ListDeadLetterSourceQueuesResponse queues{{"http://h/1/a", "http://h/1/b"}, "more"};
  EXPECT_EQ(reply("ListDeadLetterSourceQueues", ReplyForm::json, queues),
            R"({"queueUrls":["http://h/1/a","http://h/1/b"],"NextToken":"more"})");
  EXPECT_EQ(reply("ListDeadLetterSourceQueues", ReplyForm::xml, queues),
            xml("ListDeadLetterSourceQueues",
                "<ListDeadLetterSourceQueuesResult><QueueUrl>http://h/1/a</QueueUrl>"
                "<QueueUrl>http://h/1/b</QueueUrl><NextToken>more</NextToken>"
                "</ListDeadLetterSourceQueuesResult>"));
  const api::ListQueueTagsResponse tags{{{"k<", ""}, {"l", "v"}}};
  EXPECT_EQ(reply("ListQueueTags", ReplyForm::json, tags), R"({"Tags":{"k<":"","l":"v"}})");
  EXPECT_EQ(reply("ListQueueTags", ReplyForm::xml, tags),
            xml("ListQueueTags",
                "<ListQueueTagsResult><Tag><Key>k&lt;</Key><Value></Value></Tag>"
                "<Tag><Key>l</Key><Value>v</Value></Tag></ListQueueTagsResult>"));
  const api::GetQueueAttributesResponse attributes{{{"DelaySeconds", "0"}}};
  EXPECT_EQ(reply("GetQueueAttributes", ReplyForm::xml, attributes),
            xml("GetQueueAttributes",
                "<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>0</Value>"
                "</Attribute></GetQueueAttributesResult>"));
}

TEST(Encode, MoveTasks) {
  api::ListMessageMoveTasksResponse response;
  api::ListMessageMoveTasksResultEntry& task = response.results.emplace_back();
  task.status = "COMPLETED";
  task.source_arn = "arn";
  task.approximate_number_of_messages_to_move = 3;
  task.started_timestamp = 1700000000000;
  EXPECT_EQ(reply("ListMessageMoveTasks", ReplyForm::json, response),
            R"({"Results":[{"Status":"COMPLETED","SourceArn":"arn",)"
            R"("ApproximateNumberOfMessagesMoved":0,"ApproximateNumberOfMessagesToMove":3,)"
            R"("StartedTimestamp":1700000000000}]})");
  EXPECT_EQ(reply("ListMessageMoveTasks", ReplyForm::xml, response),
            xml("ListMessageMoveTasks",
                "<ListMessageMoveTasksResult><ListMessageMoveTasksResultEntry>"
                "<Status>COMPLETED</Status><SourceArn>arn</SourceArn>"
                "<ApproximateNumberOfMessagesMoved>0</ApproximateNumberOfMessagesMoved>"
                "<ApproximateNumberOfMessagesToMove>3</ApproximateNumberOfMessagesToMove>"
                "<StartedTimestamp>1700000000000</StartedTimestamp>"
                "</ListMessageMoveTasksResultEntry></ListMessageMoveTasksResult>"));
}

TEST(Encode, QueryAsJsonHasListsForMaps) {
  const api::GetQueueAttributesResponse attributes{{{"DelaySeconds", "0"}, {"Policy", "\"x\""}}};
  EXPECT_EQ(reply("GetQueueAttributes", ReplyForm::query_as_json, attributes),
            R"({"GetQueueAttributesResponse":{"GetQueueAttributesResult":{"Attributes":[)"
            R"({"Name":"DelaySeconds","Value":"0"},{"Name":"Policy","Value":"\"x\""}]},)"
            R"("ResponseMetadata":{"RequestId":"id"}}})");
  const api::ListQueueTagsResponse tags{{{"team", "shop"}}};
  EXPECT_EQ(reply("ListQueueTags", ReplyForm::query_as_json, tags),
            R"({"ListQueueTagsResponse":{"ListQueueTagsResult":{"Tags":[)"
            R"({"Key":"team","Value":"shop"}]},"ResponseMetadata":{"RequestId":"id"}}})");
}

TEST(Encode, QueryAsJsonTellsWhatIsAbsent) {
  api::ReceiveMessageResponse response;
  EXPECT_EQ(reply("ReceiveMessage", ReplyForm::query_as_json, response),
            R"({"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":null},)"
            R"("ResponseMetadata":{"RequestId":"id"}}})");
  api::ReceivedMessage& message = response.messages.emplace_back();
  message.message_id = id_of(0x11);
  message.receipt_handle = "h";
  message.md5_of_body = digest_of(0x22);
  message.body = "b";
  message.message_attributes = {{"color", "String", "blue", false}};
  EXPECT_EQ(reply("ReceiveMessage", ReplyForm::query_as_json, response),
            std::string(R"({"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":[)"
                        R"({"MessageId":")") +
                kIdOfOnes + R"(","ReceiptHandle":"h","MD5OfBody":")" + kDigestOfTwos +
                R"(","Body":"b","Attributes":null,"MD5OfMessageAttributes":null,)"
                R"("MessageAttributes":[{"Name":"color","Value":)"
                R"({"StringValue":"blue","DataType":"String"}}]}]},)"
                R"("ResponseMetadata":{"RequestId":"id"}}})");
}

TEST(Encode, GetAsksForJson) {
  HttpRequest request = get("/?Action=ListQueues");
  request.fields = {{"Accept", "application/json"}};
  EXPECT_EQ(reply_form(request), ReplyForm::query_as_json);
  request.method = "POST";
  EXPECT_EQ(reply_form(request), ReplyForm::xml);
}

}  // namespace
}  // namespace millrace::wire
