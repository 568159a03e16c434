#include "base/clock.h"

#include <algorithm>
#include <ctime>

namespace millrace {

namespace {

std::int64_t nanoseconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Timestamp wall_clock() {
  return Timestamp{nanoseconds(CLOCK_REALTIME) / 1'000'000};
}

}  // namespace

SystemClock::SystemClock(Timestamp not_before)
    : wall_at_start_(std::max(wall_clock(), not_before)),
      monotonic_at_start_(nanoseconds(CLOCK_BOOTTIME)) {}

Stopwatch::Stopwatch() : started_(nanoseconds(CLOCK_MONOTONIC)) {}

std::int64_t Stopwatch::microseconds() const {
  return (nanoseconds(CLOCK_MONOTONIC) - started_) / 1000;
}

Timestamp SystemClock::now() const {
  return wall_at_start_ + (nanoseconds(CLOCK_BOOTTIME) - monotonic_at_start_) / 1'000'000;
}

}  // namespace millrace
