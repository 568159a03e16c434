#include "wire/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "api/access.h"
#include "api/messages.h"
#include "api/queues.h"

namespace millrace::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

template <class Request>
std::string error_of(std::string_view body) {
  const Expected<Request> request = read_json<Request>(body);
  return request ? "read"
                 : std::string(request.error().row().shape) + ": " + request.error().message();
}

TEST(JsonRead, TakesEveryMember) {
  const auto request = read_json<api::SendMessageRequest>(R"({
      "QueueUrl": "http://localhost/1/q", "MessageBody": "a\nb\u00e9", "DelaySeconds": -7,
      "MessageAttributes": {
        "color": {"DataType": "String", "StringValue": "blue"},
        "blob": {"DataType": "Binary", "BinaryValue": "AQID", "StringListValues": []},
        "list": {"DataType": "String", "StringListValues": ["x"]}},
      "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "t"}},
      "MessageDeduplicationId": "", "Unknown": [1, {"a": 2}], "MessageGroupId": null})");
  ASSERT_TRUE(request) << request.error().message();
  api::SendMessageRequest expected;
  expected.queue_url = "http://localhost/1/q";
  expected.message_body = "a\nb\xC3\xA9";
  expected.delay_seconds = -7;
  expected.message_attributes = {{"color", "String", "blue", std::nullopt, false},
                                 {"blob", "Binary", std::nullopt, "\x01\x02\x03", false},
                                 {"list", "String", std::nullopt, std::nullopt, true}};
  expected.message_system_attributes = {{"AWSTraceHeader", "String", "t", std::nullopt, false}};
  expected.message_deduplication_id = "";
  EXPECT_EQ(*request, expected);
}

TEST(JsonRead, KeepsTheOrderOfMaps) {
  const auto request = read_json<api::CreateQueueRequest>(
      R"({"QueueName":"q","Attributes":{"b":"1","a":"2"},"tags":{"z":"","y":null}})");
  ASSERT_TRUE(request);
  EXPECT_THAT(request->attributes, ElementsAre(Pair("b", "1"), Pair("a", "2")));
  EXPECT_THAT(request->tags, ElementsAre(Pair("z", "")));
}

