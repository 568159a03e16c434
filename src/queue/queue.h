// Queue: one queue. Its messages go delayed → waiting → in flight → deleted, expired or moved to
// the dead-letter queue, or, out of one, where a move task takes them. Which of those that wait is
// next is up to its kind: StandardQueue, FifoQueue.
//
// The backlog is on disk; memory holds a window. `frontier_` divides the two: every block below it
// is resident, gone, or on disk where its kind finds it again; the blocks from it on are on disk,
// and some of them resident as well. What a message has gone through is in its block's slots.
// Deletes are always in the next commit.
//
// Owned by its Shard, on the shard's thread. Nothing here reads a clock, a disk or a socket.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/fingerprint.h"
#include "model/message.h"
#include "model/message_id.h"
#include "model/queue_activity.h"
#include "model/receipt_handle.h"
#include "queue/block.h"
#include "queue/chunk.h"
#include "queue/effects.h"
#include "queue/look.h"
#include "queue/records.h"
#include "queue/timers.h"
#include "queue/waiters.h"

namespace millrace {

/// How a queue's new messages are stored.
struct Encryption {
  bool on = false;
  std::string master_key = std::string(kManagedKeyAlias);         // as KmsMasterKeyId names it
  Milliseconds reuse = seconds(limits::kKmsReuseSecondsDefault);  // of a data key
};

/// What the engine must know of a queue's attributes.
struct QueueSettings {
  Milliseconds retention = 0;
  std::uint32_t receive_count_max = 0;            // maxReceiveCount; 0: no dead-letter queue
  std::optional<QueueId> dead_letter_queue = {};  // nothing while it does not exist
  bool dead_letters_leave_shard = false;          // it is owned by another shard
  std::string arn = {};    // of this queue: the DeadLetterQueueSourceArn of what it moves
  bool fifo = false;       // never changes
  Milliseconds delay = 0;  // FIFO: of every message; standard messages bring their own
  bool deduplicate_by_group = false;  // FIFO: DeduplicationScope is messageGroup
  Encryption encryption = {};
};

/// The three counts that GetQueueAttributes tells.
struct QueueCounts {
  std::uint64_t visible = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t delayed = 0;
};

/// What the metrics of fair queues tell: of the messages, those that are of no noisy group.
struct QuietCounts {
  std::size_t noisy_groups = 0;
  QueueCounts messages;
  Timestamp oldest_sent_at = kNever;  // of those that wait in memory
};

/// What the queues of a shard share. Lives as long as the shard.
struct QueueContext {
  Effects& effects;
  ShardMemory& memory;
  const ReceiptSealer& sealer;
  const MessageIdCipher& ids;
  const Fingerprinter& fingerprints;
  DataKeys& data_keys;
  ChunkBuilder spare_builder{};         // empty, with the memory of the last block that was built
  std::uint32_t epoch = 0;              // of the store, in every receipt handle made now
  std::size_t batch_bytes = 0;          // of messages for the next commit, sealed or not
  std::size_t batch_bytes_max = 0;      // beyond it, what can wait for the commit after waits
  std::size_t deduplication_bytes = 0;  // of all queues' ids, part of memory.used

