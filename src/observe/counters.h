// Counter, Gauge, DurationHistogram: numbers that one thread writes and any thread reads.
//
// Writing is a plain load, an addition and a plain store: no lock, no allocation, no locked
// instruction. Whoever reads sees each number as it was a moment ago; several of them need not
// belong to the same moment.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace millrace {

class Counter {
 public:
  /// The writing thread only.
  void add(std::uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  /// The writing thread only.
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  void increment() { set(value() + 1); }
  void decrement() { set(value() - 1); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What a DurationHistogram holds, as a value. Buckets begin at 64 microseconds and have two to an
/// octave, up to half a minute; the last takes what is longer.
struct Durations {
  static constexpr std::size_t kBuckets = 40;

  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t sum_microseconds = 0;

  /// The bucket of a duration. @param microseconds at least 0.
  static constexpr std::size_t bucket_of(std::uint64_t microseconds) {
    if (microseconds <= kFirstBound) return 0;
    const std::uint64_t inside = microseconds - 1;  // a bound belongs to the bucket below it
    const auto width = static_cast<unsigned>(std::bit_width(inside));
    const std::size_t upper_half = (inside >> (width - 2)) & 1;
    const std::size_t bucket = 2 * std::size_t{width - kFirstWidth} + upper_half + 1;
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  /// The longest duration of a bucket but the last, in microseconds.
  static constexpr std::uint64_t bound_of(std::size_t bucket) {
    if (bucket == 0) return kFirstBound;
    const std::uint64_t octave = kFirstBound << ((bucket - 1) / 2);
    return bucket % 2 == 1 ? octave + octave / 2 : 2 * octave;
  }

  std::uint64_t count() const;
  Durations& operator+=(const Durations& more);
  /// What has come since `earlier`, an older state of the same.
  Durations since(const Durations& earlier) const;
  /// The duration that the share `quantile` (0 to 1) of all does not exceed, in milliseconds,
  /// between the bounds of its bucket in proportion. @return nothing if there are none.
  std::optional<double> quantile_milliseconds(double quantile) const;

 private:
  static constexpr std::uint64_t kFirstBound = 64;
  static constexpr unsigned kFirstWidth = 7;  // of the least number above it, less one
};

class DurationHistogram {
 public:
  /// The writing thread only. @param microseconds a negative one counts as none.
  void observe(std::int64_t microseconds) {
    const auto length = static_cast<std::uint64_t>(microseconds > 0 ? microseconds : 0);
    counts_[Durations::bucket_of(length)].add();
    sum_.add(length);
  }
  Durations values() const;

 private:
  std::array<Counter, Durations::kBuckets> counts_;
  Counter sum_;
};

}  // namespace millrace
