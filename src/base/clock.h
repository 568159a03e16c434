// Time as Millrace knows it: whole milliseconds.
//
// The clock is read only in runtime/ and server/; everything below is given `now`. So a test moves
// time by a number and never sleeps.
#pragma once

#include <compare>
#include <cstdint>

namespace millrace {

/// A length of time in milliseconds.
using Milliseconds = std::int64_t;

constexpr Milliseconds seconds(std::int64_t count) {
  return count * 1000;
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
struct Timestamp {
  std::int64_t milliseconds = 0;

  friend constexpr auto operator<=>(const Timestamp&, const Timestamp&) = default;
  friend constexpr Timestamp operator+(Timestamp moment, Milliseconds length) {
    return Timestamp{moment.milliseconds + length};
  }
  friend constexpr Timestamp operator-(Timestamp moment, Milliseconds length) {
    return Timestamp{moment.milliseconds - length};
  }
  friend constexpr Milliseconds operator-(Timestamp later, Timestamp earlier) {
    return later.milliseconds - earlier.milliseconds;
  }
};

/// Later than every moment that a queue can name.
inline constexpr Timestamp kNever{INT64_MAX};

/// Where `now` comes from. now() never goes backwards. Any thread may call it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
};

/// The system's clock: the wall clock at construction (or `not_before`, if that is later) plus
/// monotonic time since. The wall clock is not looked at again, so setting it changes nothing
/// before the next start.
class SystemClock final : public Clock {
 public:
  /// @param not_before the last time that a store remembers; now() never returns less.
  explicit SystemClock(Timestamp not_before = {});
  Timestamp now() const override;

 private:
  Timestamp wall_at_start_;
  std::int64_t monotonic_at_start_;  // nanoseconds of CLOCK_BOOTTIME
};

/// How long something takes, on the system's clock. For logs only: nothing may be decided by it.
class Stopwatch {
 public:
  /// Starts.
  Stopwatch();
  /// Microseconds since the start.
  std::int64_t microseconds() const;

 private:
  std::int64_t started_;  // nanoseconds
};

/// A clock that stands still until it is told otherwise: tests, and `--test-clock`.
/// One thread may advance it while others read.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : now_(start.milliseconds) {}
  Timestamp now() const override { return Timestamp{__atomic_load_n(&now_, __ATOMIC_RELAXED)}; }
  void advance(Milliseconds by) { __atomic_fetch_add(&now_, by, __ATOMIC_RELAXED); }

 private:
  std::int64_t now_;
};

}  // namespace millrace
