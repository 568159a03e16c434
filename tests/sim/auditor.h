// Auditor: the promises of the product, held against what clients of a simulated server see.
//
// It knows nothing of shards, stores or loops: only what was asked, what was answered, and when the
// server crashed. What a client cannot know (a request whose answer never came) may have happened
// or not, and the auditor accepts both; everything else it holds the server to:
//
//   sent          an acknowledged send is received until it is deleted, purged or expired
//   deleted       an acknowledged delete never comes back
//   visibility    nobody receives a message before its delay is over, or inside the visibility
//                 timeout of another receive unless the server crashed in between
//   dead letters  more than maxReceiveCount receives mean the dead-letter queue, once: a message
//                 that was received there is never received from its first queue again
//   gone          nothing from before an acknowledged purge, or from a deleted queue, is received
//   order         sequence numbers of later sends are higher, across crashes as well
//   the same      a message arrives as it was sent, under the id that its send was told
//   counts        once everything rests, the counts are the number of messages that can be received
//   polls         every receive is answered, and in time where nothing disturbed it
//
// Single-threaded; the first broken promise is kept, with what the auditor knows of the message.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/message.h"

namespace millrace::sim {

/// One life of a queue: a queue that was deleted and made again has another number.
using QueueNumber = std::size_t;
using MessageNumber = std::size_t;
using DeliveryNumber = std::size_t;

/// What the auditor must know of a queue's configuration. `slot` stands for its name.
struct QueueFacts {
  unsigned slot = 0;
  unsigned shard = 0;
  Milliseconds retention = 0;
  std::uint32_t receive_count_max = 0;  // 0: no dead-letter queue
  std::optional<unsigned> dead_letter_slot = {};
};

/// How a request ended for its client.
enum class Outcome {
  done,
  refused,  // certainly not carried out
  unknown,  // carried out or not
};

/// When a delivery was made: at a moment between these two.
struct Moment {
  Timestamp earliest;
  Timestamp latest;
};

/// The most that an undisturbed receive may take beyond the time that it asked to wait: five
/// seconds for a shard that takes dead letters and is still down from before, and as much for the
/// disk.
inline constexpr Milliseconds kPollSlack = seconds(10);

class Auditor {
 public:
  /// The first broken promise, or nothing.
  const std::optional<std::string>& violation() const { return violation_; }
  /// Notes a broken promise that somebody else has seen.
  void broken(std::string text);

  // --- queues ---

  QueueNumber create_requested(const QueueFacts& facts);
  void created(QueueNumber queue);
  void delete_requested(QueueNumber queue);
  void queue_deleted(QueueNumber queue, Timestamp now);
  /// A shard was opened: these are the queues that it holds.
  void opened(unsigned shard, const std::set<QueueNumber>& queues, Timestamp now);
  void purge_requested(QueueNumber queue);
  /// The purge that was requested last has ended.
  void purged(QueueNumber queue, Outcome outcome, Timestamp now);
  /// A request was told that `queue` does not exist.
  void queue_missing(QueueNumber queue);
  /// Whether requests to the queue must succeed: its creation was acknowledged and nobody tried to
  /// delete it.
  bool surely_exists(QueueNumber queue) const;

  // --- messages ---

  /// A send is about to be submitted. @return the number of the message, to be found in its body.
  MessageNumber send_requested(QueueNumber queue, std::size_t body_size, Milliseconds delay,
                               Timestamp now);
  /// The body of a message: its number and as many bytes as it was announced with.
  std::string body(MessageNumber message) const;
  void sent(MessageNumber message, const MessageId& id, SequenceNumber sequence, Timestamp now);

  void receive_requested(QueueNumber queue);
  /// A receive was answered, or it is not known whether it was carried out.
  /// @param disturbed a crash, a restart or a slow disk may have delayed it.
  void receive_ended(QueueNumber queue, Outcome outcome, Timestamp requested_at, Milliseconds wait,
                     bool disturbed, Timestamp now);
  /// One message of a receive's answer. @return the number of the delivery; nothing when the
  /// message is none of ours, which breaks a promise.
  std::optional<DeliveryNumber> received(QueueNumber queue, const Delivery& delivery, Moment moment,
                                         Milliseconds visibility_timeout);