  /// Whether the next commit has all that it should carry.
  bool batch_full() const { return batch_bytes + effects.writes.bytes() >= batch_bytes_max; }
};

/// What an operation on a delivered message found.
enum class Found {
  here,     // it was done
  gone,     // the message does not exist any more
  on_disk,  // its block is being loaded: ask again once it is resident
};

/// How a deletion ended.
enum class Erased : std::uint8_t {
  done,     // or the message was gone already
  expired,  // FIFO: the delivery's visibility timeout is over
};

/// A message leaving for the dead-letter queue; or one of a dead-letter queue, which a move task
/// takes to another queue.
struct DeadLetter {
  MessageRecord message;  // as its new queue gets it
  QueueId target;
  SequenceNumber sequence;                   // in the queue that it leaves
  std::shared_ptr<const std::string> chunk;  // what `message` points into
};

/// What a receive has found.
struct Taken {
  std::vector<Delivery> deliveries;
  /// Received often enough: gone from the queue with the next commit, in which the caller stores
  /// them.
  std::vector<DeadLetter> dead_letters;
  std::optional<ApiError> error = {};  // FIFO: the receive attempt cannot be repeated
  /// Why messages that could have been received were passed over: what keeps the first of them from
  /// being opened.
  std::optional<ApiError> unopened = {};
};

class Queue {
 public:
  /// A new queue of the kind that `settings` say. @param definition opaque here; stored with the
  /// next commit.
  static std::unique_ptr<Queue> create(QueueId id, QueueContext& context, std::string definition,
                                       QueueSettings settings);
  /// A queue as it was stored. Its other rows follow, family by family, then finish_restore().
  static std::unique_ptr<Queue> restore(QueueId id, QueueContext& context, std::string definition,
                                        const QueueCounters& counters);
  virtual ~Queue() = default;
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  QueueId id() const { return id_; }
  bool fifo() const { return counters_.fifo; }
  const std::string& definition() const { return definition_; }
  void set_definition(std::string definition);
  const QueueSettings& settings() const { return settings_; }
  virtual void set_settings(QueueSettings settings);
  const QueueCounters& counters() const { return counters_; }
  QueueCounts counts() const;
  virtual QuietCounts quiet_counts() const { return {0, counts(), kNever}; }
  /// What has happened since the traffic was last taken away.
  QueueTraffic& traffic() { return traffic_; }
  /// Counts, and the age and groups of what waits. The oldest message is exact where it is in
  /// memory; where the head of the line is on disk, it is the oldest that is known of; messages
  /// that are delayed, or in flight and on disk, are not looked at.
  QueueGauges gauges();

  /// Take up rows that were found at the start. @return false if one is malformed.
  bool restore_state(BlockNumber number, std::string_view value);
  virtual bool restore_group(GroupKey group, BlockNumber block);
  virtual bool restore_deduplication(const DeduplicationKey& key, std::string_view value);
  virtual void finish_restore(Timestamp now);

  // --- what clients do ---

  /// Whether there is room for the deduplication ids of `count` messages.
  virtual bool may_send(std::size_t count, Timestamp now);
  /// What `count` new messages are to be sealed under; null: they are not. @return the errors of
  /// DataKeys::sealing().
  Expected<std::shared_ptr<SealingKey>> sealing_key(std::size_t count, Timestamp now);
  /// Stores `message`; it can be received once the next commit is durable and its delay is over.
  /// @param key of sealing_key().
  virtual SequenceNumber send(const NewMessage& message, const std::shared_ptr<SealingKey>& key,
                              Timestamp now) = 0;
  /// Stores what a move from another queue brings, in the form in which that queue had it. Without
  /// an origin, a move task brings it, as a new message.
  virtual SequenceNumber accept(const MessageRecord& message, Timestamp now) = 0;

  /// Hands out up to `request.count_max` messages that are in memory and may be received. It stops
  /// early, with held_up(), when the next commit is full.
  /// @param bytes_max of bodies; one message is always given.
  virtual Taken receive(const ReceiveRequest& request, std::size_t bytes_max, Timestamp now) = 0;
  /// FIFO: whether the receive repeats an attempt that is remembered.
  virtual bool repeats_attempt(const ReceiveRequest&, Timestamp) { return false; }
  /// Where a move task takes a message to. Nothing: it cannot be moved, and the take ends before
  /// it.
  using Route = std::function<std::optional<QueueId>(const MessageRecord& message)>;
  /// Takes up to `count_max` messages for a move task: those that a receive would hand out, as dead
  /// letters. The next commit holds that they are gone, or, where their target is on another shard,
  /// that they are moving. What is damaged is passed over (Taken::unopened).
  Taken take(unsigned count_max, const Route& route, Timestamp now);
  /// Whether a receive has left messages that it could have taken.
  virtual bool held_up() const = 0;
  /// Takes a delivery back, as if it had not been.
  void undo(const ReceiptHandle& handle, Timestamp now);

