// The one source of randomness: a seeded generator, so that a seed describes a run completely.
//
// Not for keys: those come from the system (crypt/, server/). Not thread-safe: one per owner.
#pragma once

#include <cstdint>

namespace millrace {

/// xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed);

  /// The next 64 bits.
  std::uint64_t next();
  /// Uniform in [0, bound). `bound` must be positive.
  std::uint64_t below(std::uint64_t bound);
  /// True with the probability `numerator` / `denominator`.
  bool chance(std::uint64_t numerator, std::uint64_t denominator);

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return UINT64_MAX; }
  result_type operator()() { return next(); }

 private:
  std::uint64_t state_[4];
};

}  // namespace millrace
