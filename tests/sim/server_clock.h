// ServerClock: what the clock of the simulated server shows at a moment of simulated time.
//
// A running server counts time by itself; the wall clock counts only when a process starts. So the
// clock goes on evenly but for steps between two processes. A step forward is one of the wall
// clock; a step backward ends at the last time that a store remembers, which is why the server may
// see a moment again that it has seen before.
//
// Single-threaded.
#pragma once

#include <vector>

#include "base/clock.h"

namespace millrace::sim {

class ServerClock {
 public:
  /// From the moment `from` on, which is later than those of all steps before, the clock is `ahead`
  /// of simulated time (or behind it).
  void step(Timestamp from, Milliseconds ahead);

  /// What it shows at `moment`.
  Timestamp at(Timestamp moment) const;
  /// The latest time that it has shown up to then.
  Timestamp latest(Timestamp moment) const;
  /// How much time it has shown more than once by then, at the most.
  Milliseconds repeated(Timestamp moment) const;

 private:
  struct Step {
    Timestamp from;
    Milliseconds ahead;
    Timestamp latest_before;  // that was shown before it
    Milliseconds repeated = 0;
  };
  std::vector<Step> steps_;
};

}  // namespace millrace::sim
