// Fair queues: standard queues whose messages have a MessageGroupId, over the real loop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/limits.h"
#include "support/loop_harness.h"

namespace millrace {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class FairQueueTest : public testing::Test {
 protected:
  // Sends `count` messages of a group in one call, each with the group's name as its body.
  void send(const std::string& group, unsigned count = 1, Milliseconds delay = 0) {
    send_bodies(group, std::vector<std::string>(count, group), delay);
  }

  void send_bodies(const std::string& group, const std::vector<std::string>& bodies,
                   Milliseconds delay = 0) {
    const auto call = loop->submit([&](Shard& shard, Timestamp now) {
      std::vector<NewMessage> messages(bodies.size());
      for (std::size_t i = 0; i < bodies.size(); ++i) {
        messages[i].body = bodies[i];
        messages[i].group_id = group;
        messages[i].delay = delay;
      }
      ASSERT_TRUE(shard.send(queue, messages, now));
    });
    loop->settle();
    ASSERT_TRUE(call->succeeded);
  }

  // Receives until `count` messages have come, or nothing comes. @return how many of each body.
  std::map<std::string, unsigned> take(unsigned count, Milliseconds visibility = seconds(600)) {
    std::map<std::string, unsigned> bodies;
    for (unsigned taken = 0; taken < count;) {
      const std::vector<std::string> some =
          loop->poll_bodies(queue, std::min(10U, count - taken), visibility);
      if (some.empty()) break;
      taken += static_cast<unsigned>(some.size());
      for (const std::string& body : some) ++bodies[body];
    }
    return bodies;
  }

  QuietCounts quiet_counts() {
    std::optional<QuietCounts> counts;
    loop->submit(
        [&](Shard& shard, Timestamp now) { counts = shard.quiet_counts(queue, now).value(); });
    loop->settle();
    return counts.value();
  }

  void open(std::size_t memory_bytes) {
    loop.emplace(clock, LoopHarness::Options{.memory_bytes = memory_bytes});
    queue = loop->create_queue();
  }

