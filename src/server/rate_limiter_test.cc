#include "server/rate_limiter.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr std::size_t kMany = 1000;

/// How many of `asked` requests pass at one moment.
int passed(RateLimiter& limiter, std::string_view name, Timestamp now, int asked) {
  int count = 0;
  for (int i = 0; i < asked; ++i) count += limiter.take(name, now) ? 1 : 0;
  return count;
}

TEST(RateLimiter, ABurstAndThenTheRate) {
  RateLimiter limiter({.per_second = 10, .burst_seconds = 3}, kMany);
  Timestamp now{1'700'000'000'000};
  EXPECT_EQ(passed(limiter, "a", now, 100), 30);
  EXPECT_EQ(passed(limiter, "a", now + 99, 100), 0);
  EXPECT_EQ(passed(limiter, "a", now + 100, 100), 1);
  EXPECT_EQ(passed(limiter, "a", now + 1100, 100), 10);
  EXPECT_EQ(passed(limiter, "a", now + seconds(86'400), 100), 30) << "no more than the burst";
}

TEST(RateLimiter, EachHasItsOwn) {
  RateLimiter limiter({.per_second = 1, .burst_seconds = 1}, kMany);
  const Timestamp now{0};
  EXPECT_TRUE(limiter.take("a", now));
  EXPECT_FALSE(limiter.take("a", now));
  EXPECT_TRUE(limiter.take("b", now));
  EXPECT_TRUE(limiter.take("", now));
  EXPECT_FALSE(limiter.take("", now));
}

TEST(RateLimiter, OverTimeTheRateIsExact) {
  RateLimiter limiter({.per_second = 7, .burst_seconds = 1}, kMany);
  int count = 0;
  for (std::int64_t at = 0; at <= seconds(100); at += 13) {
    count += passed(limiter, "a", Timestamp{at}, 3);
  }
  EXPECT_NEAR(count, 7 + 700, 1);
}

TEST(RateLimiter, TheLargestLimitsDoNotOverflow) {
  RateLimiter limiter({.per_second = 1'000'000, .burst_seconds = 3600}, kMany);
  EXPECT_TRUE(limiter.take("a", Timestamp{0}));
  EXPECT_TRUE(limiter.take("a", Timestamp{INT64_MAX / 2}));
  EXPECT_TRUE(limiter.take("a", Timestamp{0})) << "a clock that goes back takes nothing away";
}

TEST(RateLimiter, ForgetsTheOneUsedLongestAgo) {
  RateLimiter limiter({.per_second = 1, .burst_seconds = 1}, 2);
  const Timestamp now{0};
  EXPECT_TRUE(limiter.take("a", now));
  EXPECT_TRUE(limiter.take("b", now));
  EXPECT_FALSE(limiter.take("a", now));
  EXPECT_TRUE(limiter.take("c", now));  // in the place of b
  EXPECT_FALSE(limiter.take("a", now));
  EXPECT_TRUE(limiter.take("b", now));  // in the place of c
  EXPECT_FALSE(limiter.take("a", now));
  EXPECT_TRUE(limiter.take("c", now));
}

}  // namespace
}  // namespace millrace
