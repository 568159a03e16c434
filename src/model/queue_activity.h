// What a queue has done and how it stands, as metrics, graphs and lists tell it.
//
// Plain values: a shard counts them (queue/), the history keeps them (observe/).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "model/message.h"

namespace millrace {

/// What has happened in a queue during some time. Messages, unless the name says otherwise.
struct QueueTraffic {
  std::uint64_t sent = 0;            // stored, or known for duplicates, by request of a client
  std::uint64_t received = 0;        // handed out
  std::uint64_t deleted = 0;         // by request of a client
  std::uint64_t empty_receives = 0;  // requests that were answered without a message
  std::uint64_t dead_lettered = 0;   // moved to the dead-letter queue
  std::uint64_t sent_bytes = 0;      // of `sent`: bodies and attributes, as SQS counts them
  std::uint64_t throttled = 0;       // requests refused since the queue was at a limit

  friend bool operator==(const QueueTraffic&, const QueueTraffic&) = default;
  QueueTraffic& operator+=(const QueueTraffic& more) {
    sent += more.sent;
    received += more.received;
    deleted += more.deleted;
    empty_receives += more.empty_receives;
    dead_lettered += more.dead_lettered;
    sent_bytes += more.sent_bytes;
    throttled += more.throttled;
    return *this;
  }
};

/// How a queue stands at one moment.
struct QueueGauges {
  std::uint64_t visible = 0;    // messages that a receive may hand out
  std::uint64_t in_flight = 0;  // and those on their way to another queue
  std::uint64_t delayed = 0;
  Timestamp oldest_sent_at = kNever;  // when the oldest message was sent; kNever: there is none
  std::uint64_t waiting = 0;          // receives that wait for messages
  std::uint64_t noisy_groups = 0;     // of a fair queue
  std::uint64_t quiet_visible = 0;    // of `visible`, in no noisy group

  friend bool operator==(const QueueGauges&, const QueueGauges&) = default;
  /// Of several queues together; the oldest message is that of all.
  QueueGauges& operator+=(const QueueGauges& more) {
    visible += more.visible;
    in_flight += more.in_flight;
    delayed += more.delayed;
    oldest_sent_at = std::min(oldest_sent_at, more.oldest_sent_at);
    waiting += more.waiting;
    noisy_groups += more.noisy_groups;
    quiet_visible += more.quiet_visible;
    return *this;
  }
};

/// News of one queue.
struct QueueActivity {
  QueueId queue;
  bool gone = false;          // the queue was deleted; nothing else is said of it
  QueueTraffic traffic = {};  // since the last news
  QueueGauges gauges = {};
};

}  // namespace millrace