  void delete_requested(QueueNumber queue, DeliveryNumber delivery);
  void deleted(QueueNumber queue, DeliveryNumber delivery, Outcome outcome, Timestamp now);
  /// A delivery has at most one change under way.
  void change_requested(DeliveryNumber delivery, Milliseconds timeout, Timestamp now);
  /// @param changed the server said that the timeout was changed.
  void changed(DeliveryNumber delivery, Milliseconds timeout, Timestamp requested_at, bool changed);

  /// The shard has lost what was not durable.
  void crashed(unsigned shard);

  // --- the end ---

  /// The sum of all counts, once every delay and visibility timeout is over.
  void rests(std::uint64_t visible, std::uint64_t in_flight, std::uint64_t delayed, Timestamp now);
  /// Everything that can be received has been received and deleted.
  void drained(std::uint64_t messages_left, Timestamp now);
  /// Whether there is something that must still be received.
  bool missing_messages(Timestamp now) const;

  std::size_t messages() const { return messages_.size(); }
  std::size_t deliveries() const { return deliveries_.size(); }

 private:
  struct Queue {
    QueueFacts facts;
    bool created = false;
    bool delete_requested = false;
    std::optional<Timestamp> deleted_at;
    std::set<std::uint64_t> sequences;  // of acknowledged sends
    std::uint64_t sequence_floor = 0;   // the highest of these
    std::size_t receives_under_way = 0;
    std::uint64_t receives_lost = 0;     // that may have taken messages nobody was told of
    std::vector<MessageNumber> members;  // sent to it, or received from it
    std::vector<MessageNumber> purging;  // surely sent before the purge that is under way
  };
  struct Delivered {
    MessageNumber message = 0;
    QueueNumber queue = 0;
    Moment moment;
    Timestamp until_earliest;  // invisible to others at least until then
    std::uint32_t count = 0;
    std::uint64_t crashes = 0;        // of the shard so far
    std::uint64_t receives_lost = 0;  // of the queue so far
    bool in_order = true;             // surely made after all that were answered before it
  };
  struct Message {
    QueueNumber home = 0;
    std::size_t body_size = 0;
    Milliseconds delay = 0;
    Timestamp requested_at;
    std::uint64_t sequence_floor = 0;  // acknowledged in its queue before it was sent
    std::optional<Timestamp> sent_at;  // acknowledged
    MessageId id{};
    bool seen = false;                           // received at least once
    bool may_be_gone = false;                    // somebody tried to remove it, one way or another
    std::optional<Timestamp> deleted_at;         // acknowledged, and surely so
    std::map<QueueNumber, Timestamp> gone_from;  // by acknowledged purges and deletions
    std::optional<DeliveryNumber> last;
    std::optional<QueueNumber> dead_letter_queue;  // where it was received from
    Timestamp dead_letter_at;                      // for the first time
    std::uint32_t receives_since_crash = 0;        // from its home
  };

  bool expired(const Message& message, Timestamp now) const;
  bool must_exist(const Message& message, Timestamp now) const;
  bool may_have_moved(const Message& message) const;
  void check_place(MessageNumber number, QueueNumber queue, const Delivery& delivery,
                   const Moment& moment);
  void check_visibility(MessageNumber number, QueueNumber queue, const Delivery& delivery,
                        const Moment& moment);
  void remove_all(QueueNumber queue);
  void broken(MessageNumber message, std::string_view promise);

  std::optional<std::string> violation_;
  std::vector<Queue> queues_;
  std::vector<Message> messages_;
  std::vector<Delivered> deliveries_;
  std::map<unsigned, std::uint64_t> crashes_;  // by shard
  std::set<unsigned> unstable_slots_;          // queues of these were deleted at some time
  std::optional<std::uint64_t> resting_;       // messages counted when everything rested
  std::size_t deliveries_before_rest_ = 0;
};

}  // namespace millrace::sim
