#include "base/encoding.h"
#include "service/handlers.h"
#include "support/service_fixture.h"

namespace millrace {
namespace {

class Moves : public ServiceFixture {
 protected:
  void SetUp() override {
    ASSERT_TRUE(create("dead"));
    const std::string policy =
        R"({"deadLetterTargetArn":")" + arn("dead") + R"(","maxReceiveCount":1})";
    ASSERT_TRUE(create("source", {{"RedrivePolicy", policy}}));
  }
  ApiError start(std::string source, std::optional<std::string> destination = std::nullopt,
                 std::optional<std::int64_t> rate = std::nullopt) {
    return ask(start_message_move_task, {.source_arn = std::move(source),
                                         .destination_arn = std::move(destination),
                                         .max_number_of_messages_per_second = rate})
        .error();
  }
  ApiError cancel(const std::string& json) {
    return ask(cancel_message_move_task, {.task_handle = to_base64(json)}).error();
  }
  ApiError list(std::string source, std::optional<std::int64_t> max = std::nullopt) {
    return ask(list_message_move_tasks, {.source_arn = std::move(source), .max_results = max})
        .error();
  }
};

ApiError invalid(std::string text) {
  return {ErrorCode::invalid_parameter_value, std::move(text)};
}

const ApiError kNoSource(ErrorCode::resource_not_found,
                         "The resource that you specified for the SourceArn parameter doesn't "
                         "exist.");
const ApiError kBadSource = invalid(
    "You must use this format to specify the SourceArn: "
    "arn:<partition>:<service>:<region>:<account-id>:<resource-id>");
const ApiError kNotAvailable(ErrorCode::unsupported_operation,
                             "Message move tasks are not available in this version");

TEST_F(Moves, StartChecksEverythingFirst) {
  EXPECT_EQ(start("dead"), kBadSource);
  EXPECT_EQ(start(arn("nobody")), kNoSource);
  EXPECT_EQ(start(arn("source")),
            invalid("Source queue must be configured as a Dead Letter Queue."));
  EXPECT_EQ(start(arn("dead"), arn("dead")),
            invalid("Source queue arn and destination queue arn cannot be the same."));
  EXPECT_EQ(start(arn("dead"), arn("nobody")),
            ApiError(ErrorCode::resource_not_found,
                     "The resource that you specified for the DestinationArn parameter doesn't "
                     "exist."));
  for (const std::int64_t rate : {0, 501}) {
    EXPECT_EQ(start(arn("dead"), std::nullopt, rate),
              invalid("Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You "
                      "must enter a number that's between 1 and 500."));
  }
  EXPECT_EQ(start(arn("dead")), kNotAvailable);
  EXPECT_EQ(start(arn("dead"), arn("source"), 500), kNotAvailable);
}

TEST_F(Moves, CancelKnowsNoTask) {
  const ApiError bad = invalid("Value for parameter TaskHandle is invalid.");
  EXPECT_EQ(ask(cancel_message_move_task, {.task_handle = "!"}).error(), bad);
  EXPECT_EQ(cancel("[]"), bad);
  EXPECT_EQ(cancel(R"({"taskId":"x"})"), bad);
  EXPECT_EQ(cancel(R"({"taskId":"x","sourceArn":"y"})"), bad);
  EXPECT_EQ(cancel(R"({"taskId":"x","sourceArn":")" + arn("nobody") + "\"}"), kNoSource);
  EXPECT_EQ(cancel(R"({"taskId":"x","sourceArn":")" + arn("dead") + "\"}"),
            ApiError(ErrorCode::resource_not_found, "Task does not exist."));
}

TEST_F(Moves, ListChecksEverythingFirst) {
  EXPECT_EQ(list("dead"), kBadSource);
  EXPECT_EQ(list(arn("nobody")), kNoSource);
  EXPECT_EQ(list(arn("dead"), 11),
            invalid("Value for parameter MaxResults is invalid. Reason: You must enter a number "
                    "that's between 1 and 10."));
  EXPECT_EQ(list(arn("dead"), 10), kNotAvailable);
}

}  // namespace
}  // namespace millrace
