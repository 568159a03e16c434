// NaiveWorld: what a few standard queues may answer, as a vector and linear search. It predicts
// where SQS leaves no freedom and follows the answers where it does: order, which dead letters a
// receive has moved, and what a crash has made the engine forget.
//
// Violations are thrown as std::runtime_error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/message.h"
#include "queue/queue.h"

namespace millrace {

struct NaiveMessage {
  MessageId id{};
  std::string body;
  std::string group;  // kNoisyGroup, or one of few messages
  Timestamp sent_at;
  Timestamp visible_at;
  Timestamp first_received_at;
  Timestamp received_at;
  std::string handle;               // of its last delivery
  std::uint32_t receive_count = 0;  // as a delivery tells it
  std::uint32_t received_here = 0;  // in this queue
  std::uint64_t deliveries = 0;     // ever, to see whether one came in between
  bool delayed = false;             // not received yet, and sent with a delay
  bool certain = true;              // false: it may be gone
  bool exact = true;                // false: a crash may have undone receives of it
  bool left = false;                // its queue was emptied; only a move may have saved it
};

class NaiveWorld {
 public:
  struct Queue {
    Milliseconds retention = 0;
    std::uint32_t receive_count_max = 0;  // 0: no dead letters
    std::vector<NaiveMessage> messages;
  };

  /// @param queues the last one takes the dead letters of the others.
  explicit NaiveWorld(std::vector<Queue> queues) : queues_(std::move(queues)) {}

  /// The one group that ever has enough messages to be noisy.
  static constexpr std::string_view kNoisyGroup = "noisy";

  void sent(std::size_t queue, const MessageId& id, const std::string& body,
            const std::string& group, Milliseconds delay, Timestamp now);
  void delivered(std::size_t queue, const Delivery& delivery, Milliseconds visibility_timeout,
                 Timestamp now);
  /// The messages that a receive must give before any of the noisy group; empty if that need not be
  /// noisy.
  std::vector<MessageId> first_in_line(std::size_t queue, Timestamp now) const;
  /// A short poll brought nothing.
  void found_nothing(std::size_t queue, Timestamp now) const;
  /// A delete was confirmed. @param deliveries what it was when the delete was asked for.
  void erased(std::size_t queue, const MessageId& id, const std::string& handle,
              std::uint64_t deliveries, Timestamp now);
  void visibility_changed(std::size_t queue, const MessageId& id, const std::string& handle,
                          Milliseconds timeout, bool refused, std::uint64_t deliveries,
                          Timestamp now);
  /// A look at rest has found these messages, all that there are.
  void looked_at(std::size_t queue, const std::vector<LookedMessage>& found, Timestamp now) const;
  /// A delete by place was confirmed: in its queue, or where a receive has moved it unseen.
  void erased_by_place(const MessageId& id);
  /// Purged, or deleted and made anew.
  void emptied(std::size_t queue, Timestamp now);
  /// The engine may have lost what it writes lazily.
  void crashed();
  /// Nobody knows whether the message is there.
  void doubt(std::size_t queue, const MessageId& id);
  /// The counts when the engine is at rest.
  void counted(std::size_t queue, const QueueCounts& counts, Timestamp now) const;
  /// Everything visible has been received: nothing certain may be left that was not.
  void drained(Timestamp now) const;

  /// How often the message was delivered; 0 if it is not there.
  std::uint64_t deliveries(std::size_t queue, const MessageId& id) const;

 private:
  NaiveMessage* find(std::size_t queue, const MessageId& id);
  bool expired(const Queue& queue, const NaiveMessage& message, Timestamp now) const {
    return message.sent_at + queue.retention <= now;
  }
  /// Whether a receive may move it, or may have done so.
  bool leaving(const Queue& queue, const NaiveMessage& message, Timestamp now) const;

  std::vector<Queue> queues_;
};

}  // namespace millrace
