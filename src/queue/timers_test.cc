#include "queue/timers.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(TimerHeap, GivesTimersInOrderOfTime) {
  TimerHeap<int> timers;
  EXPECT_EQ(timers.next(), kNever);
  timers.set(Timestamp{30}, 3);
  timers.set(Timestamp{10}, 1);
  timers.set(Timestamp{20}, 2);
  EXPECT_EQ(timers.next(), Timestamp{10});
  TimerHeap<int>::Timer due;
  ASSERT_TRUE(timers.pop_due(Timestamp{20}, due));
  EXPECT_EQ(due.key, 1);
  EXPECT_EQ(due.at, Timestamp{10});
  ASSERT_TRUE(timers.pop_due(Timestamp{20}, due));
  EXPECT_EQ(due.key, 2);
  EXPECT_FALSE(timers.pop_due(Timestamp{29}, due));
  EXPECT_EQ(timers.size(), 1u);
  timers.clear();
  EXPECT_FALSE(timers.pop_due(kNever, due));
}

TEST(TimerHeap, ErasesWhatIsStaleAndKeepsTheOrder) {
  TimerHeap<int> timers;
  for (int i = 9; i > 0; --i) timers.set(Timestamp{i}, i);
  timers.erase_if([](const TimerHeap<int>::Timer& timer) { return timer.key % 3 != 0; });
  EXPECT_EQ(timers.size(), 3u);
  TimerHeap<int>::Timer due;
  for (const int key : {3, 6, 9}) {
    ASSERT_TRUE(timers.pop_due(kNever, due));
    EXPECT_EQ(due.key, key);
  }
}

TEST(TimerHeap, GivesEachOfSeveralTimersOfOneKey) {
  TimerHeap<int> timers;
  timers.set(Timestamp{10}, 1);
  timers.set(Timestamp{10}, 1);
  TimerHeap<int>::Timer due;
  EXPECT_TRUE(timers.pop_due(Timestamp{10}, due));
  EXPECT_TRUE(timers.pop_due(Timestamp{10}, due));
  EXPECT_FALSE(timers.pop_due(Timestamp{10}, due));
}

}  // namespace
}  // namespace millrace
