#include "wire/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "api/access.h"
#include "api/messages.h"
#include "api/queues.h"

namespace millrace::wire {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::Pair;

template <class Request>
Expected<Request> read(std::string_view form, std::string_view queue_path = "/1/q") {
  const Expected<FormParameters> parameters = FormParameters::parse(form, {});
  if (!parameters) return parameters.error();
  return read_query<Request>(*parameters, queue_path);
}

template <class Request>
std::string error_of(std::string_view form, std::string_view queue_path = "/1/q") {
  const Expected<Request> request = read<Request>(form, queue_path);
  return request ? "read"
                 : std::string(request.error().row().query_code) + ": " + request.error().message();
}

TEST(FormParameters, DecodesAndFinds) {
  const auto form = FormParameters::parse("A=1&b%2Ec=x+y%20z%C3%A9&&empty=&bare", "A=2&body=%26");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->find("A"), "1") << "the first counts, the query string before the body";
  EXPECT_EQ(form->find("b.c"), "x y z\xC3\xA9");
  EXPECT_EQ(form->find("empty"), "");
  EXPECT_EQ(form->find("bare"), "");
  EXPECT_EQ(form->find("body"), "&");
  EXPECT_EQ(form->find("a"), std::nullopt);
  EXPECT_EQ(form->find(""), std::nullopt);
}

TEST(FormParameters, RefusesWhatItCannotRead) {
  for (const std::string_view bad : {"a=%", "a=%2", "a=%zz", "%g0=1", "a=%FF", "%C3=%A9"}) {
    const auto form = FormParameters::parse({}, bad);
    ASSERT_FALSE(form) << bad;
    EXPECT_EQ(form.error().code(), ErrorCode::serialization);
  }
}

TEST(FormParameters, LimitsTheirNumber) {
  std::string form;
  for (std::size_t i = 0; i < FormParameters::kParametersMax; ++i) form += "a&";
  EXPECT_TRUE(FormParameters::parse(form, {}));
  EXPECT_FALSE(FormParameters::parse(form, "a"));
}

TEST(FormParameters, ElementsByRisingNumber) {
  const auto form = FormParameters::parse(
      "E.10.Id=j&E.2.Id=b&E.2.Body=x&E.1=a&E.x.Id=no&E.=no&E=no&EE.1=no&E.1234567890=no&E.7=g", {});
  ASSERT_TRUE(form);
  EXPECT_THAT(form->elements("E"), ElementsAre("E.1", "E.2", "E.7", "E.10"));
  EXPECT_THAT(form->elements("none"), IsEmpty());
}

TEST(FormParameters, KeepTheirTextWhenMoved) {
  auto form = FormParameters::parse("a=b", {});
  ASSERT_TRUE(form);
  const FormParameters moved = std::move(*form);
  EXPECT_EQ(moved.find("a"), "b");
}

TEST(QueryRead, ReadsABatch) {
  const auto request = read<api::SendMessageBatchRequest>(
      "SendMessageBatchRequestEntry.3.Id=second&SendMessageBatchRequestEntry.3.MessageBody=two"
      "&SendMessageBatchRequestEntry.1.Id=first&SendMessageBatchRequestEntry.1.MessageBody=one"
      "&SendMessageBatchRequestEntry.1.DelaySeconds=-3"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=blob"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Binary"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.BinaryValue=AQID"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.2.Name=list"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.2.Value.DataType=String"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.2.Value.StringListValue.1=x"
      "&SendMessageBatchRequestEntry.1.MessageSystemAttribute.1.Name=AWSTraceHeader"
      "&SendMessageBatchRequestEntry.1.MessageSystemAttribute.1.Value.StringValue=t");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->queue_url, "/1/q");
  ASSERT_EQ(request->entries.size(), 2U);
  api::SendMessageBatchRequestEntry first;
  first.id = "first";
  first.message_body = "one";
  first.delay_seconds = -3;
  first.message_attributes = {{"blob", "Binary", std::nullopt, "\x01\x02\x03", false},
                              {"list", "String", std::nullopt, std::nullopt, true}};
  first.message_system_attributes = {{"AWSTraceHeader", "", "t", std::nullopt, false}};
  EXPECT_EQ(request->entries[0], first);
  EXPECT_EQ(request->entries[1].id, "second");
}

