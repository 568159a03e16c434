#include "bench/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace millrace::bench {
namespace {

TEST(Histogram, IsExactForSmallValues) {
  Histogram histogram;
  for (Nanoseconds value = 1; value <= 100; ++value) {
    histogram.record(value);
  }
  EXPECT_EQ(histogram.count(), 100U);
  EXPECT_EQ(histogram.percentile(0.5), 50);
  EXPECT_EQ(histogram.percentile(0.99), 99);
  EXPECT_EQ(histogram.percentile(1), 100);
  EXPECT_EQ(histogram.percentile(0), 1);
  EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, KnowsEveryPercentileToWithinOnePercent) {
  Histogram histogram;
  Random random(7);
  std::vector<Nanoseconds> values;
  for (int i = 0; i < 20'000; ++i) {
    // From nanoseconds to a quarter of an hour, evenly over the orders of magnitude.
    const std::uint64_t bits = 1 + random.below(40);
    const auto value = static_cast<Nanoseconds>(random.below(std::uint64_t{1} << bits));
    values.push_back(value);
    histogram.record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size()))) - 1;
    const auto exact = static_cast<double>(values[rank]);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(share)), exact, exact * 0.008 + 1)
        << share;
  }
}

TEST(Histogram, TakesTheLongestLengthThatThereIs) {
  Histogram histogram;
  histogram.record(INT64_MAX);
  histogram.record(-5);
  EXPECT_EQ(histogram.percentile(1), INT64_MAX);
  EXPECT_EQ(histogram.percentile(0.5), 0);
}

TEST(Histogram, MergeEqualsRecordingAllInOne) {
  Histogram left;
  Histogram right;
  Histogram both;
  for (Nanoseconds value = 0; value < 5000; ++value) {
    (value % 3 == 0 ? left : right).record(value * 977);
    both.record(value * 977);
  }
  left.merge(right);
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.max(), both.max());
  EXPECT_EQ(left.percentile(0.37), both.percentile(0.37));
}

TEST(Histogram, AnEmptyOneIsZero) {
  EXPECT_EQ(Histogram().percentile(0.5), 0);
  EXPECT_EQ(Histogram().mean(), 0);
}

}  // namespace
}  // namespace millrace::bench