  /// DeleteMessage. An outdated handle leaves a message that is in flight again untouched.
  Found erase(const ReceiptHandle& handle, Timestamp now, Erased& erased);
  /// ChangeMessageVisibility. `error` is set when it was refused.
  Found change_visibility(const ReceiptHandle& handle, std::string_view handle_text,
                          Milliseconds timeout, Timestamp now, std::optional<ApiError>& error);

  // --- what the console asks ---

  /// Asks for the rows of the look's next slice.
  void look(const std::shared_ptr<Look>& look);
  /// Asks for a look at the messages that these rows have left over.
  void examine(const std::shared_ptr<Look>& look);
  /// Whether the message's block is here; asks for it if it is on disk.
  Found find_block(SequenceNumber sequence);
  /// Deletes the message, whatever its state. @param refusal set where it is not here, or is on its
  /// way to another queue.
  Found erase_message(SequenceNumber sequence, Timestamp now, std::optional<ApiError>& refusal);
  /// Takes the message, unless it is in flight, to `target`, which takes it as new: the next commit
  /// holds that it is gone, or, where the target is on another shard, that it is moving.
  /// @param chunk of its block. @param letter set if it goes; @param refusal if it does not.
  Found take_message(SequenceNumber sequence, const std::shared_ptr<const std::string>& chunk,
                     QueueId target, Timestamp now, std::optional<DeadLetter>& letter,
                     std::optional<ApiError>& refusal);
  /// When the oldest message was sent; kNever when the queue is empty or that has not been read
  /// since the start. It may be the time of a message that was deleted lately.
  Timestamp oldest_sent_at();

  /// PurgeQueue: everything sent so far is gone at once; rows and chunks follow in slices.
  void purge(Timestamp now);
  /// DeleteQueue: as a purge; the queue's own rows go with the last slice.
  void remove();

  // --- what the world brings ---

  void loaded(const LoadResult& result, Timestamp now);
  /// Makes messages visible whose time has come, and starts what else is due.
  virtual void tick(Timestamp now);
  /// Whether blocks that are due by now are still on disk and tick() has asked for them. (One that
  /// it could not ask for yet may be purged, and then no load tells whoever waits for it.)
  virtual bool due_on_disk(Timestamp now) const;
  /// When tick() has something to do, or kNever.
  virtual Timestamp next_event() const;
  /// Asks for more of the backlog if the window runs low. @return whether messages may be on their
  /// way into memory: a short poll waits for them.
  virtual bool fill_window(Timestamp now) = 0;
  /// Takes blocks out of memory, last ones first, until `bytes` are free or nothing more can go.
  virtual void evict(std::size_t bytes, Timestamp now) = 0;
  /// Writes block `number` again at the log's head if it still lies at `place`.
  void relocate(BlockNumber number, const PayloadPlace& place);
  /// A message on its way to a queue of another shard has arrived there: gone from here.
  /// @return on_disk while its block is being loaded.
  Found finish_moving(SequenceNumber sequence);
  /// Or it could not: it is visible here again. @return as finish_moving().
  Found return_moving(SequenceNumber sequence, Timestamp now);

  /// Keeps block `number` from leaving memory, once it is there, until as many unpin().
  void pin(BlockNumber number) { ++pinned_[number]; }
  void unpin(BlockNumber number);

  // --- commits ---

  /// Whether seal() would add anything to the batch besides what is written lazily.
  bool changed() const { return changed_ || open_.has_value(); }
  /// Whether there is state that is written lazily.
  bool has_dirty() const { return !dirty_.empty(); }
  /// Puts into the batch what has changed since the last one. @param flush_all also what is written
  /// lazily.
  void seal(bool flush_all);
  /// The batch that seal() added to is durable. @param places of all its chunks.
  void committed(std::span<const PayloadPlace> places, Timestamp now);

  /// Deleted, and nothing of it is left on disk but its own rows.
  bool gone_from_disk() const { return counters_.deleted && counters_.swept >= counters_.horizon; }
  /// The commit that seal() last added to takes the queue's own rows away.
  bool rows_erased() const { return rows_erased_; }

 protected:
  using Blocks = std::map<BlockNumber, Block>;
  using Phase = SlotState::Phase;

