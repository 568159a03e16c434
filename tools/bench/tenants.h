// Tenants: which tenant of a fair queue each message is of.
//
// In every round of messages the noisy tenant has `noisy` of them, and each of the quiet ones has
// one, spread evenly over the round.
#pragma once

#include <cstdint>

#include "bench/ledger.h"

namespace millrace::bench {

struct Tenants {
  std::uint64_t quiet = 0;
  std::uint64_t noisy = 0;

  bool any() const { return quiet + noisy > 0; }
  /// The tenant of the message `number`: 0 is the noisy one. There must be some.
  std::uint64_t of(std::uint64_t number) const {
    const std::uint64_t all = quiet + noisy;
    const std::uint64_t place = (number & kPlaceMask) % all * quiet;
    return place % all < quiet ? 1 + place / all : 0;
  }
};

}  // namespace millrace::bench
