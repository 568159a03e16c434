#include "queue/message_groups.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr GroupKey kA{1};
constexpr GroupKey kB{2};
constexpr SequenceNumber seq(std::uint64_t number) {
  return SequenceNumber{number};
}

TEST(MessageGroups, ServesGroupsByTheirOldestMessage) {
  MessageGroups groups;
  groups.add(kB, seq(1), false);
  groups.add(kA, seq(2), false);
  groups.add(kB, seq(3), false);
  const auto first = groups.first();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->group, kB);
  const auto second = groups.after(*first);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->group, kA);
  EXPECT_FALSE(groups.after(*second));
  EXPECT_EQ(groups.available_members(), 3u);
}

TEST(MessageGroups, LocksWhatFollowsAHiddenMessage) {
  MessageGroups groups;
  for (std::uint64_t number = 1; number <= 3; ++number) groups.add(kA, seq(number), false);
  groups.hide(kA, seq(1));
  EXPECT_FALSE(groups.first());
  EXPECT_EQ(groups.available_members(), 0u);
  groups.hide(kA, seq(2));
  groups.show(kA, seq(1));
  EXPECT_TRUE(groups.available(kA));
  EXPECT_EQ(groups.next_available(kA, seq(0)), seq(1));
  EXPECT_FALSE(groups.next_available(kA, seq(2)));  // the second is hidden
  groups.remove(kA, seq(1));
  EXPECT_FALSE(groups.available(kA));
  groups.remove(kA, seq(2));
  EXPECT_EQ(groups.next_available(kA, seq(0)), seq(3));
}

TEST(MessageGroups, ForgetsAGroupWithItsLastMessage) {
  MessageGroups groups;
  groups.add(kA, seq(1), true);
  EXPECT_EQ(groups.count(), 1u);
  groups.remove(kA, seq(1));
  EXPECT_EQ(groups.count(), 0u);
  EXPECT_FALSE(groups.first());
}

TEST(MessageGroups, TakesAGroupWithNothingButFiledMessagesForAvailable) {
  MessageGroups groups;
  groups.add(kA, seq(64), false);
  EXPECT_TRUE(groups.is_last(kA, seq(64)));
  groups.remove(kA, seq(64));
  groups.file(kA, 1);
  groups.file(kA, 5);
  ASSERT_TRUE(groups.first());
  EXPECT_EQ(groups.first()->first, seq(64));
  EXPECT_FALSE(groups.has_members(kA));
  EXPECT_FALSE(groups.next_available(kA, seq(0)));

  groups.loading(kA);
  EXPECT_FALSE(groups.available(kA));
  groups.loaded(kA, 3);  // all that lies before block 3
  ASSERT_TRUE(groups.filed(kA));
  EXPECT_EQ(groups.filed(kA)->first, 3u);
  EXPECT_EQ(groups.filed(kA)->last, 5u);
  EXPECT_TRUE(groups.available(kA));
  groups.loading(kA);
  groups.add(kA, seq(320), true);
  groups.loaded(kA, 6);
  EXPECT_FALSE(groups.filed(kA));
  EXPECT_FALSE(groups.available(kA));
}

TEST(MessageGroups, PutsWhatIsFiledBehindTheMembers) {
  MessageGroups groups;
  groups.file(kA, 1);
  groups.add(kB, seq(65), false);
  EXPECT_EQ(groups.first()->group, kA);
  groups.loading(kA);
  EXPECT_EQ(groups.first()->group, kB);
  groups.not_loaded(kA);
  EXPECT_EQ(groups.first()->group, kA);
}

TEST(MessageGroups, IsChargedForWhatItHolds) {
  MessageGroups groups;
  const std::size_t empty = groups.bytes();
  for (std::uint64_t number = 1; number <= 100; ++number) groups.add(kA, seq(number), false);
  EXPECT_GT(groups.bytes(), empty + 100 * sizeof(MessageGroups::Member));
  groups.clear();
  EXPECT_EQ(groups.bytes(), empty);
}

}  // namespace
}  // namespace millrace