  // The block that the sends of the next commit are packed into.
  struct OpenBlock {
    BlockNumber number = 0;
    IndexRecord index;
    ChunkBuilder chunk;
    std::vector<Fingerprint> ids;  // FIFO: for deduplication; fewer than messages where moved
  };
  // A block on its way into a commit.
  struct SealedBlock {
    BlockNumber number = 0;
    IndexRecord index;
    std::shared_ptr<const std::string> chunk;
    std::vector<Fingerprint> ids;
    std::uint32_t payload = 0;  // number of its chunk in the batch
    bool relocated = false;
  };
  // A window load asks for this much; the window is refilled when less than half of it is left.
  static constexpr std::size_t kWindowBytes = std::size_t{4} << 20;
  // One receive moves no more dead letters than this; the next commit brings the rest.
  static constexpr std::size_t kMoveBytes = std::size_t{1} << 20;

  // A receive that moves all it meets.
  struct Take {
    const Route& route;
    unsigned left = 0;
    QueueId target = {};  // of the message that is about to be moved
  };
  // How a deletion with a handle ends.
  enum class Erasable : std::uint8_t { yes, kept, expired };

  Queue(QueueId id, QueueContext& context, std::string definition, const QueueCounters& counters);

  // --- what the kinds decide ---

  // A state row found at the start.
  virtual void restore_block(BlockNumber number, StateRecord state) = 0;
  // The commit brought a block of messages; it may stay in memory.
  virtual void block_committed(SealedBlock& block, Timestamp now) = 0;
  virtual void after_commit(Timestamp now);
  // A block has come from disk, with its state as it was. @param parked whether it was parked
  // there.
  virtual void taken_up(BlockNumber number, Block& block, bool parked) = 0;
  // A message may be received from now on.
  virtual void slot_waiting(BlockNumber number, Block& block, unsigned slot) = 0;
  // A message is about to be gone.
  virtual void slot_erased(BlockNumber number, Block& block, unsigned slot);
  // A message is on its way to another shard.
  virtual void slot_moving(BlockNumber number, Block& block, unsigned slot);
  // The block's chunk is here, or it has a place again. @param chunk null in the second case.
  virtual void chunk_arrived(BlockNumber number, Block& block,
                             const std::shared_ptr<const std::string>& chunk) = 0;
  // What has happened to the block's messages is to be written.
  virtual void note_state(BlockNumber number, Block& block) = 0;
  virtual Erasable erasable(const Block& block, unsigned slot, const ReceiptHandle& handle,
                            Timestamp now) const = 0;
  // Whether the handle is of the delivery that the message is in. Brings the slot up to date if
  // only the handle remembers that delivery.
  virtual bool may_change(SlotState& state, const ReceiptHandle& handle, Timestamp now) const = 0;
  virtual void loaded_by_kind(const LoadResult& result, Timestamp now) = 0;
  // One more, or one less, message of the group is in flight.
  virtual void entered_flight(GroupKey, Timestamp /*sent_at*/) {}
  virtual void left_flight(GroupKey) {}
  // A consumer had a message of the group for so long, and is about to have it no more.
  virtual void processed(GroupKey, Milliseconds, Timestamp) {}
  // Rows of the kind's own go together with those of a block.
  virtual void seal_block(const SealedBlock& block);
  virtual void erase_rows(BlockNumber number, const IndexRecord& index);
  virtual void forget_messages();
  virtual std::uint64_t delayed() const { return counters_.delayed; }
  virtual std::size_t noisy_groups() const { return 0; }
  // A block was parked until then.
  virtual void note_parked(Timestamp) {}
  virtual GroupSummary summary(GroupKey group) const = 0;
  // Whether a load of the kind's own could bring back a block's old place.
  virtual bool loads_under_way() const = 0;

  // --- what they share ---

  OpenBlock& open_block(std::size_t message_bytes, Timestamp due, bool moved, Timestamp sent_at);
  SequenceNumber added(const OpenBlock& open, std::size_t bytes_before);
  void close_block();