TEST(QueryRead, MapsAndListsWithAndWithoutIndex) {
  using Map = api::SetQueueAttributesRequest;
  EXPECT_THAT(read<Map>("Attribute.2.Name=b&Attribute.2.Value=2&Attribute.1.Name=a")->attributes,
              ElementsAre(Pair("a", ""), Pair("b", "2")));
  EXPECT_THAT(read<Map>("Attribute.Name=a&Attribute.Value=1")->attributes,
              ElementsAre(Pair("a", "1")));
  using List = api::GetQueueAttributesRequest;
  EXPECT_THAT(read<List>("AttributeName.2=b&AttributeName.5=c")->attribute_names,
              ElementsAre("b", "c"));
  EXPECT_THAT(read<List>("AttributeName=All")->attribute_names, ElementsAre("All"));
}

TEST(QueryRead, TagsByEitherName) {
  EXPECT_THAT(read<api::TagQueueRequest>("Tag.1.Key=k&Tag.1.Value=v")->tags,
              ElementsAre(Pair("k", "v")));
  EXPECT_THAT(read<api::TagQueueRequest>("Tags.1.Key=k&Tags.1.Value=v")->tags,
              ElementsAre(Pair("k", "v")));
}

TEST(QueryRead, TheUrlWinsOverThePath) {
  EXPECT_EQ(read<api::PurgeQueueRequest>("QueueUrl=http://h/2/p")->queue_url, "http://h/2/p");
  EXPECT_EQ(read<api::PurgeQueueRequest>("")->queue_url, "/1/q");
  EXPECT_EQ(error_of<api::PurgeQueueRequest>("", ""),
            "MissingParameter: The request must contain the parameter QueueUrl.");
}

TEST(QueryRead, RefusesWhatIsNoNumberOrBlob) {
  for (const std::string_view bad : {"", "x", "1x", "1.5", "%201", "9223372036854775808"}) {
    EXPECT_EQ(error_of<api::ReceiveMessageRequest>("WaitTimeSeconds=" + std::string(bad)),
              "MalformedInput: STRING_VALUE can not be converted to an Integer")
        << bad;
  }
  EXPECT_EQ(
      error_of<api::SendMessageRequest>("MessageBody=b&MessageAttribute.1.Value.BinaryValue=*"),
      "MalformedInput: Blob could not be decoded: it is not valid base64.");
}

TEST(QueryRead, NamesTheFirstMissingMember) {
  EXPECT_EQ(error_of<api::SendMessageRequest>("MessageBody="),
            "MissingParameter: The request must contain the parameter MessageBody.");
  EXPECT_EQ(error_of<api::ChangeMessageVisibilityRequest>("ReceiptHandle=h"),
            "MissingParameter: The request must contain the parameter VisibilityTimeout.");
  EXPECT_EQ(error_of<api::TagQueueRequest>(""),
            "MissingParameter: The request must contain the parameter Tags.");
}

struct Details {
  std::int64_t count = 7;
  bool open = false;

  static void fields(auto& self, auto& visit) {
    visit({"Count"}, self.count);
    visit({"Open"}, self.open);
  }
};

struct Question {
  Details details;

  static void fields(auto& self, auto& visit) { visit({"Details"}, self.details); }
};

TEST(QueryRead, NestedStructures) {
  EXPECT_EQ(read<Question>("Details.Count=3")->details.count, 3);
  EXPECT_EQ(read<Question>("Details.Open=true")->details.count, 7);
  EXPECT_TRUE(read<Question>("Details.Open=true")->details.open);
  EXPECT_FALSE(read<Question>("Details.Open=false")->details.open);
  EXPECT_FALSE(read<Question>("Details.Open=1"));
}

}  // namespace
}  // namespace millrace::wire
