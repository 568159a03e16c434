// Waiters: the receives of one shard that wait for a message, each queue's in turn.
//
// Owned by the shard, on its thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/message.h"
#include "queue/effects.h"
#include "queue/timers.h"

namespace millrace {

/// Who receives, as its request says. The views outlive the receive.
struct Consumer {
  std::string_view source_address;
  std::string_view principal_arn;  // empty: not known
  std::string_view user_agent;     // empty: it says none
};

struct ReceiveRequest {
  QueueId queue;
  unsigned count_max = 1;  // 1 to 10
  Milliseconds visibility_timeout = 0;
  Milliseconds wait = 0;               // 0: a short poll
  std::string attempt_id = {};         // FIFO: ReceiveRequestAttemptId, or empty
  const Consumer* consumer = nullptr;  // null: nobody knows
};

struct Waiter {
  WaiterId id;
  ReceiveRequest request;
  Timestamp deadline;
};

class Waiters {
 public:
  /// Adds a waiter at the end of its queue's line, or in front of it.
  void add(const Waiter& waiter, bool in_front = false);

  /// Forgets a waiter. @return what it was, or nothing if it is not waiting any more.
  std::optional<Waiter> remove(WaiterId id);

  /// The first in line at `queue`, or null. Valid until the next change.
  const Waiter* first(QueueId queue);

  /// Takes a waiter whose time is over by `now`; nothing when there is none.
  std::optional<Waiter> pop_expired(Timestamp now);

  /// Takes every waiter of `queue`.
  std::vector<Waiter> remove_all(QueueId queue);

  /// Takes the short polls (wait 0) of `queue`: there is nothing to wait for.
  std::vector<Waiter> remove_short_polls(QueueId queue);

  /// When the next waiter's time is over, or kNever.
  Timestamp next_deadline() const { return deadlines_.next(); }

  /// The first `count_max` in line at `queue`.
  std::vector<Waiter> list(QueueId queue, std::size_t count_max) const;

  std::size_t count() const { return waiters_.size(); }
  std::size_t count(QueueId queue) const;

 private:
  struct Line {
    std::deque<WaiterId> ids;           // some may be gone already
    std::vector<WaiterId> short_polls;  // of these
    std::size_t waiting = 0;
  };
  void forget(const Waiter& waiter);

  std::unordered_map<WaiterId, Waiter> waiters_;
  std::unordered_map<QueueId, Line> lines_;
  TimerHeap<WaiterId> deadlines_;
};

}  // namespace millrace
