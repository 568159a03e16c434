#include "bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace millrace::bench {
namespace {

constexpr unsigned kPartBits = 7;
constexpr std::uint64_t kParts = 1U << kPartBits;
constexpr unsigned kShiftMax = 63 - (kPartBits + 1);
constexpr std::size_t kBuckets = kShiftMax * kParts + 2 * kParts;

// Values below 2 * kParts have a bucket each (shift 0). Above, the leading kPartBits + 1 bits
// choose the bucket and `shift` bits are forgotten.
std::size_t bucket_of(std::uint64_t value) {
  const unsigned width = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = width > kPartBits + 1 ? width - (kPartBits + 1) : 0;
  return static_cast<std::size_t>(shift * kParts + (value >> shift));
}

// The largest value that falls into the bucket.
std::uint64_t upper_edge(std::size_t bucket) {
  if (bucket < 2 * kParts) {
    return bucket;
  }
  const std::uint64_t shift = bucket / kParts - 1;
  const std::uint64_t leading = bucket - shift * kParts;
  return ((leading + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::record(Nanoseconds value) {
  value = std::max<Nanoseconds>(value, 0);
  ++buckets_[bucket_of(static_cast<std::uint64_t>(value))];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    buckets_[i] += other.buckets_[i];
  }
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

Nanoseconds Histogram::percentile(double share) const {
  const double exact_rank = std::ceil(share * static_cast<double>(count_));
  const std::uint64_t rank = std::max<std::uint64_t>(static_cast<std::uint64_t>(exact_rank), 1);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) {
      return std::min(static_cast<Nanoseconds>(upper_edge(i)), max_);
    }
  }
  return max_;
}

}  // namespace millrace::bench
