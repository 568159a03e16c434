// QueueTimes: how long messages lie in their queue, from the start of their send to their receipt.
//
// All threads share one; it locks itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "bench/stopwatch.h"

namespace millrace::bench {

class QueueTimes {
 public:
  /// The send of `count` messages from number `first` on begins at `now`.
  void sent(std::uint64_t first, std::size_t count, Nanoseconds now) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < count; ++i) began_[first + i] = now;
  }

  /// The message has been received. @return how long it took; nothing if it was not sent, or was
  /// received before.
  std::optional<Nanoseconds> received(std::uint64_t number, Nanoseconds now) {
    const std::lock_guard lock(mutex_);
    const auto it = began_.find(number);
    if (it == began_.end()) return std::nullopt;
    const Nanoseconds time = now - it->second;
    began_.erase(it);
    return time;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Nanoseconds> began_;
};

}  // namespace millrace::bench
