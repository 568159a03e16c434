#include "service/handlers.h"
#include "support/service_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class Queues : public ServiceFixture {
 protected:
  std::string redrive(std::string_view target, int count = 2) const {
    return R"({"deadLetterTargetArn":")" + arn(target) + R"(","maxReceiveCount":)" +
           std::to_string(count) + "}";
  }
  std::vector<std::string> list(const std::string& prefix) {
    api::ListQueuesRequest request;
    request.queue_name_prefix = prefix;
    return ask(list_queues, request).value().queue_urls;
  }
};

TEST_F(Queues, CreateAnswersTheUrlAndAgainForEqualAttributes) {
  const Expected<api::CreateQueueResponse> created = create("q", {{"VisibilityTimeout", "45"}});
  ASSERT_TRUE(created);
  EXPECT_EQ(created->queue_url, "http://localhost:9324/000000000000/q");
  EXPECT_EQ(create("q").value().queue_url, created->queue_url);
  EXPECT_EQ(create("q", {{"VisibilityTimeout", "45"}}).value().queue_url, created->queue_url);

  const Expected<api::CreateQueueResponse> other = create("q", {{"VisibilityTimeout", "46"}});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::queue_name_exists);
  EXPECT_EQ(other.error().message(),
            "A queue already exists with the same name and a different value for attribute "
            "VisibilityTimeout");
}

TEST_F(Queues, CreateComparesWithWhatWasSetLater) {
  ASSERT_TRUE(create("q", {{"DelaySeconds", "1"}}));
  ASSERT_TRUE(set("q", {{"DelaySeconds", "2"}}));
  EXPECT_FALSE(create("q", {{"DelaySeconds", "1"}}));
  EXPECT_TRUE(create("q", {{"DelaySeconds", "2"}}));
}

TEST_F(Queues, CreateNeedsAName) {
  const Expected<api::CreateQueueResponse> created = ask(create_queue, {});
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().message(),
            "Value for parameter QueueName is invalid. Reason: Must specify a queue name.");
  EXPECT_EQ(create("bad name").error().code(), ErrorCode::invalid_parameter_value);
}

