// ConnectionLimit: how many connections the listeners of one core may have together.
//
// One thread, no locks. Shared by the listeners and whoever makes them.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "base/check.h"

namespace millrace {

class ConnectionLimit {
 public:
  explicit ConnectionLimit(std::size_t most) : most_(most) {}

  std::size_t count() const { return count_; }
  bool reached() const { return count_ >= most_; }
  /// Whether a tenth is free.
  bool has_reserve() const { return count_ < most_ - most_ / 10; }

  void add() { ++count_; }
  /// A connection has gone; whoever waits for a place is told.
  void remove() {
    CHECK(count_ > 0);
    --count_;
    for (const auto& on_free : on_free_) on_free();
  }

  /// `on_free` is called whenever a connection has gone.
  void add_on_free(std::function<void()> on_free) { on_free_.push_back(std::move(on_free)); }

 private:
  const std::size_t most_;
  std::size_t count_ = 0;
  std::vector<std::function<void()>> on_free_;  // one for each listener
};

}  // namespace millrace
