// The load generator's time: nanoseconds of the monotonic clock. Any thread.
#pragma once

#include <cstdint>
#include <ctime>

namespace millrace::bench {

/// A moment of the monotonic clock, or a length of time, in nanoseconds.
using Nanoseconds = std::int64_t;

inline constexpr Nanoseconds kMicrosecond = 1000;
inline constexpr Nanoseconds kMillisecond = 1000 * kMicrosecond;
inline constexpr Nanoseconds kSecond = 1000 * kMillisecond;

/// Now.
inline Nanoseconds monotonic_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

/// A length given in (fractions of) seconds.
inline Nanoseconds from_seconds(double count) {
  return static_cast<Nanoseconds>(count * static_cast<double>(kSecond));
}

/// A length in seconds.
inline double to_seconds(Nanoseconds length) {
  return static_cast<double>(length) / static_cast<double>(kSecond);
}

}  // namespace millrace::bench
