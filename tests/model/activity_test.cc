// What a shard tells of the traffic and the state of its queues, over the real loop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "support/loop_harness.h"

namespace millrace {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr Timestamp kStart{1'700'000'000'000};

class ActivityTest : public testing::Test {
 protected:
  ActivityTest() {
    loop_.create_queue();  // another one, that rests
    queue_ = loop_.create_queue();
    loop_.shard().take_activity();
  }

  // The news of the one queue that has any.
  QueueActivity news() {
    const std::vector<QueueActivity> all = loop_.shard().take_activity();
    EXPECT_THAT(all, SizeIs(1));
    return all.empty() ? QueueActivity{} : all.front();
  }

  ManualClock clock_{kStart};
  LoopHarness loop_{clock_};
  QueueId queue_;
};

TEST_F(ActivityTest, IsToldOnlyOfQueuesWhereSomethingHasHappened) {
  EXPECT_THAT(loop_.shard().take_activity(), IsEmpty());
  loop_.send(queue_, {"a"});
  EXPECT_EQ(news().queue, queue_);
  EXPECT_THAT(loop_.shard().take_activity(), IsEmpty());
}

TEST_F(ActivityTest, CountsMessagesAndTheirBytesAsTheyComeAndGo) {
  loop_.send(queue_, {"abc", "de"});
  const std::vector<Delivery> got = loop_.poll(queue_);
  loop_.erase(queue_, {got[0].receipt_handle});
  loop_.erase(queue_, {got[0].receipt_handle});
  const QueueActivity told = news();
  EXPECT_EQ(told.traffic, (QueueTraffic{.sent = 2, .received = 2, .deleted = 1, .sent_bytes = 5}));
  EXPECT_EQ(told.gauges, (QueueGauges{.in_flight = 1, .oldest_sent_at = kStart}));
}

TEST_F(ActivityTest, CountsFromTheLastTimeOn) {
  loop_.send(queue_, {"a", "b"});
  news();
  loop_.send(queue_, {"c"});
  EXPECT_EQ(news().traffic.sent, 1U);
}

TEST_F(ActivityTest, CountsAttributesAsPartsOfAMessage) {
  const MessageAttribute attribute{"n", "String", "value", false};
  NewMessage message;
  message.body = "body";
  message.attributes = {&attribute, 1};
  loop_.submit([&](Shard& shard, Timestamp now) {
    shard.send(queue_, {&message, 1}, now).value();
  });
  EXPECT_EQ(news().traffic.sent_bytes, 16U);
}

TEST_F(ActivityTest, CountsReceivesThatBringNothing) {
  loop_.poll(queue_);
  EXPECT_EQ(news().traffic.empty_receives, 1U);
  const auto poll = loop_.receive({queue_, 1, seconds(30), seconds(20)});
  QueueActivity told = news();
  EXPECT_EQ(told.traffic.empty_receives, 0U);
  EXPECT_EQ(told.gauges.waiting, 1U);
  loop_.advance(seconds(20));
  ASSERT_TRUE(poll->result);
  told = news();
  EXPECT_EQ(told.traffic.empty_receives, 1U);
  EXPECT_EQ(told.gauges.waiting, 0U);
}

TEST_F(ActivityTest, TellsOfAReceiveWhoseClientHasGone) {
  const auto poll = loop_.receive({queue_, 1, seconds(30), seconds(20)});
  EXPECT_EQ(news().gauges.waiting, 1U);
  ASSERT_TRUE(loop_.loop().cancel(poll->waiter, clock_.now()));
  EXPECT_EQ(news().gauges.waiting, 0U);
}

TEST_F(ActivityTest, CountsDeadLettersWhereTheyCameFrom) {
  const QueueId dead = loop_.create_queue();
  QueueSettings settings = LoopHarness::kUsual;
  settings.receive_count_max = 1;
  settings.dead_letter_queue = dead;
  loop_.configure(queue_, settings);
  loop_.send(queue_, {"a"});
  loop_.poll(queue_, 1, seconds(1));
  loop_.advance(seconds(1));
  loop_.shard().take_activity();
  loop_.poll(queue_);
  const std::vector<QueueActivity> all = loop_.shard().take_activity();
  ASSERT_THAT(all, SizeIs(2));
  const bool first = all[0].queue == queue_;
  const QueueActivity& source = all[first ? 0 : 1];
  const QueueActivity& target = all[first ? 1 : 0];
  EXPECT_EQ(source.traffic, (QueueTraffic{.empty_receives = 1, .dead_lettered = 1}));
  EXPECT_EQ(target.traffic, QueueTraffic{});
  EXPECT_EQ(target.gauges.visible, 1U);
}

TEST_F(ActivityTest, TellsThatAQueueIsGone) {
  loop_.send(queue_, {"a"});
  loop_.delete_queue(queue_);
  std::uint64_t sent = 0;
  for (const QueueActivity& told : loop_.shard().take_activity()) {
    EXPECT_EQ(told.queue, queue_);
    EXPECT_TRUE(told.gone);
    sent += told.traffic.sent;
  }
  EXPECT_EQ(sent, 1U) << "what happened since the last news counts, though the queue is gone";
}

TEST_F(ActivityTest, TellsHowQueuesStandAfterARestart) {
  loop_.send(queue_, {"a", "b"});
  loop_.advance(seconds(5));
  loop_.restart();
  loop_.settle();  // it has looked for what is too old
  for (const QueueActivity& told : loop_.shard().take_activity()) {
    EXPECT_EQ(told.traffic, QueueTraffic{});
    EXPECT_EQ(told.gauges.visible, told.queue == queue_ ? 2U : 0U);
    EXPECT_EQ(told.gauges.oldest_sent_at, told.queue == queue_ ? kStart : kNever);
  }
}

// --- the oldest message ---

TEST_F(ActivityTest, FindsTheOldestMessage) {
  loop_.send(queue_, {"a"});
  loop_.advance(seconds(1));
  loop_.send(queue_, {"b"});
  EXPECT_EQ(news().gauges.oldest_sent_at, kStart);
  loop_.erase(queue_, {loop_.poll(queue_, 1).front().receipt_handle});
  EXPECT_EQ(news().gauges.oldest_sent_at, kStart + seconds(1));
  loop_.erase(queue_, {loop_.poll(queue_, 1).front().receipt_handle});
  EXPECT_EQ(news().gauges.oldest_sent_at, kNever);
}

TEST_F(ActivityTest, FindsTheOldestOfDeadLettersThoughItComesLast) {
  QueueSettings settings = LoopHarness::kUsual;
  settings.receive_count_max = 1;
  settings.dead_letter_queue = queue_;
  const QueueId source = loop_.create_queue(settings);
  loop_.send(source, {"old"});
  loop_.advance(seconds(10));
  loop_.send(queue_, {"new"});
  EXPECT_EQ(loop_.poll_bodies(source, 1, seconds(1)), std::vector<std::string>{"old"});
  loop_.advance(seconds(1));
  loop_.poll(source);
  Timestamp oldest;
  for (const QueueActivity& told : loop_.shard().take_activity()) {
    if (told.queue == queue_) oldest = told.gauges.oldest_sent_at;
  }
  EXPECT_EQ(oldest, kStart);
}

TEST_F(ActivityTest, RemembersTheOldestWhenItsBlockHasLeftMemory) {
  LoopHarness tiny{clock_, {.memory_bytes = 1}};
  const QueueId queue = tiny.create_queue();
  tiny.send(queue, {"a"});
  tiny.restart();  // which looks for what is too old
  tiny.advance(seconds(60));
  tiny.send(queue, {"b"});
  for (const QueueActivity& told : tiny.shard().take_activity()) {
    EXPECT_EQ(told.gauges.visible, 2U);
    EXPECT_EQ(told.gauges.oldest_sent_at, kStart);
  }
}

// --- fair queues ---

TEST_F(ActivityTest, CountsNoisyGroupsAndTheMessagesOfTheOthers) {
  const auto send = [this](const std::string& group, unsigned count) {
    loop_.submit([&](Shard& shard, Timestamp now) {
      NewMessage message;
      message.body = "x";
      message.group_id = group;
      const std::vector<NewMessage> messages(count, message);
      ASSERT_TRUE(shard.send(queue_, messages, now));
    });
    loop_.settle();
  };
  send("noisy", 100);
  send("quiet", 3);
  EXPECT_EQ(news().gauges.quiet_visible, 103U);
  for (int i = 0; i < 4; ++i) loop_.poll(queue_, 10, seconds(600));
  const QueueGauges gauges = news().gauges;
  EXPECT_EQ(gauges.noisy_groups, 1U);
  EXPECT_LE(gauges.quiet_visible, 3U);
  EXPECT_GT(gauges.visible, 50U);
}

}  // namespace
}  // namespace millrace
