// TimerHeap<Key>: "the next time that something must happen", as a heap of moments and keys.
//
// A timer is not removed when it is not wanted any more: whoever is woken looks whether there is
// still something to do. An owner that sets timers again and again erases the stale ones when they
// prevail.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "base/clock.h"

namespace millrace {

template <class Key>
class TimerHeap {
 public:
  struct Timer {
    Timestamp at;
    Key key;
    friend auto operator<=>(const Timer& a, const Timer& b) { return a.at <=> b.at; }
  };

  void set(Timestamp at, Key key) {
    timers_.push_back({at, key});
    std::push_heap(timers_.begin(), timers_.end(), std::greater<>{});
  }

  /// The moment of the earliest timer, or kNever.
  Timestamp next() const { return timers_.empty() ? kNever : timers_.front().at; }

  /// Takes the earliest timer that is not later than `now`; false if there is none.
  bool pop_due(Timestamp now, Timer& due) {
    if (timers_.empty() || timers_.front().at > now) return false;
    std::pop_heap(timers_.begin(), timers_.end(), std::greater<>{});
    due = timers_.back();
    timers_.pop_back();
    return true;
  }

  /// Removes every timer for which `stale(const Timer&)` holds.
  template <class Stale>
  void erase_if(Stale stale) {
    std::erase_if(timers_, stale);
    std::make_heap(timers_.begin(), timers_.end(), std::greater<>{});
  }

  std::size_t size() const { return timers_.size(); }
  void clear() { std::vector<Timer>().swap(timers_); }

 private:
  std::vector<Timer> timers_;
};

}  // namespace millrace