TEST_F(Queues, AFifoQueueNeedsItsNameAndItsAttribute) {
  EXPECT_EQ(create("q.fifo").error().message(),
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  EXPECT_EQ(create("q", {{"FifoQueue", "true"}}).error().message(),
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
            "underscores, must end with .fifo suffix and be 1 to 80 in length");
  EXPECT_EQ(create("q.fifo", {{"FifoQueue", "true"}, {"VisibilityTimeout", "-1"}}).error().code(),
            ErrorCode::invalid_attribute_value);
  EXPECT_EQ(create("q.fifo", {{"FifoQueue", "true"}}).value().queue_url, url("q.fifo"));
  EXPECT_EQ(create("q.fifo", {{"FifoQueue", "True"}}).value().queue_url, url("q.fifo"));
  EXPECT_EQ(create("q.fifo").value().queue_url, url("q.fifo"));
  EXPECT_EQ(create("q.fifo", {{"ContentBasedDeduplication", "true"}}).error().code(),
            ErrorCode::queue_name_exists);
}

TEST_F(Queues, AFifoQueueHasAttributesOfItsOwn) {
  ASSERT_TRUE(create("q.fifo", {{"FifoQueue", "true"}, {"ContentBasedDeduplication", "true"}}));
  const std::vector<std::string> own = {"FifoQueue", "ContentBasedDeduplication",
                                        "DeduplicationScope", "FifoThroughputLimit"};
  EXPECT_THAT(
      attributes("q.fifo", own),
      ElementsAre(Pair("ContentBasedDeduplication", "true"), Pair("DeduplicationScope", "queue"),
                  Pair("FifoQueue", "true"), Pair("FifoThroughputLimit", "perQueue")));
  EXPECT_EQ(set("q.fifo", {{"FifoThroughputLimit", "perMessageGroupId"}}).error().code(),
            ErrorCode::invalid_attribute_value);
  ASSERT_TRUE(set("q.fifo", {{"FifoThroughputLimit", "perMessageGroupId"},
                             {"DeduplicationScope", "messageGroup"},
                             {"ContentBasedDeduplication", "false"}}));
  EXPECT_THAT(attributes("q.fifo", own),
              ElementsAre(Pair("ContentBasedDeduplication", "false"),
                          Pair("DeduplicationScope", "messageGroup"), Pair("FifoQueue", "true"),
                          Pair("FifoThroughputLimit", "perMessageGroupId")));
  EXPECT_EQ(attributes("q.fifo", {"All"}).size(), 16u);
  EXPECT_EQ(set("q.fifo", {{"FifoQueue", "false"}}).error().message(),
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not "
            "supported.");
}

TEST_F(Queues, ANameIsBlockedForAMinuteAfterItsQueueWasDeleted) {
  ASSERT_TRUE(create("q"));
  ASSERT_TRUE(send("q", "old"));
  ASSERT_TRUE(remove("q"));
  EXPECT_EQ(remove("q").error().code(), ErrorCode::queue_does_not_exist);
  EXPECT_EQ(send("q", "x").error().code(), ErrorCode::queue_does_not_exist);
  advance(seconds(60) - 1);
  EXPECT_EQ(create("q").error().code(), ErrorCode::queue_deleted_recently);
  advance(1);
  ASSERT_TRUE(create("q"));
  EXPECT_THAT(bodies("q"), IsEmpty());
}

TEST_F(Queues, AreFoundByEveryFormOfTheirUrl) {
  ASSERT_TRUE(create("q"));
  for (const std::string& form :
       {url("q"), std::string("https://sqs.us-east-1.amazonaws.com/000000000000/q"),
        std::string("/000000000000/q"), std::string("q")}) {
    api::ListQueueTagsRequest request;
    request.queue_url = form;
    EXPECT_TRUE(ask(list_queue_tags, request)) << form;
  }
  for (const std::string& form : {std::string(), url("Q"), url("other"),
                                  std::string("http://localhost:9324/111122223333/q")}) {
    api::ListQueueTagsRequest request;
    request.queue_url = form;
    EXPECT_EQ(ask(list_queue_tags, request).error().code(), ErrorCode::queue_does_not_exist)
        << form;
  }
}

TEST_F(Queues, GetQueueUrlLooksInTheOwnersAccount) {
  ASSERT_TRUE(create("q"));
  api::GetQueueUrlRequest request;
  request.queue_name = "q";
  EXPECT_EQ(ask(get_queue_url, request).value().queue_url, url("q"));
  request.queue_owner_aws_account_id = "000000000000";
  EXPECT_EQ(ask(get_queue_url, request).value().queue_url, url("q"));
  for (const std::string other : {"111122223333", "nobody"}) {
    request.queue_owner_aws_account_id = other;
    EXPECT_EQ(ask(get_queue_url, request).error().code(), ErrorCode::queue_does_not_exist);
  }
}

TEST_F(Queues, AccountsDoNotSeeEachOthersQueues) {
  ASSERT_TRUE(create("q", {{"DelaySeconds", "1"}}));
  call_as(caller_of_user(*AccountId::parse("111122223333"), kRootUser, "other"));
  EXPECT_THAT(list(""), IsEmpty());
  EXPECT_TRUE(create("q", {{"DelaySeconds", "2"}}));
  EXPECT_THAT(list(""), ElementsAre("http://localhost:9324/111122223333/q"));
}

TEST_F(Queues, ListIsSortedAndCutIntoPages) {
  for (const std::string_view name : {"b-2", "a", "b-1"}) ASSERT_TRUE(create(name));
  EXPECT_THAT(list(""), ElementsAre(url("a"), url("b-1"), url("b-2")));
  EXPECT_THAT(list("b-"), ElementsAre(url("b-1"), url("b-2")));

  api::ListQueuesRequest request;
  request.max_results = 2;
  const api::ListQueuesResponse first = ask(list_queues, request).value();
  EXPECT_THAT(first.queue_urls, ElementsAre(url("a"), url("b-1")));
  request.next_token = first.next_token;
  EXPECT_THAT(ask(list_queues, request).value().queue_urls, ElementsAre(url("b-2")));
  request.queue_name_prefix = "b";
  EXPECT_EQ(ask(list_queues, request).error().code(), ErrorCode::invalid_parameter_value);
}

TEST_F(Queues, AttributesTellSettingsTimesAndCounts) {
  ASSERT_TRUE(create("q", {{"DelaySeconds", "0"}, {"VisibilityTimeout", "50"}}));
  advance(seconds(5));
  ASSERT_TRUE(set("q", {{"MaximumMessageSize", "2048"}}));
  ASSERT_TRUE(send("q", "one"));
  ASSERT_TRUE(send("q", "two"));
  ASSERT_EQ(receive("q").value().messages.size(), 1u);
  const AttributeMap all = attributes("q", {"All"});
  EXPECT_EQ(all.at("VisibilityTimeout"), "50");
  EXPECT_EQ(all.at("MaximumMessageSize"), "2048");
  EXPECT_EQ(all.at("QueueArn"), arn("q"));
  EXPECT_EQ(all.at("CreatedTimestamp"), "1700000000");
  EXPECT_EQ(all.at("LastModifiedTimestamp"), "1700000005");
  EXPECT_EQ(all.at("ApproximateNumberOfMessages"), "1");
  EXPECT_EQ(all.at("ApproximateNumberOfMessagesNotVisible"), "1");
  EXPECT_EQ(all.at("ApproximateNumberOfMessagesDelayed"), "0");
  EXPECT_THAT(attributes("q", {}), IsEmpty());

  api::GetQueueAttributesRequest request;
  request.queue_url = url("q");
  request.attribute_names = {"Foobar"};
  EXPECT_EQ(ask(get_queue_attributes, request).error().message(), "Unknown Attribute Foobar.");
}

TEST_F(Queues, SetAppliesAllOrNothing) {
  ASSERT_TRUE(create("q"));
  EXPECT_EQ(set("q", {{"DelaySeconds", "9"}, {"VisibilityTimeout", "43201"}}).error().code(),
            ErrorCode::invalid_attribute_value);
  EXPECT_EQ(attribute("q", "DelaySeconds"), "0");
  EXPECT_EQ(set("nowhere", {{"DelaySeconds", "9"}}).error().code(),
            ErrorCode::queue_does_not_exist);
}

TEST_F(Queues, PurgeEmptiesAndWaitsAMinuteForTheNext) {
  ASSERT_TRUE(create("q"));
  ASSERT_TRUE(send("q", "one"));
  api::PurgeQueueRequest request;
  request.queue_url = url("q");
  ASSERT_TRUE(ask(purge_queue, request));
  EXPECT_THAT(bodies("q"), IsEmpty());
  const Expected<api::NoOutput> again = ask(purge_queue, request);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::purge_queue_in_progress);
  EXPECT_EQ(again.error().message(),
            "Only one PurgeQueue operation on q is allowed every 60 seconds.");
  advance(seconds(60));
  EXPECT_TRUE(ask(purge_queue, request));
}

