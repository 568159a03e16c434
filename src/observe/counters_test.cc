#include "observe/counters.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Durations, BucketsHoldWhatIsNotLongerThanTheirBound) {
  EXPECT_EQ(Durations::bucket_of(0), 0U);
  for (std::size_t bucket = 0; bucket < Durations::kBuckets - 1; ++bucket) {
    const std::uint64_t bound = Durations::bound_of(bucket);
    EXPECT_EQ(Durations::bucket_of(bound), bucket) << bound;
    EXPECT_EQ(Durations::bucket_of(bound + 1), bucket + 1) << bound;
  }
  EXPECT_EQ(Durations::bucket_of(UINT64_MAX), Durations::kBuckets - 1);
}

TEST(Durations, BoundsReachHalfAMinute) {
  EXPECT_EQ(Durations::bound_of(0), 64U);
  EXPECT_EQ(Durations::bound_of(1), 96U);
  EXPECT_EQ(Durations::bound_of(2), 128U);
  EXPECT_EQ(Durations::bound_of(Durations::kBuckets - 2), 33'554'432U);
}

TEST(DurationHistogram, CountsAndAddsUp) {
  DurationHistogram histogram;
  histogram.observe(10);
  histogram.observe(100);
  histogram.observe(-5);
  const Durations values = histogram.values();
  EXPECT_EQ(values.count(), 3U);
  EXPECT_EQ(values.counts[0], 2U);
  EXPECT_EQ(values.sum_microseconds, 110U);
}

TEST(Durations, QuantilesLieBetweenTheBoundsOfTheirBucket) {
  Durations durations;
  EXPECT_FALSE(durations.quantile_milliseconds(0.5));
  durations.counts[Durations::bucket_of(100)] = 50;     // up to 128 microseconds
  durations.counts[Durations::bucket_of(10'000)] = 50;  // up to 12,288
  EXPECT_DOUBLE_EQ(*durations.quantile_milliseconds(0.25), 0.112);
  EXPECT_DOUBLE_EQ(*durations.quantile_milliseconds(0.5), 0.128);
  EXPECT_DOUBLE_EQ(*durations.quantile_milliseconds(1), 12.288);
}

TEST(Durations, WhatIsTooLongCountsAsTheLongestThatIsTold) {
  Durations durations;
  durations.counts[Durations::kBuckets - 1] = 1;
  EXPECT_DOUBLE_EQ(*durations.quantile_milliseconds(0.99), 33'554.432);
}

TEST(Durations, TellWhatHasComeSince) {
  DurationHistogram histogram;
  histogram.observe(70);
  const Durations earlier = histogram.values();
  histogram.observe(80);
  histogram.observe(3'000'000);
  const Durations news = histogram.values().since(earlier);
  EXPECT_EQ(news.count(), 2U);
  EXPECT_EQ(news.sum_microseconds, 3'000'080U);
  Durations both = earlier;
  both += news;
  EXPECT_EQ(both.counts, histogram.values().counts);
}

TEST(Gauge, GoesUpAndDown) {
  Gauge gauge;
  gauge.increment();
  gauge.increment();
  gauge.decrement();
  EXPECT_EQ(gauge.value(), 1U);
}

}  // namespace
}  // namespace millrace