  Block& insert(BlockNumber number, Block block);
  void drop(Blocks::iterator block);
  void drop_chunk(Block& block);
  void keep_chunk(Block& block, std::shared_ptr<const std::string> chunk);
  void recharge(std::size_t before, std::size_t after);
  std::vector<SlotState>& touch(Block& block);
  void list(BlockNumber number, Block& block);
  Block& take_up(const LoadedBlock& loaded, Timestamp now);
  void unpark(const LoadedBlock& loaded, Timestamp now);
  void enter_flight(const IndexRecord& index, unsigned slot);
  void leave_flight(const IndexRecord& index, unsigned slot);
  void enter_flight(const StateRecord& state);
  void leave_in_flight(BlockNumber number, const IndexRecord& index,
                       const std::vector<SlotState>& slots);
  void forget_in_flight(const LoadedBlock& loaded);
  static bool counts_as_in_flight(const SlotState& slot) {
    return slot.phase == Phase::in_flight || slot.phase == Phase::moving;
  }
  static bool any_in_flight(const std::vector<SlotState>& slots);
  static std::uint64_t delayed_in(const LoadedBlock& loaded);

  // The place that the next message of the open block gets.
  MessagePlace next_place(const OpenBlock& open) const {
    return {id_, sequence_of(open.number, open.chunk.count())};
  }
  // A message of a chunk. @return InternalFailure: it is not what was stored there.
  Expected<MessageRecord> record_of(const std::shared_ptr<const std::string>& chunk,
                                    SequenceNumber sequence) const;
  Expected<OpenedMessage> open(const MessageRecord& record, SequenceNumber sequence,
                               const std::shared_ptr<const std::string>& chunk, Timestamp now);
  Delivery deliver(const MessageRecord& record, OpenedMessage opened, BlockNumber number,
                   Block& block, unsigned slot, Milliseconds visibility_timeout, Timestamp now);
  Delivery delivery_of(const MessageRecord& record, OpenedMessage opened, SequenceNumber sequence,
                       const SlotState& state) const;
  DeadLetter dead_letter(const MessageRecord& record, SequenceNumber sequence,
                         const SlotState& state,
                         const std::shared_ptr<const std::string>& chunk) const;
  DeadLetter moved_message(const MessageRecord& record, SequenceNumber sequence, QueueId target,
                           const std::shared_ptr<const std::string>& chunk) const;
  // Whether a receive does not hand the message out but moves it.
  bool must_move(const SlotState& state) const {
    return take_ || (settings_.receive_count_max > 0 && settings_.dead_letter_queue &&
                     state.receive_count >= settings_.receive_count_max);
  }
  bool may_move(const MessageRecord& record, std::size_t moved_bytes);
  void move_slot(BlockNumber number, Block& block, unsigned slot, bool leaves_shard);
  // Whether what must_move() goes to another shard.
  bool moves_leave_shard() const {
    return take_ ? shard_of(take_->target) != shard_of(id_) : settings_.dead_letters_leave_shard;
  }
  Found find(BlockNumber number, Blocks::iterator& block);
  void erase_slot(BlockNumber number, Block& block, unsigned slot);
  void set_deadline(Timestamp at, SequenceNumber sequence);

  bool may_load() const;
  bool expiring() const { return expiring_; }
  Load load_of(Load::Kind kind) const;
  void issue(Load load);
  bool removed(BlockNumber number, const Load& load) const;
  bool evicted(BlockNumber number, const Load& load) const;
  void load_chunk(BlockNumber number, Block& block);
  void note_evicted(BlockNumber number);
  void load_after_commit();
  void evict_over_budget(Timestamp now);

  bool expired(Timestamp sent_at, Timestamp now) const {
    return settings_.retention > 0 && sent_at + settings_.retention <= now;
  }
  void write_state(BlockNumber number, Block& block, Timestamp parked_until);

  const QueueId id_;
  QueueContext& context_;
  QueueSettings settings_;
  QueueCounters counters_;

