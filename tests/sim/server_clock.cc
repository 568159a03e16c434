#include "sim/server_clock.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace millrace::sim {

void ServerClock::step(Timestamp from, Milliseconds ahead) {
  CHECK(steps_.empty() || steps_.back().from < from);
  const Milliseconds back = std::max<Milliseconds>(at(from) - (from + ahead), 0);
  steps_.push_back({from, ahead, latest(from - 1), repeated(from) + back});
}

Timestamp ServerClock::at(Timestamp moment) const {
  const auto next = std::ranges::upper_bound(steps_, moment, {}, &Step::from);
  return next == steps_.begin() ? moment : moment + std::prev(next)->ahead;
}

Timestamp ServerClock::latest(Timestamp moment) const {
  const auto next = std::ranges::upper_bound(steps_, moment, {}, &Step::from);
  if (next == steps_.begin()) return moment;
  return std::max(moment + std::prev(next)->ahead, std::prev(next)->latest_before);
}

Milliseconds ServerClock::repeated(Timestamp moment) const {
  const auto next = std::ranges::upper_bound(steps_, moment, {}, &Step::from);
  return next == steps_.begin() ? 0 : std::prev(next)->repeated;
}

}  // namespace millrace::sim