  ManualClock clock{Timestamp{1'700'000'000'000}};
  std::optional<LoopHarness> loop{std::in_place, clock};
  QueueId queue = loop->create_queue();
};

TEST_F(FairQueueTest, QuietMessagesOvertakeANoisyGroup) {
  send("noisy", 100);
  take(30);
  send("quiet", 2);
  send("", 1);
  EXPECT_THAT(loop->poll_bodies(queue, 4), ElementsAre("quiet", "quiet", "", "noisy"));
}

TEST_F(FairQueueTest, AGroupWithFewInFlightIsNotOvertaken) {
  send("busy", 100);
  take(29);
  send("quiet");
  EXPECT_THAT(loop->poll_bodies(queue, 1), ElementsAre("busy"));
}

TEST_F(FairQueueTest, ATenthOfWhatIsInFlightIsNotNoisy) {
  for (unsigned i = 0; i < 300; ++i) send("other-" + std::to_string(i));
  take(300);
  send("busy", 100);
  take(33);  // of 333
  send("quiet");
  EXPECT_THAT(loop->poll_bodies(queue, 1), ElementsAre("busy"));  // 34 of 334
  EXPECT_THAT(loop->poll_bodies(queue, 1), ElementsAre("quiet"));
}

TEST_F(FairQueueTest, OfNoisyGroupsTheOneWithFewestInFlightGoesFirst) {
  send("one", 100);
  take(50);
  send("two", 100);
  // "two" is quiet until it has 30 of them, too.
  EXPECT_THAT(take(30), ElementsAre(std::pair("two", 30)));
  EXPECT_THAT(take(20), ElementsAre(std::pair("two", 20)));
  const auto both = take(40);
  EXPECT_EQ(both.at("one"), 20U);
  EXPECT_EQ(both.at("two"), 20U);
}

TEST_F(FairQueueTest, AnEmptiedBacklogEndsTheNoise) {
  send("noisy", 40);
  std::vector<Delivery> taken;
  while (taken.size() < 40) {
    for (Delivery& delivery : loop->poll(queue)) taken.push_back(std::move(delivery));
  }
  loop->poll(queue);
  EXPECT_EQ(quiet_counts().noisy_groups, 1U);
  std::vector<std::string> handles;
  for (const Delivery& delivery : taken) handles.push_back(delivery.receipt_handle);
  loop->erase(queue, handles);
  loop->poll(queue);
  EXPECT_EQ(quiet_counts().noisy_groups, 0U);
}

TEST_F(FairQueueTest, SilenceEndsTheNoise) {
  send("noisy", 100);
  take(60, seconds(43'200));
  loop->advance(seconds(301));
  send("quiet");
  EXPECT_THAT(loop->poll_bodies(queue, 1), ElementsAre("noisy"));
}

TEST_F(FairQueueTest, AMessageThatStaysVisibleIsGivenOnceInAReceive) {
  send("noisy", 40);
  take(35);
  EXPECT_THAT(loop->poll_bodies(queue, 10, 0), SizeIs(5));
  EXPECT_THAT(loop->poll_bodies(queue, 10, 0), SizeIs(5));
}

TEST_F(FairQueueTest, WhatComesBackIsReceivedAgain) {
  send("noisy", 100);
  take(60, seconds(30));
  loop->advance(seconds(30));
  EXPECT_THAT(take(200), ElementsAre(std::pair("noisy", 100)));
}

TEST_F(FairQueueTest, CountsWhatIsQuiet) {
  send("noisy", 100);
  take(40);
  send("noisy", 7, seconds(60));
  send("quiet", 3);
  send("quiet", 2, seconds(60));
  EXPECT_EQ(loop->poll_bodies(queue, 1), std::vector<std::string>{"quiet"});
  const Timestamp sent_at = clock.now();
  const QuietCounts counts = quiet_counts();
  EXPECT_EQ(counts.noisy_groups, 1U);
  EXPECT_EQ(counts.messages.visible, 2U);
  EXPECT_EQ(counts.messages.in_flight, 1U);
  EXPECT_EQ(counts.messages.delayed, 2U);
  EXPECT_EQ(counts.oldest_sent_at, sent_at);
}

// --- a backlog that memory does not hold ---

class FairBacklogTest : public FairQueueTest, public testing::WithParamInterface<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Memory, FairBacklogTest, testing::Values(1, 64 << 10, 8 << 20));

TEST_P(FairBacklogTest, QuietMessagesAreFoundBehindANoisyBacklog) {
  open(GetParam());
  const std::vector<std::string> some(100, std::string(1'000, 'n'));
  for (unsigned i = 0; i < 300; ++i) send_bodies("noisy", some);
  send("quiet", 3);
  for (unsigned i = 0; i < 10; ++i) send_bodies("noisy", some);
  send("late", 3);
  take(30);
  auto next = take(20);
  EXPECT_EQ(next["quiet"], 3U);
  EXPECT_EQ(next["late"], 3U);
  EXPECT_EQ(quiet_counts().messages.visible, 0U);
  // One that is sent now is there at once.
  send("new");
  EXPECT_THAT(take(1), ElementsAre(std::pair("new", 1)));
}

TEST_P(FairBacklogTest, NothingIsLostOrGivenTwice) {
  open(GetParam());
  std::map<std::string, unsigned> sent;
  for (unsigned i = 0; i < 200; ++i) {
    std::vector<std::string> bodies;
    for (unsigned k = 0; k < 10; ++k) {
      bodies.push_back(std::to_string(10 * i + k) + std::string(1'000, '.'));
      ++sent[bodies.back()];
    }
    send_bodies(i % 5 == 4 ? "quiet-" + std::to_string(i) : "noisy", bodies);
  }
  EXPECT_EQ(take(3'000), sent);
  EXPECT_EQ(loop->counts(queue).in_flight, 2'000U);
  EXPECT_EQ(quiet_counts().messages.in_flight, 400U);
}

TEST_P(FairBacklogTest, AllIsServedWhenTheNoiseEnds) {
  open(GetParam());
  const std::vector<std::string> some(100, std::string(1'000, 'n'));
  for (unsigned i = 0; i < 50; ++i) send_bodies("noisy", some);
  take(60, seconds(43'200));
  send("quiet", 40);
  EXPECT_EQ(take(5)["quiet"], 5U);
  loop->advance(seconds(301));
  auto rest = take(5'000);
  EXPECT_EQ(rest[std::string(1'000, 'n')], 4'940U);
  EXPECT_EQ(rest["quiet"], 35U);
}

TEST_P(FairBacklogTest, ARestartFindsWhatIsInFlight) {
  open(GetParam());
  const std::vector<std::string> some(100, std::string(1'000, 'n'));
  for (unsigned i = 0; i < 20; ++i) send_bodies("noisy", some);
  take(60, seconds(43'200));
  loop->restart();
  send("quiet", 4);
  EXPECT_THAT(take(4), ElementsAre(std::pair("quiet", 4)));
}

TEST_P(FairBacklogTest, APurgeForgetsTheNoise) {
  open(GetParam());
  const std::vector<std::string> some(100, std::string(1'000, 'n'));
  for (unsigned i = 0; i < 20; ++i) send_bodies("noisy", some);
  take(60);
  loop->purge(queue);
  EXPECT_EQ(quiet_counts().noisy_groups, 0U);
  send("noisy");
  send("quiet");
  EXPECT_THAT(loop->poll_bodies(queue, 1), ElementsAre("noisy"));
}

}  // namespace
}  // namespace millrace