TEST(JsonRead, ConvertsNumbersAndFlagsToText) {
  const auto request = read_json<api::CreateQueueRequest>(
      R"({"QueueName":12,"Attributes":{"a":30,"b":true,"c":1.5,"d":18446744073709551615}})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->queue_name, "12");
  EXPECT_THAT(request->attributes, ElementsAre(Pair("a", "30"), Pair("b", "true"), Pair("c", "1.5"),
                                               Pair("d", "18446744073709551615")));
}

TEST(JsonRead, TakesWholeNumbersHoweverWritten) {
  const auto request =
      read_json<api::ReceiveMessageRequest>(R"({"MaxNumberOfMessages":1e1,"WaitTimeSeconds":2.0})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->max_number_of_messages, 10);
  EXPECT_EQ(request->wait_time_seconds, 2);
}

TEST(JsonRead, RefusesWhatIsNoObject) {
  using Request = api::ListQueuesRequest;
  constexpr std::string_view kPrefix = "SerializationException: The request body is not valid JSON";
  for (const std::string_view body :
       {"", "{", "{\"a\":}", "{} x", "{'a':1}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\xFF\"}", "nul"}) {
    EXPECT_THAT(error_of<Request>(body), HasSubstr(kPrefix)) << body;
  }
  EXPECT_EQ(error_of<Request>("[]"),
            "SerializationException: Start of list found where not expected");
  EXPECT_EQ(error_of<Request>("\"x\""),
            "SerializationException: The request body is not a JSON object.");
}

TEST(JsonRead, LimitsDepth) {
  const auto nested = [](std::size_t depth) {
    return "{\"x\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_EQ(error_of<api::ListQueuesRequest>(nested(JsonDocument::kDepthMax)), "read");
  EXPECT_THAT(error_of<api::ListQueuesRequest>(nested(JsonDocument::kDepthMax + 1)),
              HasSubstr("not valid JSON"));
}

TEST(JsonRead, RefusesWrongTypes) {
  struct Row {
    std::string_view body;
    std::string_view message;
  };
  for (const Row& row : {
           Row{R"({"QueueUrl":[]})", "Start of list found where not expected"},
           Row{R"({"QueueUrl":{}})", "Start of structure or map found where not expected."},
           Row{R"({"MessageGroupId":[]})", "Start of list found where not expected"},
           Row{R"({"DelaySeconds":"5"})", "STRING_VALUE can not be converted to an Integer"},
           Row{R"({"DelaySeconds":true})", "TRUE_VALUE can not be converted to an Integer"},
           Row{R"({"DelaySeconds":false})", "FALSE_VALUE can not be converted to an Integer"},
           Row{R"({"DelaySeconds":1.5})", "DECIMAL_VALUE can not be converted to an Integer"},
           Row{R"({"DelaySeconds":1e300})", "DECIMAL_VALUE can not be converted to an Integer"},
           Row{R"({"DelaySeconds":9223372036854775808})",
               "NUMBER_VALUE can not be converted to an Integer"},
           Row{R"({"DelaySeconds":[]})", "Start of list found where not expected"},
           Row{R"({"DelaySeconds":{}})", "Start of structure or map found where not expected."},
           Row{R"({"MessageAttributes":[]})", "Start of list found where not expected"},
           Row{R"({"MessageAttributes":"x"})", "Expected map or null"},
           Row{R"({"MessageAttributes":{"a":1}})", "Expected structure or null"},
           Row{R"({"MessageAttributes":{"a":{"BinaryValue":"*"}}})",
               "Blob could not be decoded: it is not valid base64."},
           Row{R"({"MessageAttributes":{"a":{"BinaryValue":5}}})",
               "Blob could not be decoded: it is not valid base64."},
           Row{R"({"MessageAttributes":{"a":{"BinaryValue":[]}}})",
               "Start of list found where not expected"},
           Row{R"({"MessageAttributes":{"a":{"BinaryValue":{}}}})",
               "Start of structure or map found where not expected."},
       }) {
    EXPECT_EQ(error_of<api::SendMessageRequest>(row.body),
              "SerializationException: " + std::string(row.message))
        << row.body;
  }
  EXPECT_EQ(error_of<api::CreateQueueRequest>(R"({"Attributes":{"Policy":["x"]}})"),
            "SerializationException: Unrecognized collection type class java.lang.String");
  EXPECT_EQ(error_of<api::CreateQueueRequest>(R"({"Attributes":{"Policy":{}}})"),
            "SerializationException: Start of structure or map found where not expected.");
  EXPECT_EQ(error_of<api::SendMessageBatchRequest>(R"({"Entries":"x"})"),
            "SerializationException: Expected list or null");
  EXPECT_EQ(error_of<api::SendMessageBatchRequest>(R"({"Entries":{}})"),
            "SerializationException: Start of structure or map found where not expected.");
  EXPECT_EQ(error_of<api::SendMessageBatchRequest>(R"({"Entries":[[]]})"),
            "SerializationException: Start of list found where not expected");
}

TEST(JsonRead, NamesTheFirstMissingMember) {
  EXPECT_EQ(error_of<api::SendMessageRequest>("{}"),
            "MissingRequiredParameterException: The request must contain the parameter "
            "MessageBody.");
  EXPECT_EQ(error_of<api::SendMessageRequest>(R"({"MessageBody":""})"),
            "MissingRequiredParameterException: The request must contain the parameter "
            "MessageBody.");
  EXPECT_EQ(error_of<api::AddPermissionRequest>(R"({"Label":"l","AWSAccountIds":["1"]})"),
            "MissingRequiredParameterException: The request must contain the parameter "
            "ActionName.");
  EXPECT_EQ(error_of<api::SendMessageRequest>(R"({"DelaySeconds":"x"})"),
            "SerializationException: STRING_VALUE can not be converted to an Integer")
      << "what cannot be read comes first";
  EXPECT_EQ(error_of<api::PurgeQueueRequest>("{}"), "read") << "an unknown queue, in JSON";
}

struct Details {
  std::int64_t count = 0;
  bool open = false;

  static void fields(auto& self, auto& visit) {
    visit({"Count"}, self.count);
    visit({"Open"}, self.open);
  }
};

struct Report {
  Details details;
  std::optional<Details> more;
  std::vector<std::int64_t> numbers;
  double share = 0;

  static void fields(auto& self, auto& visit) {
    visit({"Details"}, self.details);
    visit({"More"}, self.more);
    visit({"Numbers"}, self.numbers);
    visit({"Share"}, self.share);
  }
};

struct Question {
  Details details;

  static void fields(auto& self, auto& visit) { visit({"Details"}, self.details); }
};

TEST(JsonWrite, NestedStructuresAndNumbers) {
  Report report{{5, true}, std::nullopt, {}, 0.25};
  std::string out;
  write_json(out, report);
  EXPECT_EQ(out, R"({"Details":{"Count":5,"Open":true},"Share":0.25})");
  report.more.emplace();
  report.numbers = {-1, 2};
  out.clear();
  write_json(out, report);
  EXPECT_EQ(out, R"({"Details":{"Count":5,"Open":true},"More":{"Count":0,"Open":false},)"
                 R"("Numbers":[-1,2],"Share":0.25})");
}

struct Points {
  std::vector<std::optional<std::int64_t>> values;
  std::vector<std::string> names;
  api::TextMap tags;
  std::optional<bool> open;

  static void fields(auto& self, auto& visit) {
    visit({.json = "Values", .required = api::Required::always}, self.values);
    visit({"Names"}, self.names);
    visit({.json = "Tags", .required = api::Required::always}, self.tags);
    visit({"Open"}, self.open);
  }
};

TEST(JsonWrite, WhatIsAlwaysThereMayBeEmpty) {
  Points points;
  std::string out;
  write_json(out, points);
  EXPECT_EQ(out, R"({"Values":[],"Tags":{}})");
  points.values = {1, std::nullopt, 3};
  points.tags = {{"a", "b"}};
  points.open = false;
  out.clear();
  write_json(out, points);
  EXPECT_EQ(out, R"({"Values":[1,null,3],"Tags":{"a":"b"},"Open":false})");
}

TEST(JsonRead, NestedStructures) {
  const auto question = read_json<Question>(R"({"Details":{"Count":3,"Open":true}})");
  ASSERT_TRUE(question);
  EXPECT_EQ(question->details.count, 3);
  EXPECT_TRUE(question->details.open);
  EXPECT_THAT(error_of<Question>(R"({"Details":{"Open":1}})"), HasSubstr("to a Boolean"));
}

struct Choice {
  std::optional<bool> open;

  static void fields(auto& self, auto& visit) { visit({"Open"}, self.open); }
};

TEST(JsonRead, AFlagThatMayBeMissing) {
  EXPECT_EQ(read_json<Choice>("{}")->open, std::nullopt);
  EXPECT_EQ(read_json<Choice>(R"({"Open":null})")->open, std::nullopt);
  EXPECT_EQ(read_json<Choice>(R"({"Open":false})")->open, false);
  EXPECT_THAT(error_of<Choice>(R"({"Open":"true"})"), HasSubstr("to a Boolean"));
}

}  // namespace
}  // namespace millrace::wire
