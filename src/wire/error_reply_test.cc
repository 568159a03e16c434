#include "wire/error_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <boost/json.hpp>
#include <pugixml.hpp>

namespace millrace::wire {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr std::string_view kId = "11111111-2222-3333-4444-555555555555";

HttpResponse reply(ReplyForm form, const ApiError& error) {
  HttpResponse response;
  response.body = "from before";
  encode_error(form, error, kId, response);
  return response;
}

TEST(ErrorReply, GoldenJson) {
  const HttpResponse response = reply(ReplyForm::json, ApiError(ErrorCode::queue_does_not_exist));
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(response.content_type, "application/x-amz-json-1.0");
  EXPECT_THAT(response.fields, ElementsAre(Pair("x-amzn-RequestId", kId),
                                           Pair("x-amzn-query-error",
                                                "AWS.SimpleQueueService.NonExistentQueue;Sender")));
  EXPECT_EQ(response.body, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist",)"
                           R"("message":"The specified queue does not exist."})");
}

TEST(ErrorReply, GoldenXml) {
  const HttpResponse response = reply(ReplyForm::xml, ApiError(ErrorCode::queue_does_not_exist));
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(response.content_type, "text/xml");
  EXPECT_THAT(response.fields, ElementsAre(Pair("x-amzn-RequestId", kId)));
  EXPECT_EQ(response.body,
            "<?xml version=\"1.0\"?>"
            "<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">"
            "<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>"
            "<Message>The specified queue does not exist for this wsdl version.</Message>"
            "<Detail/></Error>"
            "<RequestId>11111111-2222-3333-4444-555555555555</RequestId></ErrorResponse>");
}

TEST(ErrorReply, GoldenQueryAsJson) {
  const HttpResponse response =
      reply(ReplyForm::query_as_json, ApiError(ErrorCode::access_denied, "\"no\""));
  EXPECT_EQ(response.status, 403U);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            R"({"Error":{"Code":"AccessDenied","Detail":null,"Message":"\"no\"","Type":"Sender"},)"
            R"("RequestId":"11111111-2222-3333-4444-555555555555"})");
}

TEST(ErrorReply, ATextOfItsOwnIsKept) {
  const ApiError error(ErrorCode::queue_does_not_exist, "Gone <for> good.");
  EXPECT_THAT(reply(ReplyForm::xml, error).body,
              testing::HasSubstr("<Message>Gone &lt;for&gt; good.</Message>"));
}

TEST(ErrorReply, AnErrorMayHaveAnotherTextForQuery) {
  const ApiError error(ErrorCode::access_denied, "in JSON", "in Query");
  EXPECT_THAT(reply(ReplyForm::json, error).body, testing::HasSubstr("\"in JSON\""));
  EXPECT_THAT(reply(ReplyForm::xml, error).body, testing::HasSubstr("<Message>in Query<"));
  EXPECT_THAT(reply(ReplyForm::query_as_json, error).body, testing::HasSubstr("\"in Query\""));
}

TEST(ErrorReply, QueryWithoutAction) {
  for (const ReplyForm form : {ReplyForm::xml, ReplyForm::query_as_json}) {
    const HttpResponse response = reply(form, ApiError(ErrorCode::unknown_operation, ""));
    EXPECT_EQ(response.status, 404U);
    EXPECT_EQ(response.content_type, "text/xml");
    EXPECT_EQ(response.body, "<UnknownOperationException/>");
  }
}

TEST(ErrorReply, UnknownAction) {
  EXPECT_EQ(unknown_action("FooBar").message(),
            "The action FooBar is not valid for this endpoint.");
  EXPECT_EQ(reply(ReplyForm::xml, unknown_action("FooBar")).status, 400U);
}

// Every row of the table of errors, read back by a parser that is not ours.
class EveryError : public testing::TestWithParam<int> {};

TEST_P(EveryError, InBothProtocols) {
  const ApiError error(static_cast<ErrorCode>(GetParam()), "Why: <&\"\x01\xC3\xA9>");
  const ErrorRow& row = error.row();
  const std::string fault = row.fault == Fault::sender ? "Sender" : "Receiver";
  ASSERT_EQ(row.fault == Fault::sender, row.http_status < 500);

  const HttpResponse as_json = reply(ReplyForm::json, error);
  EXPECT_EQ(as_json.status, row.http_status);
  EXPECT_EQ(as_json.fields.at(1).second, std::string(row.query_code) + ";" + fault);
  const boost::json::value json = boost::json::parse(as_json.body);
  EXPECT_EQ(json.at("__type").as_string(),
            std::string(row.shape_prefix) + "#" + std::string(row.shape));
  EXPECT_EQ(json.at("message").as_string(), error.message());

  const HttpResponse as_xml = reply(ReplyForm::xml, error);
  EXPECT_EQ(as_xml.status, row.http_status);
  EXPECT_EQ(as_xml.fields.size(), 1U);
  pugi::xml_document xml;
  ASSERT_TRUE(xml.load_string(as_xml.body.c_str()));
  const pugi::xml_node root = xml.child("ErrorResponse");
  EXPECT_EQ(root.child("Error").child_value("Type"), fault);
  EXPECT_EQ(root.child("Error").child_value("Code"), row.query_code);
  EXPECT_STREQ(root.child("Error").child_value("Message"), "Why: <&\"\xEF\xBF\xBD\xC3\xA9>");
  EXPECT_EQ(root.child_value("RequestId"), kId);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryError,
                         testing::Range(0, static_cast<int>(ErrorCode::service_unavailable) + 1),
                         [](const auto& test) {
                           return std::string(error_row(static_cast<ErrorCode>(test.param)).shape);
                         });

}  // namespace
}  // namespace millrace::wire