TEST_F(Queues, ADeadLetterTargetMustExistAndAllowIt) {
  const auto refused = [&](std::string_view text) {
    const Expected<api::CreateQueueResponse> created =
        create("source", {{"RedrivePolicy", redrive("dead")}});
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code(), ErrorCode::invalid_parameter_value);
    EXPECT_EQ(created.error().message(),
              "Value " + redrive("dead") +
                  " for parameter RedrivePolicy is invalid. Reason: " + std::string(text));
  };
  refused("Dead letter target does not exist.");
  ASSERT_TRUE(create("dead", {{"RedriveAllowPolicy", R"({"redrivePermission":"denyAll"})"}}));
  const Expected<api::CreateQueueResponse> denied =
      create("source", {{"RedrivePolicy", redrive("dead")}});
  EXPECT_EQ(denied.error().code(), ErrorCode::invalid_parameter_value);
  ASSERT_TRUE(set("dead", {{"RedriveAllowPolicy", ""}}));
  ASSERT_TRUE(create("source", {{"RedrivePolicy", redrive("dead")}}));
  EXPECT_EQ(attribute("source", "RedrivePolicy"), redrive("dead"));

  // A later change leaves existing pairs alone, but a queue of another kind is no target.
  ASSERT_TRUE(set("dead", {{"RedriveAllowPolicy", R"({"redrivePermission":"denyAll"})"}}));
  EXPECT_TRUE(set("source", {{"DelaySeconds", "0"}}));
  EXPECT_FALSE(set("source", {{"RedrivePolicy", redrive("dead")}}));
  EXPECT_THAT(set("source", {{"RedrivePolicy", redrive("dead.fifo")}}).error().message(),
              HasSubstr("must be same type of queue as the source.."));
}

