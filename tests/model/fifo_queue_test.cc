// FIFO queues over the real loop: what the model's short polls, one at a time, cannot show.
#include <gtest/gtest.h>

#include <array>

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

// Whether the block has left memory, or only its chunk has.
TEST(FifoQueueWithoutMemory, PassesOverAGroupWhoseFirstMessageIsDamaged) {
  for (const bool forgotten : {false, true}) {
    ManualClock clock{Timestamp{1'700'000'000'000}};
    LoopHarness loop(clock, {.memory_bytes = 1});
    const QueueId queue = loop.create_queue({.retention = seconds(345'600), .fifo = true});
    const auto send = [&](std::string_view group, std::string_view body) {
      loop.submit([&](Shard& shard, Timestamp now) {
        NewMessage message;
        message.body = message.deduplication_id = body;
        message.group_id = group;
        ASSERT_TRUE(shard.send(queue, {&message, 1}, now));
      });
      loop.settle();
    };
    send("a", "a1");
    ASSERT_EQ(loop.poll_bodies(queue, 1, seconds(1)), std::vector<std::string>{"a1"});
    loop.store().damage(parse_index(loop.rows(Family::index).at(0).value)->place);
    if (forgotten) loop.restart();
    loop.advance(seconds(1));
    const auto waiting = loop.receive({queue, 10, seconds(30), seconds(20)});
    loop.settle();
    ASSERT_TRUE(waiting->result);
    ASSERT_FALSE(*waiting->result);
    EXPECT_EQ(waiting->result->error().code(), ErrorCode::internal_failure);
    send("a", "a2");
    send("b", "b1");
    EXPECT_EQ(loop.poll_bodies(queue), std::vector<std::string>{"b1"});
    EXPECT_EQ(loop.counts(queue).visible, 2U);
    EXPECT_LE(loop.corruptions.size(), 4U) << "it is not read again and again";
  }
}

TEST_F(FifoQueueTest, ARepeatedSendIsToldItsOwnDigest) {
  std::array<Md5Digest, 2> digests{};
  for (Md5Digest& digest : digests) {
    loop.submit([&](Shard& shard, Timestamp now) {
      NewMessage message;
      message.body = &digest == digests.data() ? "first" : "repeated";
      message.group_id = message.deduplication_id = "id";
      message.body_md5 = &digest;
      ASSERT_TRUE(shard.send(queue, std::span(&message, 1), now));
    });
  }
  loop.settle();
  EXPECT_EQ(digests[0], md5("first"));
  EXPECT_EQ(digests[1], md5("repeated"));
  EXPECT_EQ(loop.poll_bodies(queue), std::vector<std::string>{"first"});
}

TEST(FifoQueueWithoutMemory, ReadsNoGroupWhoseRowsAreNotWrittenYet) {
  ManualClock clock{Timestamp{1'700'000'000'000}};
  LoopHarness loop(clock, {.memory_bytes = 1});
  const QueueId queue = loop.create_queue({.retention = seconds(345'600), .fifo = true});
  const auto send = [&](const std::vector<std::pair<std::string, std::string>>& sent) {
    const auto call = loop.submit([&](Shard& shard, Timestamp now) {
      std::vector<NewMessage> messages(sent.size());
      for (std::size_t i = 0; i < sent.size(); ++i) {
        messages[i].group_id = sent[i].first;
        messages[i].body = messages[i].deduplication_id = sent[i].second;
      }
      ASSERT_TRUE(shard.send(queue, messages, now));
    });
    loop.settle();
    ASSERT_TRUE(call->succeeded);
  };
  // Everything but commits.
  const auto load = [&] {
    for (loop.turn(); loop.perform_load() || loop.deliver_load(); loop.turn()) {
    }
  };
  send({{"a", "a1"}});
  const std::vector<Delivery> first = loop.poll(queue, 1);
  ASSERT_EQ(first.size(), 1U);
  send({{"a", "a2"}, {"b", "b1"}});
  send({{"c", "c1"}});
  ASSERT_EQ(loop.poll_bodies(queue, 1), std::vector<std::string>{"b1"});
  // While "c1" is taken, "a2" is filed, and its block stays for "b1"; then it is its turn.
  const auto other = loop.receive({queue, 1, seconds(30), 0});
  load();
  const ReceiptHandle handle = loop.sealer().open(first[0].receipt_handle).value();
  loop.submit([&](Shard& shard, Timestamp now) {
    static_cast<void>(shard.erase(queue, std::span(&handle, 1), now));
  });
  load();
  const auto next = loop.receive({queue, 1, seconds(30), seconds(20)});
  load();
  loop.settle();
  EXPECT_EQ(other->bodies(), std::vector<std::string>{"c1"});
  EXPECT_EQ(next->bodies(), std::vector<std::string>{"a2"});
}

TEST_F(FifoQueueTest, AShortPollWaitsForWhatHasExpiredInFlightToFreeItsGroup) {
  loop.configure(queue, {.retention = seconds(60), .fifo = true});
  send("group", "old");
  clock.advance(seconds(30));
  send("group", "new");
  const auto first = loop.receive({queue, 1, seconds(600), 0});
  loop.settle();
  ASSERT_EQ(first->bodies(), std::vector<std::string>{"old"});
  clock.advance(seconds(30));
  loop.turn();  // what is too old is being looked up
  ASSERT_TRUE(loop.loads_pending());
  EXPECT_EQ(receive(0)->bodies(), std::vector<std::string>{"new"});
}

TEST(FifoQueueWithoutMemory, EndsARepeatedAttemptWhoseMessagesArePurgedWhileTheyAreRead) {
  ManualClock clock{Timestamp{1'700'000'000'000}};
  LoopHarness loop(clock, {.memory_bytes = 1});
  const QueueId queue = loop.create_queue({.retention = seconds(345'600), .fifo = true});
  loop.submit([&](Shard& shard, Timestamp now) {
    NewMessage message;
    message.group_id = message.body = message.deduplication_id = "one";
    ASSERT_TRUE(shard.send(queue, std::span(&message, 1), now));
  });
  loop.settle();
  const ReceiveRequest attempt{queue, 1, seconds(30), 0, "attempt"};
  const auto first = loop.receive(attempt);
  loop.settle();
  ASSERT_EQ(first->bodies(), std::vector<std::string>{"one"});
  const auto repeat = loop.receive(attempt);
  ASSERT_FALSE(repeat->result);
  loop.purge(queue);
  ASSERT_TRUE(repeat->result);
  EXPECT_EQ(repeat->bodies(), std::vector<std::string>{});
}

// The task takes nothing: what it could take is behind what the attempt holds.
TEST(FifoQueueWithoutMemory, EndsARepeatedAttemptWhileAMoveTaskIsGoingOn) {
  ManualClock clock{Timestamp{1'700'000'000'000}};
  LoopHarness loop(clock, {.memory_bytes = 1});
  const QueueSettings settings{.retention = seconds(345'600), .fifo = true};
  const QueueId queue = loop.create_queue(settings);
  const QueueId target = loop.create_queue(settings);
  const auto send = [&](std::string_view group, std::string_view body) {
    loop.submit([&](Shard& shard, Timestamp now) {
      NewMessage message;
      message.group_id = group;
      message.body = message.deduplication_id = body;
      ASSERT_TRUE(shard.send(queue, std::span(&message, 1), now));
    });
    loop.settle();
  };
  send("a", "a1");
  send("b", "b1");
  const ReceiveRequest attempt{queue, 10, seconds(30), 0, "attempt"};
  const auto first = loop.receive(attempt);
  loop.settle();
  ASSERT_EQ(first->bodies().size(), 2U);
  send("a", "a2");
  loop.submit([&](Shard& shard, Timestamp now) {
    ASSERT_TRUE(shard.start_move_task(queue, {.destination = target}, now));
  });
  loop.settle();
  const auto repeat = loop.receive(attempt);
  for (int turns = 0; turns < 100 && !repeat->result; ++turns) {
    loop.turn();
    loop.perform_load();
    loop.deliver_load();
    if (loop.begin_commit()) {
      loop.make_durable();
      loop.finish_commit();
    }
  }
  ASSERT_TRUE(repeat->result);
  EXPECT_EQ(repeat->bodies(), first->bodies());
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
