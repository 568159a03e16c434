// Keys and values on disk: THE STORAGE FORMAT (docs/storage-format.md describes it byte by byte).
//
// Messages are stored in blocks. A block is up to 64 messages of one queue that were sent in one
// commit; its number is the upper part of their sequence numbers. It has one chunk in the log (the
// bodies, never changed), one index row (where the chunk lies), and, once something has happened to
// one of its messages, one state row. A block that nobody needs before a certain time is parked: it
// has a due row as well. A message of a FIFO queue that memory shall not know of is filed: a row of
// its group names it.
//
// Pure functions over bytes; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/strong_type.h"
#include "model/fingerprint.h"
#include "model/message.h"
#include "model/write_batch.h"

namespace millrace {

using BlockNumber = std::uint64_t;
/// Number of a message move task among those of its source queue: from 1, never used again. 0:
/// none.
using MoveTaskNumber = StrongType<struct MoveTaskNumberTag, std::uint64_t>;

/// Messages in a block at most: as many as a bit map of one word can tell apart.
inline constexpr unsigned kBlockMessagesMax = 64;

constexpr BlockNumber block_of(SequenceNumber sequence) {
  return sequence.value() / kBlockMessagesMax;
}
constexpr unsigned slot_of(SequenceNumber sequence) {
  return static_cast<unsigned>(sequence.value() % kBlockMessagesMax);
}
constexpr SequenceNumber sequence_of(BlockNumber block, unsigned slot) {
  return SequenceNumber{block * kBlockMessagesMax + slot};
}

/// The shard that owns `queue`.
constexpr std::uint16_t shard_of(QueueId queue) {
  return static_cast<std::uint16_t>(queue.value() >> limits::kQueueIdShardShift);
}

// --- keys ---

/// (queue, block): keys of Family::index and Family::state.
std::string block_key(QueueId queue, BlockNumber block);
struct BlockKey {
  QueueId queue;
  BlockNumber block = 0;
};
std::optional<BlockKey> parse_block_key(std::string_view key);

/// (queue, time, block): keys of Family::due.
std::string due_key(QueueId queue, Timestamp due, BlockNumber block);
struct DueKey {
  QueueId queue;
  Timestamp due;
  BlockNumber block = 0;
};
std::optional<DueKey> parse_due_key(std::string_view key);

/// (queue, group, block): keys of Family::groups, whose values are empty.
std::string group_key(QueueId queue, GroupKey group, BlockNumber block);
struct GroupRowKey {
  QueueId queue;
  GroupKey group;
  BlockNumber block = 0;
};
std::optional<GroupRowKey> parse_group_key(std::string_view key);

/// Keys of Family::deduplication, in order of time: (queue, time of sending, block) for the ids of
/// one block, and (queue, time of beginning, attempt) for a receive attempt.
std::string deduplication_key(QueueId queue, Timestamp sent_at, BlockNumber block);
std::string attempt_key(QueueId queue, Timestamp began_at, const Fingerprint& attempt);
/// The keys before which the rows of either kind are from before `before`: first of all, and end.
struct KeyRange {
  std::string first;
  std::string last;
};
KeyRange deduplication_keys(QueueId queue, Timestamp before);
KeyRange attempt_keys(QueueId queue, Timestamp before);
struct DeduplicationKey {
  QueueId queue;
  bool attempt = false;
  Timestamp at;
  BlockNumber block = 0;     // not of an attempt
  Fingerprint attempt_id{};  // of an attempt
};
std::optional<DeduplicationKey> parse_deduplication_key(std::string_view key);

/// (queue): key of a queue's definition in Family::queues, and the prefix of every key of a queue.
std::string queue_key(QueueId queue);
/// Key of a queue's counters in Family::queues; it sorts behind that of its definition.
std::string counters_key(QueueId queue);
/// Key of a move task of the queue in Family::queues; it sorts behind that of its counters.
std::string move_task_key(QueueId queue, MoveTaskNumber task);
struct QueueRowKey {
  enum class Kind : std::uint8_t { definition = 0, counters = 1, move_task = 2 };
  QueueId queue;
  Kind kind = Kind::definition;
  MoveTaskNumber task = {};  // of a move task
};
std::optional<QueueRowKey> parse_queue_key(std::string_view key);
/// The key behind every key that begins with queue_key(queue).
std::string queue_key_end(QueueId queue);

// --- values ---

/// An index row: what is known of a block without reading its chunk.
struct IndexRecord {
  PayloadPlace place;
  std::uint8_t count = 0;  // messages in it when it was sent
  Timestamp sent_at;       // the latest of them
  Timestamp due;           // when they may first be received; the same for all
  bool moved = false;  // holds messages that a dead-letter move brought, older than their number
  std::vector<GroupKey> groups = {};  // of each message; empty if none has a group

  /// The group of message `slot`; GroupKey{} if it has none.
  GroupKey group(unsigned slot) const { return groups.empty() ? GroupKey{} : groups[slot]; }
};
/// Without the place, which put_placed() adds in front.
std::string encode_index(const IndexRecord& record);
std::optional<IndexRecord> parse_index(std::string_view value);

/// What has happened to one message of a block.
struct SlotState {
  enum class Phase : std::uint8_t { waiting = 0, in_flight = 1, deleted = 2, moving = 3 };

