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
//   attributes    an acknowledged change of a queue's attributes is never lost; while one is under
//                 way, both the old and the new ones may hold, and from its answer on the new ones
//   the clock     delays, timeouts, retention and deduplication go by the clock that the server
//                 shows. Setting the wall clock of a running server changes nothing. A start takes
//                 the time from the wall clock, but none that is before what was written: so a step
//                 forward lets what is due by then happen, and after one backward nothing happens
//                 early
//   moves         a message that was received where a task took it is never received again from
//                 where it was; nothing is moved faster than asked for, or elsewhere
//   tasks         an acknowledged task stays listed and ends; what it has moved never falls, what
//                 has ended or was cancelled does not go on
//
// and FIFO queues also to these, crashes or not:
//
//   groups        a message is received when all that came before it in its group has been deleted
//                 or moved, or is in front of it in the same answer; so nothing behind a message in
//                 flight is received
//   once          of two sends with the same deduplication id within five minutes, one is stored
//   handles       a delete inside the visibility timeout is carried out, and is sure
//   attempts      a receive attempt that is repeated brings the same messages again
//   moved groups  a task brings the messages of a group in their order
//
// Single-threaded; the first broken promise is kept, with what the auditor knows of the message.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/message.h"
#include "queue/move_tasks.h"
#include "sim/server_clock.h"

