// NaiveFifo: what a few FIFO queues may answer, as vectors and linear search. It predicts what SQS
// promises (order within a group, locks, deduplication, repeated attempts) and follows the answers
// where SQS leaves freedom: which groups a receive takes, which dead letters it has moved.
//
// Violations are thrown as std::runtime_error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/message.h"
#include "queue/queue.h"
#include "queue/shard.h"

namespace millrace {

struct NaiveFifoMessage {
  MessageId id{};
  SequenceNumber sequence;
  std::string group;
  std::string body;
  Timestamp sent_at;
  Timestamp visible_at;
  Timestamp received_at;
  Timestamp doubtful_until;           // a crash left open whether it is hidden until then
  std::string handle;                 // of its last delivery
  std::uint32_t receive_count = 0;    // as a delivery tells it
  std::uint32_t received_here = 0;    // in this queue
  std::uint32_t doubtful_counts = 0;  // receives that a crash may have undone
  std::uint64_t reply = 0;            // the last one that it was in
  bool certain = true;                // false: it may be gone
  bool left = false;                  // its queue was emptied; only a move may have saved it
};

class NaiveFifo {
 public:
  struct Queue {
    Milliseconds retention = 0;
    Milliseconds delay = 0;
    std::uint32_t receive_count_max = 0;  // 0: no dead letters
    bool deduplicate_by_group = false;
    std::vector<NaiveFifoMessage> messages = {};  // in the order of their sequence numbers
    struct First {
      SentMessage sent;
      Timestamp sent_at;
    };
    std::map<std::string, First> ids = {};
  };
  /// A receive with an attempt id, as it was answered.
  struct Attempt {
    std::size_t queue = 0;
    std::string id;
    Timestamp began_at;
    Timestamp visible_at;
    std::vector<std::pair<MessageId, std::string>> deliveries;  // message, handle
  };
  enum class Repeat { same, anew, refused, unknown };

  /// @param queues the last one takes the dead letters of the others.
  explicit NaiveFifo(std::vector<Queue> queues) : queues_(std::move(queues)) {}

  void sent(std::size_t queue, const NewMessage& message, const SentMessage& answer, Timestamp now);
  void delivered(std::size_t queue, const std::vector<Delivery>& deliveries,
                 Milliseconds visibility_timeout, Timestamp now);
  /// A short poll brought nothing.
  void found_nothing(std::size_t queue, Timestamp now) const;
  void erased(std::size_t queue, const MessageId& id, const std::string& handle, Erased answer,
              Timestamp now);
  void visibility_changed(std::size_t queue, const MessageId& id, const std::string& handle,
                          Milliseconds timeout, bool refused, Timestamp now);
  /// A look at the whole queue has brought these.
  void looked_at(std::size_t queue, const std::vector<LookedMessage>& found, Timestamp now) const;
  /// The message was deleted by its place.
  void erased_by_place(const MessageId& id);
  /// Purged.
  void emptied(std::size_t queue, Timestamp now);
  void set_delay(std::size_t queue, Milliseconds delay) { queues_[queue].delay = delay; }
  /// How the engine must answer when the attempt is repeated.
  Repeat repeat(const Attempt& attempt, Timestamp now) const;
  void repeated(const Attempt& attempt, Milliseconds visibility_timeout, Timestamp now);
  /// Nobody knows whether the message is there.
  void doubt(std::size_t queue, const MessageId& id);
  /// Nobody knows whether a receive with this timeout has taken what there was.
  void doubt_receive(std::size_t queue, Milliseconds visibility_timeout, Timestamp now);
  /// The counts when the engine is at rest.
  void counted(std::size_t queue, const QueueCounts& counts, Timestamp now) const;
  /// Nothing certain may be left.
  void drained(Timestamp now) const;

 private:
  NaiveFifoMessage* find(std::size_t queue, const MessageId& id);
  const NaiveFifoMessage* find(std::size_t queue, const MessageId& id) const;
  NaiveFifoMessage* arrive(std::size_t queue, const Delivery& delivery, Timestamp now);
  static bool expired(const Queue& queue, const NaiveFifoMessage& message, Timestamp now) {
    return message.sent_at + queue.retention <= now;
  }
  static bool hidden(const Queue& queue, const NaiveFifoMessage& message, Timestamp now) {
    return message.visible_at > now || message.sent_at + queue.delay > now;
  }
  static bool leaving(const Queue& queue, const NaiveFifoMessage& message, Timestamp now);
  /// Whether the message, which has this id, may have come here as a dead letter.
  bool may_have_come(const MessageId& id, Timestamp now) const;
  static void check_look(const Queue& queue, const NaiveFifoMessage& message,
                         const LookedMessage& seen, Timestamp now);

  std::vector<Queue> queues_;
  std::uint64_t replies_ = 0;
};

}  // namespace millrace
