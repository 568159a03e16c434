// Random bytes of the system's, for what nobody may guess: keys, sessions. Any thread.
#pragma once

#include <sys/random.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace millrace {

template <std::size_t Size>
std::array<std::uint8_t, Size> random_bytes() {
  static_assert(Size <= 256, "so much comes at once");
  std::array<std::uint8_t, Size> bytes;
  CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return bytes;
}

}  // namespace millrace
