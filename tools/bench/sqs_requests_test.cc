#include "bench/sqs_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/ledger.h"

namespace millrace::bench {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::string_view kUrl = "http://h:1/000000000000/q";

class SqsRequestsTest : public testing::Test {
 protected:
  const Bodies bodies_{kBodyBytesMin, 1};
  SqsRequests json_{SqsProtocol::json, "h:1", std::nullopt};
  SqsRequests query_{SqsProtocol::query, "h:1", std::nullopt};
  std::string out_;
};

TEST_F(SqsRequestsTest, JsonSendIsExactlyThis) {
  json_.send(out_, kUrl, bodies_, 255, 1);
  EXPECT_EQ(out_,
            "POST / HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/x-amz-json-1.0\r\n"
            "X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: 73\r\n\r\n"
            R"({"QueueUrl":"http://h:1/000000000000/q","MessageBody":"00000000000000ff"})");
}

TEST_F(SqsRequestsTest, QuerySendIsExactlyThis) {
  query_.send(out_, kUrl, bodies_, 255, 1);
  EXPECT_EQ(out_,
            "POST / HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            "Content-Length: 113\r\n\r\n"
            "Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Fh%3A1%2F000000000000%2Fq"
            "&MessageBody=00000000000000ff");
}

TEST_F(SqsRequestsTest, BatchesNumberTheirEntries) {
  json_.send(out_, kUrl, bodies_, 1, 2);
  EXPECT_THAT(out_, EndsWith(R"(,"Entries":[{"Id":"0","MessageBody":"0000000000000001"},)"
                             R"({"Id":"1","MessageBody":"0000000000000002"}]})"));
  out_.clear();
  query_.send(out_, kUrl, bodies_, 1, 2);
  EXPECT_THAT(out_, EndsWith("&SendMessageBatchRequestEntry.1.Id=0"
                             "&SendMessageBatchRequestEntry.1.MessageBody=0000000000000001"
                             "&SendMessageBatchRequestEntry.2.Id=1"
                             "&SendMessageBatchRequestEntry.2.MessageBody=0000000000000002"));
}

TEST_F(SqsRequestsTest, MessagesOfFifoQueuesAreDealtToGroups) {
  constexpr std::uint64_t kRun = std::uint64_t{1} << kPlaceBits;
  SqsRequests json(SqsProtocol::json, "h:1", std::nullopt, 2);
  json.send(out_, kUrl, bodies_, 5, 1);
  EXPECT_THAT(out_, EndsWith(R"(","MessageGroupId":"1","MessageDeduplicationId":"5"})"));
  json.send(out_, kUrl, bodies_, 3, 2);
  EXPECT_THAT(out_, HasSubstr(R"(","MessageGroupId":"1","MessageDeduplicationId":"3"},{"Id")"));
  EXPECT_THAT(out_, EndsWith(R"(","MessageGroupId":"0","MessageDeduplicationId":"4"}]})"));
  // The groups of another run are others.
  json.send(out_, kUrl, bodies_, kRun + 3, 1);
  EXPECT_THAT(out_, HasSubstr("\"MessageGroupId\":\"" + std::to_string(kRun + 1) + "\""));
  out_.clear();
  SqsRequests query(SqsProtocol::query, "h:1", std::nullopt, 2);
  query.send(out_, kUrl, bodies_, 1, 2);
  EXPECT_THAT(out_, EndsWith("&SendMessageBatchRequestEntry.2.MessageBody=0000000000000002"
                             "&SendMessageBatchRequestEntry.2.MessageGroupId=0"
                             "&SendMessageBatchRequestEntry.2.MessageDeduplicationId=2"));
}

TEST_F(SqsRequestsTest, FifoQueuesAreCreatedAsSuch) {
  SqsRequests json(SqsProtocol::json, "h:1", std::nullopt, 1);
  json.create_queue(out_, "q.fifo");
  EXPECT_THAT(out_, EndsWith(R"({"QueueName":"q.fifo","Attributes":{"FifoQueue":"true"}})"));
  SqsRequests query(SqsProtocol::query, "h:1", std::nullopt, 1);
  query.create_queue(out_, "q.fifo");
  EXPECT_THAT(out_,
              EndsWith("&QueueName=q.fifo&Attribute.1.Name=FifoQueue&Attribute.1.Value=true"));
  json.create_queue(out_, "q.fifo", false);
  EXPECT_THAT(out_, EndsWith(R"({"QueueName":"q.fifo","Attributes":)"
                             R"({"FifoQueue":"true","SqsManagedSseEnabled":"false"}})"));
  query.create_queue(out_, "q.fifo", false);
  EXPECT_THAT(out_, EndsWith("&Attribute.2.Name=SqsManagedSseEnabled&Attribute.2.Value=false"));
}

TEST_F(SqsRequestsTest, ReceiveAsksForCountAndWait) {
  json_.receive(out_, kUrl, 10, 20);
  EXPECT_THAT(out_, EndsWith(R"(,"MaxNumberOfMessages":10,"WaitTimeSeconds":20})"));
  out_.clear();
  query_.receive(out_, kUrl, 1, 0);
  EXPECT_THAT(out_, EndsWith("&MaxNumberOfMessages=1&WaitTimeSeconds=0"));
}

TEST_F(SqsRequestsTest, RemovalsTakeOneOrMoreHandles) {
  json_.remove(out_, kUrl, {"a+b"});
  EXPECT_THAT(out_, HasSubstr("AmazonSQS.DeleteMessage\r\n"));
  EXPECT_THAT(out_, EndsWith(R"(,"ReceiptHandle":"a+b"})"));
  out_.clear();
  query_.remove(out_, kUrl, {"a+b", "c"});
  EXPECT_THAT(out_, HasSubstr("Action=DeleteMessageBatch&"));
  EXPECT_THAT(out_, EndsWith("&DeleteMessageBatchRequestEntry.1.Id=0"
                             "&DeleteMessageBatchRequestEntry.1.ReceiptHandle=a%2Bb"
                             "&DeleteMessageBatchRequestEntry.2.Id=1"
                             "&DeleteMessageBatchRequestEntry.2.ReceiptHandle=c"));
}

TEST_F(SqsRequestsTest, QueuesAreCreatedByNameAndDeletedByUrl) {
  json_.create_queue(out_, "q");
  EXPECT_THAT(out_, EndsWith("\r\n\r\n{\"QueueName\":\"q\"}"));
  out_.clear();
  query_.delete_queue(out_, "u");
  EXPECT_THAT(out_, EndsWith("Action=DeleteQueue&Version=2012-11-05&QueueUrl=u"));
}

TEST_F(SqsRequestsTest, SignedRequestsCarryASignature) {
  SqsRequests requests(SqsProtocol::json, "h:1", Credentials{"key", "secret", "us-east-1"});
  requests.create_queue(out_, "q");
  EXPECT_THAT(out_, HasSubstr("\r\nAuthorization: AWS4-HMAC-SHA256 Credential=key/"));
  EXPECT_THAT(out_, StartsWith("POST / HTTP/1.1\r\n"));
}

TEST(FindValues, FindsStringsOfJsonInOrder) {
  std::vector<std::string_view> values;
  const std::string_view reply =
      R"({"Messages":[{"MessageId":"1","Body":"x"},{"Body" : "y","MessageId":"2","Body2":"z"}]})";
  find_values(SqsProtocol::json, reply, "Body", values);
  EXPECT_THAT(values, ElementsAre("x", "y"));
  find_values(SqsProtocol::json, reply, "MessageId", values);
  EXPECT_THAT(values, ElementsAre("1", "2"));
  find_values(SqsProtocol::json, "{}", "Body", values);
  EXPECT_THAT(values, IsEmpty());
}

TEST(FindValues, FindsElementsOfXmlInOrder) {
  std::vector<std::string_view> values;
  find_values(SqsProtocol::query,
              "<R><Message><Body>x</Body></Message><Message><Body>y</Body></Message></R>", "Body",
              values);
  EXPECT_THAT(values, ElementsAre("x", "y"));
}

TEST(HasFailedEntry, KnowsBothProtocols) {
  EXPECT_TRUE(has_failed_entry(R"({"Failed":[{"Id":"0","SenderFault":true}]})"));
  EXPECT_TRUE(has_failed_entry("<BatchResultErrorEntry><SenderFault>true</SenderFault>"));
  EXPECT_FALSE(has_failed_entry(R"({"Successful":[{"Id":"0"}],"Failed":[]})"));
}

}  // namespace
}  // namespace millrace::bench
