// Histogram: how often each length of time was seen, with percentiles.
//
// Buckets are log-linear: each power of two is cut into 128 equal parts, so that any value is known
// to within 0.8 % and the size is fixed (58 KB) however long the run. One owner; merge() joins the
// histograms of several threads.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/stopwatch.h"

namespace millrace::bench {

class Histogram {
 public:
  Histogram();

  /// Adds one value; a negative one counts as zero.
  void record(Nanoseconds value);
  /// Adds all that `other` has seen.
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  /// The largest value seen, exactly; 0 if there was none.
  Nanoseconds max() const { return max_; }
  /// The mean of all values, exactly; 0 if there was none.
  double mean() const;
  /// The smallest value that at least `share` (0 to 1) of all values do not exceed, to within 0.8
  /// %; 0 if there was none.
  Nanoseconds percentile(double share) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  Nanoseconds max_ = 0;
  double sum_ = 0;
};

}  // namespace millrace::bench
