// FIFO queues over the real loop: what the model's short polls, one at a time, cannot show.
#include <gtest/gtest.h>

#include "support/loop_harness.h"

namespace millrace {
namespace {

class FifoQueueTest : public testing::Test {
 protected:
  void send(std::string_view group, std::string_view body) {
    const auto call = loop.submit([&](Shard& shard, Timestamp now) {
      NewMessage message;
      message.body = message.deduplication_id = body;
      message.group_id = group;
      ASSERT_TRUE(shard.send(queue, std::span(&message, 1), now));
    });
    loop.settle();
    ASSERT_TRUE(call->succeeded);
  }

  std::shared_ptr<PendingReceive> receive(Milliseconds wait, std::string attempt_id = {}) {
    const auto receive = loop.receive({queue, 10, seconds(30), wait, std::move(attempt_id)});
    loop.settle();
    return receive;
  }

  ManualClock clock{Timestamp{1'700'000'000'000}};
  LoopHarness loop{clock};
  const QueueId queue = loop.create_queue({.retention = seconds(345'600), .fifo = true});
};

TEST_F(FifoQueueTest, ARepeatedAttemptDoesNotWaitBehindOthers) {
  send("group", "one");
  const auto first = receive(0, "attempt");
  ASSERT_EQ(first->bodies(), std::vector<std::string>{"one"});
  const auto other = receive(seconds(20));
  EXPECT_FALSE(other->result);
  EXPECT_EQ(receive(0, "attempt")->bodies(), first->bodies());
  EXPECT_EQ(receive(seconds(20), "attempt")->bodies(), first->bodies());
  EXPECT_FALSE(other->result);
}

TEST_F(FifoQueueTest, ARepeatedAttemptDoesNotBringWhatIsTooOld) {
  loop.configure(queue, {.retention = seconds(60), .fifo = true});
  send("group", "old");
  clock.advance(seconds(50));
  ASSERT_EQ(receive(0, "attempt")->bodies(), std::vector<std::string>{"old"});
  clock.advance(seconds(11));
  EXPECT_EQ(receive(0, "attempt")->bodies(), std::vector<std::string>{});
}

}  // namespace
}  // namespace millrace
