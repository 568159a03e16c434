#include "observe/counters.h"

#include <numeric>

namespace millrace {

std::uint64_t Durations::count() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

Durations& Durations::operator+=(const Durations& more) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts[i] += more.counts[i];
  sum_microseconds += more.sum_microseconds;
  return *this;
}

Durations Durations::since(const Durations& earlier) const {
  Durations news;
  for (std::size_t i = 0; i < kBuckets; ++i) news.counts[i] = counts[i] - earlier.counts[i];
  news.sum_microseconds = sum_microseconds - earlier.sum_microseconds;
  return news;
}

std::optional<double> Durations::quantile_milliseconds(double quantile) const {
  const std::uint64_t all = count();
  if (all == 0) return std::nullopt;
  const double wanted = quantile * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here == 0 || below + here < wanted) {
      below += here;
      continue;
    }
    const auto lower = static_cast<double>(i == 0 ? 0 : bound_of(i - 1));
    if (i == kBuckets - 1) return lower / 1000;  // it has no upper bound
    const auto upper = static_cast<double>(bound_of(i));
    return (lower + (upper - lower) * (wanted - below) / here) / 1000;
  }
  return static_cast<double>(bound_of(kBuckets - 2)) / 1000;
}

Durations DurationHistogram::values() const {
  Durations values;
  for (std::size_t i = 0; i < Durations::kBuckets; ++i) values.counts[i] = counts_[i].value();
  values.sum_microseconds = sum_.value();
  return values;
}

}  // namespace millrace