  Blocks blocks_;                // resident
  std::uint64_t in_flight_ = 0;  // resident or not
  std::size_t resident_bytes_ = 0;
  std::size_t chunk_bytes_ = 0;  // of resident chunks: the window
  BlockNumber frontier_ = 1;
  BlockNumber committed_end_ = 1;  // blocks below it are committed
  unsigned chunks_loading_ = 0;
  std::uint64_t evictions_ = 0;             // rounds of eviction so far
  std::map<BlockNumber, unsigned> pinned_;  // by how many operations
  unsigned relocating_ = 0;                 // in the commit in flight
  std::optional<OpenBlock> open_;
  std::vector<SealedBlock> pending_;  // closed, for the next commit
  std::vector<BlockNumber> dirty_;    // resident blocks with lazily written state
  std::optional<Take> take_;          // while take() runs
  bool changed_ = false;

 private:
  // A block whose rows a commit changes that some load may not have seen.
  struct Rewritten {
    std::uint64_t seal;  // that commit
    BlockNumber number;
  };

  // A message that is in flight in a block that left memory unparked.
  struct LeftInFlight {
    Timestamp until;
    GroupKey group;
  };

  void note_processed(const Block& block, unsigned slot, Timestamp now);
  static Timestamp earliest(const std::vector<LeftInFlight>& left);
  Found find_moving(SequenceNumber sequence, Blocks::iterator& block);
  void rebuild_deadlines();
  void issue_block_loads();
  static bool among(const std::deque<Rewritten>& rewritten, BlockNumber number, const Load& load);
  void loaded_block(const LoadResult& result, Timestamp now);
  void loaded_chunk(const LoadResult& result);
  void loaded_relocation(const LoadResult& result);
  void loaded_sweep(const LoadResult& result);
  void loaded_look(const LoadResult& result, Timestamp now);
  bool look_at(Look& look, const LoadedBlock& loaded, Timestamp now) const;
  bool may_be_wanted(Look& look, const IndexRecord& index, SequenceNumber sequence,
                     Look::Candidate::Slot& found) const;
  std::optional<MessageState> state_of(const IndexRecord& index, const SlotState& slot,
                                       Timestamp now, std::optional<Timestamp>& visible_at) const;
  Found find_message(SequenceNumber sequence, Blocks::iterator& block,
                     std::optional<ApiError>& refusal);
  void park_again(Blocks::iterator block);
  void loaded_expire(const LoadResult& result, Timestamp now);
  void sweep();
  void expire(Timestamp now);
  void expire_from(BlockNumber first);
  void expire_resident(Blocks::iterator block);
  void expire_on_disk(const LoadedBlock& loaded);
  BlockNumber head() const;
  void write_removed(BlockNumber number, Block& block);
  void seal_relocations();

  std::string definition_;
  QueueTraffic traffic_;
  Timestamp oldest_seen_;  // when the message was sent that was last found to be the oldest
  TimerHeap<SequenceNumber> deadlines_;  // of what is in flight and resident
  std::map<BlockNumber, std::vector<LeftInFlight>> left_in_flight_;
  TimerHeap<BlockNumber> left_deadlines_;

  Timestamp next_expiry_ = kNever;             // when to look for messages that are too old
  Timestamp earliest_sent_ = kNever;           // of the blocks that such a look has passed
  std::optional<BlockNumber> expiry_resumes_;  // where it goes on once loads may be asked for
  bool sweeping_ = false;
  bool expiring_ = false;
  std::uint64_t expire_evictions_ = 0;       // evictions_ when its load was asked for
  std::map<BlockNumber, bool> block_loads_;  // wanted by operations; whether asked for yet
  std::set<BlockNumber> missing_;            // lately found by such a load to be gone, for good
  std::map<BlockNumber, std::optional<LoadedBlock>> relocations_;  // wanted; with what was loaded

  std::vector<SealedBlock> sealed_;   // in the commit in flight
  std::vector<BlockNumber> listed_;   // resident blocks with something for the next commit
  std::deque<Rewritten> removed_;     // lately, in order of `seal`
  std::deque<Rewritten> evicted_;     // likewise
  std::vector<std::uint64_t> loads_;  // as_of of each load under way, in order
  std::uint64_t seal_count_ = 0;
  std::uint64_t committed_count_ = 0;
  std::uint64_t evicted_seal_ = 0;  // the commit that holds the last eviction's rows
  bool rows_erased_ = false;
};

}  // namespace millrace