  Timestamp visible_at;         // waiting: not before; in flight: until
  Timestamp first_received_at;  // zero before the first receive
  Timestamp received_at;        // the last receive; visibility may reach 12 hours from here
  std::uint32_t receive_count = 0;
  std::uint32_t delivery = 0;  // number of the last delivery, as its receipt handle holds it
  std::uint32_t epoch = 0;     // of the store when that delivery was made
  Phase phase = Phase::waiting;
};

/// A state row: an index record and the state of each of its messages.
struct StateRecord {
  IndexRecord index;
  Timestamp parked_until;  // zero: not parked
  std::vector<SlotState> slots;
};
/// Without the place, which put_placed() or the caller adds in front.
/// @param with_groups false: the groups are left to the index row.
std::string encode_state(const IndexRecord& index, Timestamp parked_until,
                         const std::vector<SlotState>& slots, bool with_groups = true);
std::optional<StateRecord> parse_state(std::string_view value);

/// What changes about a queue with its messages and cannot be counted again at a start.
struct QueueCounters {
  BlockNumber next_block = 1;      // number of the next block
  BlockNumber head = 1;            // no block below it lies in wait unparked
  BlockNumber horizon = 1;         // blocks below it were purged
  BlockNumber swept = 1;           // rows and chunks of purged blocks below it are gone from disk
  std::uint64_t messages = 0;      // not deleted, in any phase
  std::uint64_t delayed = 0;       // of these, not yet due for the first time
  std::uint64_t bytes = 0;         // of their chunks
  Timestamp purged_at;             // the last purge
  std::uint64_t parked = 0;        // blocks with a due row
  std::uint64_t moved_blocks = 0;  // blocks with IndexRecord::moved
  BlockNumber filed_end = 0;       // FIFO: no block from it on was ever filed
  bool deleted = false;            // the queue is gone; its rows are being swept
  bool fifo = false;               // never changes
};

std::string encode_counters(const QueueCounters& counters);
std::optional<QueueCounters> parse_counters(std::string_view value);

/// The deduplication ids of a block's messages, in their order.
std::string encode_ids(const std::vector<Fingerprint>& ids);
std::optional<std::vector<Fingerprint>> parse_ids(std::string_view value);

/// What a receive attempt has brought.
struct AttemptRecord {
  struct Delivered {
    SequenceNumber sequence;
    std::uint32_t delivery = 0;
    std::uint32_t epoch = 0;
  };
  Timestamp began_at;    // in its key
  Timestamp visible_at;  // of all its messages, unless somebody has changed that since
  std::vector<Delivered> deliveries;
};
std::string encode_attempt(const AttemptRecord& record);
/// @param began_at from its key.
std::optional<AttemptRecord> parse_attempt(std::string_view value, Timestamp began_at);

/// A message move task, as it is remembered.
struct MoveTaskRecord {
  enum class Status : std::uint8_t {
    running = 0,
    completed = 1,
    cancelling = 2,  // and messages are still under way
    cancelled = 3,
    failed = 4,
  };

  Status status = Status::running;
  std::uint32_t rate = 0;  // messages a second; 0: as fast as it goes
  std::uint64_t moved = 0;
  std::uint64_t to_move = 0;  // visible messages at its start
  Timestamp started_at;
  std::optional<QueueId> destination = {};  // nothing: each message goes where it came from
  std::string destination_arn = {};
  std::string failure_reason = {};  // of a failed one
};
std::string encode_move_task(const MoveTaskRecord& record);
std::optional<MoveTaskRecord> parse_move_task(std::string_view value);

// --- transfers ---

/// Key of an outbox row in Family::transfers: a message that has left for `to_shard`.
std::string outbox_key(std::uint16_t to_shard, std::uint64_t number);
/// Key of the row that holds the highest transfer number applied from `from_shard`.
std::string applied_key(std::uint16_t from_shard);

struct TransferKey {
  bool outbox = false;  // else: applied
  std::uint16_t shard = 0;
  std::uint64_t number = 0;
};
std::optional<TransferKey> parse_transfer_key(std::string_view key);

/// An outbox row: where the message's own chunk lies, where it comes from and where it goes.
struct OutboxRecord {
  PayloadPlace place;
  QueueId source;
  SequenceNumber sequence;
  QueueId target;
  MoveTaskNumber task = {};  // that moves it; none: it is a dead letter
};
/// Without the place, which put_placed() adds in front.
std::string encode_outbox(const OutboxRecord& record);
std::optional<OutboxRecord> parse_outbox(std::string_view value);

/// Key in Family::meta of the number that the shard's next queue gets, without its shard.
inline constexpr std::string_view kNextQueueKey = "queue";

/// A number alone: the value of counters in Family::meta and of applied rows.
std::string encode_number(std::uint64_t number);
std::optional<std::uint64_t> parse_number(std::string_view value);

}  // namespace millrace
