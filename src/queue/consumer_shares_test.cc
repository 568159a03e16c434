#include "queue/consumer_shares.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr GroupKey kOne{1};
constexpr GroupKey kOther{2};
constexpr Timestamp kNow{1'700'000'000'000};

class ConsumerSharesTest : public testing::Test {
 protected:
  void receive(GroupKey group, unsigned count, Timestamp now = kNow) {
    for (unsigned i = 0; i < count; ++i) {
      shares.entered(group, now);
      shares.received(group, now);
    }
  }
  void finish(GroupKey group, unsigned count, Milliseconds each, Timestamp now = kNow) {
    for (unsigned i = 0; i < count; ++i) {
      shares.processed(group, each, now);
      shares.left(group);
    }
  }

  ConsumerShares shares;
};

TEST_F(ConsumerSharesTest, ThirtyInFlightAreNoisyAndTwentyNineAreNot) {
  receive(kOne, 29);
  EXPECT_FALSE(shares.noisy(kOne, 29, kNow));
  receive(kOne, 1);
  EXPECT_TRUE(shares.noisy(kOne, 30, kNow));
}

TEST_F(ConsumerSharesTest, MoreThanATenthOfWhatIsInFlightIsNoisyAndATenthIsNot) {
  receive(kOne, 40);
  EXPECT_FALSE(shares.noisy(kOne, 400, kNow));
  EXPECT_TRUE(shares.noisy(kOne, 399, kNow));
}

TEST_F(ConsumerSharesTest, MoreThanATenthOfTheTimeIsNoisyAndATenthIsNot) {
  receive(kOne, 30);
  finish(kOne, 30, 100);
  receive(kOther, 1);
  finish(kOther, 1, 26'999);
  EXPECT_TRUE(shares.noisy(kOne, 0, kNow));
  shares.processed(GroupKey{}, 1, kNow);
  EXPECT_FALSE(shares.noisy(kOne, 0, kNow));
}

TEST_F(ConsumerSharesTest, TheTimeOfFewMessagesIsNotNoisy) {
  receive(kOne, 29);
  finish(kOne, 29, 60'000);
  EXPECT_FALSE(shares.noisy(kOne, 0, kNow));
}

TEST_F(ConsumerSharesTest, HalfOfTheTimeIsForgottenEachMinute) {
  receive(kOne, 60);
  finish(kOne, 60, 2'000);
  shares.sent(kOne, kNow + seconds(61));
  EXPECT_TRUE(shares.noisy(kOne, 0, kNow + seconds(60)));
  EXPECT_FALSE(shares.noisy(kOne, 0, kNow + seconds(61)));  // fewer than 30 messages count still
}

TEST_F(ConsumerSharesTest, WhoSendsNothingForFiveMinutesIsNotNoisy) {
  receive(kOne, 30);
  EXPECT_TRUE(shares.noisy(kOne, 30, kNow + seconds(300) - 1));
  EXPECT_FALSE(shares.noisy(kOne, 30, kNow + seconds(300)));
  shares.sent(kOne, kNow + seconds(299));
  EXPECT_TRUE(shares.noisy(kOne, 30, kNow + seconds(300)));
}

TEST_F(ConsumerSharesTest, MessagesWithoutAGroupAreNobodys) {
  receive(GroupKey{}, 100);
  EXPECT_FALSE(shares.noisy(GroupKey{}, 100, kNow));
  EXPECT_EQ(shares.bytes(), 0U);
}

TEST_F(ConsumerSharesTest, ForgetsSmallSharesWhenThereAreMany) {
  receive(kOne, 30);
  finish(kOne, 30, 1'000'000);
  const std::size_t one = shares.bytes();
  for (std::uint64_t group = 100; group < 50'100; ++group) {
    receive(GroupKey{group}, 1);
    finish(GroupKey{group}, 1, 1);
  }
  EXPECT_LE(shares.bytes(), 10'001 * one);
  EXPECT_TRUE(shares.noisy(kOne, 0, kNow));
}

}  // namespace
}  // namespace millrace
