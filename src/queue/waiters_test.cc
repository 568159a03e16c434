#include "queue/waiters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr QueueId kQueue{1};
constexpr QueueId kOther{2};

Waiter long_poll(std::uint64_t id, Timestamp deadline, QueueId queue = kQueue) {
  return {WaiterId{id}, {queue, 1, 0, 1000}, deadline};
}
Waiter short_poll(std::uint64_t id, QueueId queue = kQueue) {
  return {WaiterId{id}, {queue, 1, 0, 0}, Timestamp{0}};
}

TEST(Waiters, ServesEachQueueInTurn) {
  Waiters waiters;
  waiters.add(long_poll(1, Timestamp{10}));
  waiters.add(long_poll(2, Timestamp{5}, kOther));
  waiters.add(long_poll(3, Timestamp{5}));
  EXPECT_EQ(waiters.first(kQueue)->id, WaiterId{1});
  EXPECT_EQ(waiters.first(kOther)->id, WaiterId{2});
  EXPECT_TRUE(waiters.remove(WaiterId{1}));
  EXPECT_FALSE(waiters.remove(WaiterId{1}));
  EXPECT_EQ(waiters.first(kQueue)->id, WaiterId{3});
  EXPECT_EQ(waiters.count(kQueue), 1u);
  EXPECT_EQ(waiters.count(), 2u);
  EXPECT_EQ(waiters.first(QueueId{3}), nullptr);
}

TEST(Waiters, EndsLongPollsByTimeAndShortOnesNot) {
  Waiters waiters;
  waiters.add(short_poll(1));
  waiters.add(long_poll(2, Timestamp{20}));
  waiters.add(long_poll(3, Timestamp{10}));
  EXPECT_EQ(waiters.next_deadline(), Timestamp{10});
  EXPECT_FALSE(waiters.pop_expired(Timestamp{9}));
  EXPECT_EQ(waiters.pop_expired(Timestamp{20})->id, WaiterId{3});
  EXPECT_EQ(waiters.pop_expired(Timestamp{20})->id, WaiterId{2});
  EXPECT_FALSE(waiters.pop_expired(Timestamp{20}));
  EXPECT_EQ(waiters.first(kQueue)->id, WaiterId{1});
}

TEST(Waiters, TakesTheShortPollsOfOneQueue) {
  Waiters waiters;
  waiters.add(short_poll(1));
  waiters.add(long_poll(2, Timestamp{20}));
  waiters.add(short_poll(3));
  waiters.add(short_poll(4, kOther));
  waiters.remove(WaiterId{1});
  const std::vector<Waiter> taken = waiters.remove_short_polls(kQueue);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].id, WaiterId{3});
  EXPECT_EQ(waiters.count(kQueue), 1u);
  EXPECT_EQ(waiters.count(kOther), 1u);
  EXPECT_TRUE(waiters.remove_short_polls(kQueue).empty());
}

TEST(Waiters, TakesAllOfAQueueInTurn) {
  Waiters waiters;
  waiters.add(short_poll(1));
  waiters.add(long_poll(2, Timestamp{20}));
  waiters.add(long_poll(3, Timestamp{20}, kOther));
  const std::vector<Waiter> taken = waiters.remove_all(kQueue);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].id, WaiterId{1});
  EXPECT_EQ(taken[1].id, WaiterId{2});
  EXPECT_EQ(waiters.count(), 1u);
  EXPECT_EQ(waiters.pop_expired(Timestamp{20})->id, WaiterId{3});
}

TEST(Waiters, KeepsTheOrderThroughManyThatHangUp) {
  Waiters waiters;
  waiters.add(long_poll(1, Timestamp{5000}));
  for (std::uint64_t id = 2; id < 3000; ++id) {
    waiters.add(id % 2 == 0 ? short_poll(id) : long_poll(id, Timestamp{1}));
    waiters.remove(WaiterId{id});
  }
  waiters.add(long_poll(4000, Timestamp{6000}));
  EXPECT_EQ(waiters.count(kQueue), 2u);
  EXPECT_EQ(waiters.first(kQueue)->id, WaiterId{1});
  EXPECT_EQ(waiters.pop_expired(Timestamp{6000})->id, WaiterId{1});
  EXPECT_EQ(waiters.pop_expired(Timestamp{6000})->id, WaiterId{4000});
}

}  // namespace
}  // namespace millrace