namespace millrace::sim {

/// One life of a queue: a queue that was deleted and made again has another number.
using QueueNumber = std::size_t;
using MessageNumber = std::size_t;
using DeliveryNumber = std::size_t;
/// Counts the changes of one queue's attributes; 0: as it was made.
using VersionNumber = std::size_t;

/// A queue's configuration. `slot` stands for its name; it, the shard, and whether the queue is
/// FIFO never change.
struct QueueFacts {
  unsigned slot = 0;
  unsigned shard = 0;
  Milliseconds retention = 0;
  std::uint32_t receive_count_max = 0;  // 0: no dead-letter queue
  std::optional<unsigned> dead_letter_slot = {};
  bool fifo = false;
  bool deduplicate_by_group = false;
  Milliseconds delay = 0;  // FIFO: of every message; else of those that are sent without one
  bool encrypted = true;
  bool tenants = false;  // a standard queue, most of whose messages name a group
  Milliseconds visibility_timeout = seconds(5);  // of receives that ask for none
};

/// What a message is sent with.
struct MessagePlace {
  std::string group;             // of a standard queue: may be empty
  std::string deduplication_id;  // of a FIFO queue
};

/// A receive attempt; 0 stands for a receive without one.
using AttemptNumber = std::size_t;

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
  /// A shard was opened: these are the queues that it holds, and the attributes that they have.
  void opened(unsigned shard, const std::map<QueueNumber, VersionNumber>& queues, Timestamp now);
  /// A queue's attributes are about to be changed. It has at most one such change under way.
  VersionNumber attributes_requested(QueueNumber queue, const QueueFacts& facts, Timestamp now);
  /// That change has ended.
  void attributes_set(QueueNumber queue, VersionNumber version, Outcome outcome, Timestamp now);
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
                               Timestamp now, const MessagePlace& place = {});
  /// The body of a message: its number and as many bytes as it was announced with.
  std::string body(MessageNumber message) const;
  /// The send was acknowledged. @return false if it was taken for the repeat of another one, or may
  /// have been.
  bool sent(MessageNumber message, const MessageId& id, SequenceNumber sequence, Timestamp now);
  /// The send was certainly not carried out.
  void not_sent(MessageNumber message);

  void receive_requested(QueueNumber queue);
  /// A receive was answered, or it is not known whether it was carried out.
  /// @param disturbed a crash, a restart or a slow disk may have delayed it.
  void receive_ended(QueueNumber queue, Outcome outcome, Timestamp requested_at, Milliseconds wait,
                     bool disturbed, Timestamp now);
  /// The messages that follow, until the next call, are of one answer.
  void answer_begins() { ++answer_; }
  /// One message of a receive's answer. @return the number of the delivery; nothing when the
  /// message is none of ours, which breaks a promise.
  std::optional<DeliveryNumber> received(QueueNumber queue, const Delivery& delivery, Moment moment,
                                         Milliseconds visibility_timeout,
                                         AttemptNumber attempt = 0);

  /// A client will make a receive with an attempt id of its own.
  AttemptNumber attempt_planned();
  /// It is about to make it, for the first time or again.
  void attempt_requested(AttemptNumber attempt, Milliseconds timeout, Timestamp now);
  /// The attempt was answered with these deliveries, refused because its messages have changed, or
  /// nobody knows.
  enum class AttemptEnd { answered, refused, unknown };
  void attempt_ended(AttemptNumber attempt, AttemptEnd end,
                     const std::vector<DeliveryNumber>& deliveries, Moment moment);

  void delete_requested(QueueNumber queue, DeliveryNumber delivery);
  void deleted(QueueNumber queue, DeliveryNumber delivery, Outcome outcome, Timestamp now);
  /// A FIFO queue said that the delivery's visibility timeout was over.
  void delete_refused(DeliveryNumber delivery, Timestamp now);
  /// A delivery has at most one change under way.
  void change_requested(DeliveryNumber delivery, Milliseconds timeout, Timestamp now);
  /// @param changed the server said that the timeout was changed.
  void changed(DeliveryNumber delivery, Milliseconds timeout, Timestamp requested_at, bool changed);

  // --- move tasks ---

  /// A task is about to be started. @param target the slot that it takes messages to; nothing: each
  /// goes back where it came from.
  void move_requested(QueueNumber source, std::optional<unsigned> target);
  /// The start has ended. @param task it was acknowledged.
  void move_answered(QueueNumber source, const MoveTask* task);
  void move_cancelled(QueueNumber source, const std::string& id);
  void moves_listed(QueueNumber source, const std::vector<MoveTask>& tasks, Timestamp now);

  /// The shard has lost what was not durable.
  void crashed(unsigned shard);
  /// A process has started, whose clock is `ahead` of simulated time (or behind) from then on.
  void clock_stepped(Timestamp from, Milliseconds ahead) { clock_.step(from, ahead); }

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
  struct Task {
    MoveTaskRecord known;  // when it was listed last
    bool cancelled = false;
  };
  // One time that a message is in one queue.
  struct Stay {
    QueueNumber queue = 0;
    std::uint64_t sequence = 0;
    friend auto operator<=>(const Stay&, const Stay&) = default;
  };
  // Attributes that may have been in force between two moments.
  struct Version {
    QueueFacts facts;
    Timestamp since;
    Timestamp until = kNever;
    bool acknowledged = false;
  };
  struct Queue {
    QueueFacts facts;  // what never changes is to be taken from here
    std::vector<Version> versions;
    bool created = false;
    bool delete_requested = false;
    std::optional<Timestamp> deleted_at;
    std::set<std::uint64_t> sequences;  // of acknowledged sends
    std::uint64_t sequence_floor = 0;   // the highest of these
    std::size_t receives_under_way = 0;
    std::uint64_t receives_lost = 0;  // that may have taken messages nobody was told of
    // FIFO: sends by deduplication id, in the order in which they were requested.
    std::map<std::string, std::vector<MessageNumber>> sends;
    // FIFO: the messages of each group that were once seen here and may still be.
    std::map<std::string, std::map<std::uint64_t, MessageNumber>> groups;
    std::vector<MessageNumber> members;  // sent to it, or received from it
    std::vector<MessageNumber> purging;  // surely sent before the purge that is under way
    // Move tasks out of it:
    std::map<std::string, Task> tasks;  // by id, that were acknowledged
    std::size_t starts_under_way = 0;
    bool may_be_moving = false;      // one may be active
    bool was_moving = false;         // one may have been
    std::uint64_t moving_up_to = 0;  // the highest sequence number known before they ended
    // FIFO: what tasks brought here to each group, and from where.
    std::map<std::string, std::map<std::uint64_t, Stay>> brought;
  };
  struct Delivered {
    MessageNumber message = 0;
    QueueNumber queue = 0;
    Moment moment;
    Timestamp until_earliest;  // on the server's clock: invisible to others at least until then
    std::uint32_t count = 0;
    std::uint32_t highest_count = 0;  // of all that were answered where the message is
    std::uint64_t sequence = 0;
    std::uint64_t crashes = 0;        // of the shard so far
    std::uint64_t receives_lost = 0;  // of the queue so far
    bool in_order = true;             // surely made after all that were answered before it
    std::uint64_t answer = 0;
    AttemptNumber attempt = 0;
  };
  struct Message {
    QueueNumber home = 0;
    std::size_t body_size = 0;
    Milliseconds delay = 0;
    Timestamp requested_at;
    std::uint64_t sequence_floor = 0;  // acknowledged in its queue before it was sent
    std::optional<Timestamp> sent_at;  // acknowledged
    MessageId id{};
    bool id_known = false;     // as it was sent
    bool seen = false;         // received at least once
    std::size_t removals = 0;  // that somebody tried, one way or another, and may have happened
    std::optional<Timestamp> deleted_at;         // acknowledged, and surely so
    std::map<QueueNumber, Timestamp> gone_from;  // by acknowledged purges and deletions
    std::optional<DeliveryNumber> last;
    std::optional<QueueNumber> moved_to;     // where it was received from after it had moved
    Timestamp moved_at;                      // for the first time
    std::map<Stay, Timestamp> left;          // received elsewhere afterwards, by then
    std::uint32_t receives_since_crash = 0;  // from its home
    std::optional<std::uint64_t> sequence;   // as it was sent
    // FIFO:
    std::string group;
    std::string deduplication_id;
    std::optional<Timestamp> accepted_by;  // when it had surely been stored
    bool repeat = false;                   // another message was taken for it
    bool id_may_be_forgotten = false;      // by a purge
  };
  struct Attempt {
    std::vector<DeliveryNumber> all;         // with any answer: they share their handles
    std::vector<DeliveryNumber> deliveries;  // of its last answer, if that is what counts
    Timestamp requested_at;                  // for the first time
    std::optional<Timestamp> began;          // on the server's clock: not before then
    Timestamp same_until;                    // until then a repeat must bring the same
    bool touched = false;                    // a delivery's visibility was changed
  };

  bool expired(const Message& message, Timestamp now) const;
  bool must_exist(const Message& message, Timestamp now) const;
  bool may_have_moved(const Message& message) const;
  bool may_be_gone(const Message& message) const { return message.removals > 0; }
  bool is_repeat(MessageNumber number, const MessageId& id, Timestamp now);
  void accepted(MessageNumber number, Timestamp by);
  void check_group(MessageNumber number, QueueNumber queue, const Delivery& delivery,
                   const Moment& moment);
  bool may_be_out_of_the_way(const Message& message, const Stay& stay, Timestamp now) const;
  const std::set<unsigned>& reached_from(unsigned slot) const;
  bool travels(const Message& message) const;
  bool as_sent(const Message& message, const Stay& stay) const;
  void check_elsewhere(MessageNumber number, QueueNumber queue, const Delivery& delivery);
  void note_stay(MessageNumber number, const Stay& stay, const Moment& moment);
  void check_move_order(MessageNumber number, const Stay& stay, bool dead_letter);
  void remove_visitors(QueueNumber queue);
  void forget_ids(QueueNumber queue);
  std::vector<DeliveryNumber> with_same_handle(DeliveryNumber number) const;
  void check_place(MessageNumber number, QueueNumber queue, const Delivery& delivery,
                   const Moment& moment);
  void check_visibility(MessageNumber number, QueueNumber queue, const Delivery& delivery,
                        const Moment& moment, AttemptNumber attempt);
  void remove_all(QueueNumber queue);
  void add_version(QueueNumber queue, const QueueFacts& facts, Timestamp now);
  static bool in_force(const Version& version, const Moment& moment) {
    return version.since <= moment.latest && moment.earliest <= version.until;
  }
  Timestamp hidden_until(Timestamp moment, Milliseconds timeout) const;
  void settle(QueueNumber queue, VersionNumber version, Timestamp now);
  bool has_dead_letters(unsigned slot) const;
  std::uint32_t receives_min(unsigned slot) const;
  std::optional<std::uint32_t> receives_max(QueueNumber queue, const Moment& moment) const;
  Milliseconds retention_max(QueueNumber queue, const Moment& moment) const;
  Milliseconds delay_min(QueueNumber queue, const Moment& moment) const;
  bool is_same(const Message& message, const Message& other, const Moment& moment) const;
  bool may_be_same(const Message& message, const Message& other, const Moment& moment) const;
  void broken(MessageNumber message, std::string_view promise);
  std::string describe(MessageNumber message) const;

  std::optional<std::string> violation_;
  std::vector<Queue> queues_;
  std::vector<Message> messages_;
  std::vector<Delivered> deliveries_;
  std::vector<Attempt> attempts_{1};  // number 0 is no attempt
  std::uint64_t answer_ = 0;
  std::map<unsigned, std::uint64_t> crashes_;        // by shard
  std::set<unsigned> unstable_slots_;                // queues of these were deleted at some time
  std::set<std::pair<unsigned, unsigned>> moves_;    // slots from and to which tasks may have moved
  std::set<std::pair<unsigned, unsigned>> feeds_;    // slots and those of their dead letters
  std::set<unsigned> returns_;                       // slots whose dead letters tasks take back
  std::map<unsigned, std::set<QueueNumber>> lives_;  // of each slot
  mutable std::map<unsigned, std::set<unsigned>> reached_;  // answers of reached_from()
  Milliseconds retention_min_ = INT64_MAX;                  // of all queues at any time
  ServerClock clock_;
  Timestamp rested_at_;
  std::optional<std::uint64_t> resting_;  // messages counted when everything rested
  std::size_t deliveries_before_rest_ = 0;
};

}  // namespace millrace::sim