TEST_F(Queues, AFifoQueueTakesTheDeadLettersOfFifoQueues) {
  ASSERT_TRUE(create("dead"));
  ASSERT_TRUE(create("dead.fifo", {{"FifoQueue", "true"}}));
  const auto create_source = [&](std::string_view target) {
    return create("source.fifo", {{"FifoQueue", "true"}, {"RedrivePolicy", redrive(target)}});
  };
  EXPECT_THAT(create_source("dead").error().message(),
              HasSubstr("must be same type of queue as the source.."));
  ASSERT_TRUE(create_source("dead.fifo"));
  EXPECT_EQ(attribute("source.fifo", "RedrivePolicy"), redrive("dead.fifo"));
}

TEST_F(Queues, SourcesOfADeadLetterQueueAreListed) {
  ASSERT_TRUE(create("dead"));
  for (const std::string_view name : {"s2", "s1", "s3"}) {
    ASSERT_TRUE(create(name, {{"RedrivePolicy", redrive("dead")}}));
  }
  ASSERT_TRUE(set("s3", {{"RedrivePolicy", ""}}));
  api::ListDeadLetterSourceQueuesRequest request;
  request.queue_url = url("dead");
  EXPECT_THAT(ask(list_dead_letter_source_queues, request).value().queue_urls,
              ElementsAre(url("s1"), url("s2")));
  request.max_results = 1;
  request.next_token = ask(list_dead_letter_source_queues, request).value().next_token;
  const api::ListDeadLetterSourceQueuesResponse second =
      ask(list_dead_letter_source_queues, request).value();
  EXPECT_THAT(second.queue_urls, ElementsAre(url("s2")));
  EXPECT_EQ(second.next_token, "");
}

TEST_F(Queues, MessagesMoveToTheDeadLetterQueueAlsoOnceItIsMadeAgain) {
  ASSERT_TRUE(create("dead"));
  ASSERT_TRUE(create("source", {{"VisibilityTimeout", "0"}, {"RedrivePolicy", redrive("dead")}}));
  ASSERT_TRUE(send("source", "one"));
  EXPECT_THAT(bodies("source"), ElementsAre("one"));
  EXPECT_THAT(bodies("source"), ElementsAre("one"));
  EXPECT_THAT(bodies("source"), IsEmpty());
  EXPECT_THAT(bodies("dead"), ElementsAre("one"));

  ASSERT_TRUE(remove("dead"));
  ASSERT_TRUE(send("source", "two"));
  for (int i = 0; i < 5; ++i) EXPECT_THAT(bodies("source"), ElementsAre("two"));
  advance(seconds(60));
  ASSERT_TRUE(create("dead"));
  EXPECT_THAT(bodies("source"), IsEmpty());
  EXPECT_THAT(bodies("dead"), ElementsAre("two"));
}

}  // namespace
}  // namespace millrace
