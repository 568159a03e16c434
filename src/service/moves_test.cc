#include "base/encoding.h"
#include "service/handlers.h"
#include "support/service_fixture.h"

namespace millrace {
namespace {

class Moves : public ServiceFixture {
 protected:
  void SetUp() override {
    ASSERT_TRUE(create("dead"));
    ASSERT_TRUE(create("source", {{"RedrivePolicy", policy("dead")}, {"VisibilityTimeout", "0"}}));
  }
  std::string policy(std::string_view dead) const {
    return R"({"deadLetterTargetArn":")" + arn(dead) + R"(","maxReceiveCount":1})";
  }
  // Makes a dead letter of "source".
  void kill(std::string_view body) {
    ASSERT_TRUE(send("source", body));
    ASSERT_EQ(bodies("source").size(), 1u);
    ASSERT_TRUE(bodies("source").empty());
  }
  // @return the handle of a task that has been started.
  std::string begin(std::string_view dead, std::optional<std::string> destination = std::nullopt,
                    std::optional<std::int64_t> rate = std::nullopt) {
    const auto response = ask(start_message_move_task, {.source_arn = arn(dead),
                                                        .destination_arn = std::move(destination),
                                                        .max_number_of_messages_per_second = rate});
    EXPECT_TRUE(response);
    return response ? response->task_handle : std::string();
  }
  std::vector<api::ListMessageMoveTasksResultEntry> tasks(std::int64_t max) {
    return ask(list_message_move_tasks, {.source_arn = arn("dead"), .max_results = max})
        .value()
        .results;
  }
  // The last task of "dead" once it has ended. Each request lets the shards go on.
  api::ListMessageMoveTasksResultEntry ended() {
    for (int i = 0; i < 10'000; ++i) {
      const api::ListMessageMoveTasksResultEntry task = tasks(1).at(0);
      if (task.status != "RUNNING" && task.status != "CANCELLING") return task;
      io_.poll();
    }
    ADD_FAILURE() << "the task does not end";
    return {};
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
}

// "source" is on the other shard: what moves is under way for a while.
TEST_F(Moves, TakeDeadLettersBackAndTellOfIt) {
  kill("a");
  const std::string handle = begin("dead");
  EXPECT_EQ(from_base64(handle)->find("{\"taskId\":\""), 0u);
  EXPECT_NE(from_base64(handle)->find("\"sourceArn\":\"" + arn("dead") + "\"}"), std::string::npos);
  const api::ListMessageMoveTasksResultEntry task = ended();
  EXPECT_EQ(task.status, "COMPLETED");
  EXPECT_EQ(task.task_handle, "");
  EXPECT_EQ(task.source_arn, arn("dead"));
  EXPECT_EQ(task.destination_arn, "");
  EXPECT_EQ(task.max_number_of_messages_per_second, std::nullopt);
  EXPECT_EQ(task.approximate_number_of_messages_moved, 1);
  EXPECT_EQ(task.approximate_number_of_messages_to_move, 1);
  EXPECT_EQ(task.failure_reason, "");
  EXPECT_EQ(task.started_timestamp, clock_.now().milliseconds);
  EXPECT_EQ(bodies("source"), std::vector<std::string>{"a"});
  EXPECT_EQ(ask(cancel_message_move_task, {.task_handle = handle}).error(),
            invalid("Only active tasks can be cancelled."));
}

TEST_F(Moves, AreListedNewestFirst) {
  for (const std::int64_t rate : {1, 2, 3}) {
    begin("dead", arn("source"), rate);
    EXPECT_EQ(ended().status, "COMPLETED");
  }
  const auto listed = tasks(2);
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].max_number_of_messages_per_second, 3);
  EXPECT_EQ(listed[0].destination_arn, arn("source"));
  EXPECT_EQ(listed[1].max_number_of_messages_per_second, 2);
}

TEST_F(Moves, CanBeCancelled) {
  kill("a");
  kill("b");
  const std::string handle = begin("dead", std::nullopt, 1);
  EXPECT_EQ(start(arn("dead")),
            invalid("There is already a task running. Only one active task is allowed for a source "
                    "queue arn at a given time."));
  EXPECT_EQ(tasks(1).at(0).task_handle, handle);
  const auto cancelled = ask(cancel_message_move_task, {.task_handle = handle});
  ASSERT_TRUE(cancelled);
  EXPECT_LE(cancelled->approximate_number_of_messages_moved, 1);
  EXPECT_EQ(ended().status, "CANCELLED");
  EXPECT_EQ(ended().approximate_number_of_messages_moved, 1);
  advance(seconds(60));
  EXPECT_EQ(bodies("dead"), std::vector<std::string>{"b"});
}

TEST_F(Moves, FailWhenTheirTargetIsDeleted) {
  ASSERT_TRUE(create("other"));
  ASSERT_TRUE(create("target"));  // on the other shard
  kill("b");
  kill("c");
  begin("dead", arn("target"), 1);
  ASSERT_TRUE(remove("target"));
  advance(seconds(1));
  const api::ListMessageMoveTasksResultEntry task = ended();
  EXPECT_EQ(task.status, "FAILED");
  EXPECT_EQ(task.failure_reason, "AWS.SimpleQueueService.NonExistentQueue");
}

TEST_F(Moves, AreAHundredPerAccount) {
  std::vector<std::string> handles;
  for (int i = 0; i < 100; ++i) {
    const std::string dead = "dead" + std::to_string(i);
    ASSERT_TRUE(create(dead));
    ASSERT_TRUE(create("source" + std::to_string(i), {{"RedrivePolicy", policy(dead)}}));
    for (const char* body : {"a", "b"}) ASSERT_TRUE(send(dead, body));
    handles.push_back(begin(dead, arn("source"), 1));
  }
  EXPECT_EQ(start(arn("dead")).code(), ErrorCode::request_throttled);
  ASSERT_TRUE(remove("dead7"));
  begin("dead");
}

}  // namespace
}  // namespace millrace
