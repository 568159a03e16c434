// Shard: the queues of one shard. The pure heart of the server: every operation takes `now` and
// adds what it wants from the world to Effects (effects.h).
//
// No sockets, no disk, no threads, no clock: the same code runs in production, in unit tests,
// against the naive model and in the simulator. Owned by a Loop (loop.h), on its thread.
//
// Operations on a delivered message may find that its block is on disk only. They then ask for it,
// do nothing else, and say so (blocks_wanted()); the loop runs the operation again once the block
// is here. Callers never see it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "crypt/data_keys.h"
#include "model/message.h"
#include "queue/block.h"
#include "queue/effects.h"
#include "queue/look.h"
#include "queue/move_tasks.h"
#include "queue/queue.h"
#include "queue/recent_consumers.h"
#include "queue/transfers.h"
#include "queue/waiters.h"

namespace millrace {

struct ShardOptions {
  std::uint16_t number = 0;  // of the shard: the upper 16 bits of its QueueIds
  std::uint32_t epoch = 0;   // of its store (Store::epoch())
  std::size_t memory_bytes = std::size_t{256} << 20;   // for windows and what is in flight
  std::size_t batch_bytes_max = std::size_t{3} << 20;  // of one commit, but for a last message
  std::size_t reply_bytes = std::size_t{128} << 20;    // of replies that are not yet written
  const ReceiptSealer* sealer = nullptr;               // outlives the shard
  const MessageIdCipher* ids = nullptr;                // outlives the shard
  const Fingerprinter* fingerprints = nullptr;         // outlives the shard
  const KeyProvider* keys = nullptr;                   // outlives the shard
  /// The queue that an ARN names, on any shard: where a move task takes dead letters back to.
  std::function<std::optional<QueueId>(std::string_view arn)> find_queue = {};
};

/// What a send answers for each message.
struct SentMessage {
  MessageId id{};
  SequenceNumber sequence;
};

/// What lists of queues tell of one.
struct QueueOverview {
  QueueId queue;
  QueueCounts counts;
  Timestamp oldest_sent_at = kNever;      // see Queue::oldest_sent_at()
  std::optional<Timestamp> last_receive;  // since the start
};

/// A receive that waits.
struct WaitingConsumer {
  std::string source_address;
  std::string principal_arn;
  std::string user_agent;
  Timestamp since;
  Timestamp until;
};

struct Consumers {
  std::vector<WaitingConsumer> waiting;
  std::vector<RecentConsumer> recent;
  std::optional<Timestamp> last_receive;
};

/// What became of a message that was named by its place: nothing yet, done, or refused.
struct MessageOutcome {
  bool done = false;
  std::optional<ApiError> refusal = {};
  bool ended() const { return done || refusal; }
};

/// A message that is to be moved.
struct MessageToTake {
  SequenceNumber sequence;
  std::shared_ptr<const std::string> chunk;  // of its block
};

/// A block that an operation waits for; or, as kDueBlocks, all blocks of the queue that are due.
inline constexpr BlockNumber kDueBlocks = UINT64_MAX;
struct BlockWanted {
  QueueId queue;
  BlockNumber block = 0;
  friend auto operator<=>(const BlockWanted&, const BlockWanted&) = default;
};

class Shard {
 public:
  /// @param effects outlives the shard.
  Shard(const ShardOptions& options, Effects& effects);

  // --- restoring: rows of the store, family by family, then finish_restore() ---

  /// The families to restore, in this order.
  static constexpr std::array kRestored{Family::meta,     Family::queues, Family::names,
                                        Family::state,    Family::groups, Family::deduplication,
                                        Family::transfers};
  /// Takes up one row. @return false if the row is malformed (the store is corrupt).
  bool restore(Family family, std::string_view key, std::string_view value);
  void finish_restore(Timestamp now);
  /// The last time that the store remembers: the clock must not start before it.
  Timestamp last_time() const { return last_time_; }
  /// Definitions of all queues, for the directory.
  std::vector<std::pair<QueueId, std::string>> definitions() const;
  /// Rows of Family::names (shard 0 only), for the directory.
  const std::map<std::string, std::string>& names() const { return names_; }

  // --- queues ---

  /// Makes a queue. @param definition what the directory wants to read again after a restart.
  QueueId create_queue(std::string definition, QueueSettings settings, Timestamp now);
  /// Replaces a queue's definition and settings. @return QueueDoesNotExist.
  Expected<void> define_queue(QueueId queue, std::string definition, QueueSettings settings);
  /// Replaces the settings in memory alone: they follow from definitions (of other queues, too).
  /// After a start, the queue's move task goes on from here.
  void configure_queue(QueueId queue, QueueSettings settings);
  /// @return QueueDoesNotExist. Waiting receives end with it as well.
  Expected<void> delete_queue(QueueId queue);
  /// @param interval two purges must be this far apart; 0 relaxes the rule.
  /// @return QueueDoesNotExist or PurgeQueueInProgress (without the queue's name in its text).
  Expected<void> purge_queue(QueueId queue, Milliseconds interval, Timestamp now);
  /// The counts as of `now`: what has become due by then is taken into account first.
  /// @return QueueDoesNotExist.
  Expected<QueueCounts> counts(QueueId queue, Timestamp now);
  /// What has happened in the queues since the last call, and how they stand: news of those in
  /// which something may have happened alone, so that the others cost nothing.
  std::vector<QueueActivity> take_activity();
  /// What the metrics of fair queues tell. @return QueueDoesNotExist.
  Expected<QuietCounts> quiet_counts(QueueId queue, Timestamp now);
  /// Sets or, with an empty value, removes a row of Family::names.
  void set_name(const std::string& key, std::string_view value);

  // --- move tasks ---

  /// Starts to move the visible messages of `source`, also those that become visible meanwhile.
  /// @return QueueDoesNotExist; InvalidParameterValue if a task is active already.
  Expected<MoveTask> start_move_task(QueueId source, const NewMoveTask& wanted, Timestamp now);
  /// What was taken already goes on. @return how many messages were moved by now; QueueDoesNotExist
  /// or the errors of MoveTasks::cancel().
  Expected<std::uint64_t> cancel_move_task(QueueId source, std::string_view id);
  /// The last tasks of `source`, newest first. @return QueueDoesNotExist.
  Expected<std::vector<MoveTask>> move_tasks(QueueId source) const;
  /// The queues with an active task.
  std::vector<QueueId> moving() const { return move_tasks_.active(); }

  // --- messages ---

  /// Stores messages, in order; to a FIFO queue, those that were not sent in the last five minutes
  /// already. @return QueueDoesNotExist; ServiceUnavailable when the disk is nearly full;
  /// RequestThrottled when memory has no room for more deduplication ids; the errors of
  /// KeyProvider::make_data_key().
  Expected<std::vector<SentMessage>> send(QueueId queue, std::span<const NewMessage> messages,
                                          Timestamp now);

  /// Registers a receive; its reply comes through Effects::replies, maybe at once.
  void receive(WaiterId waiter, const ReceiveRequest& request, Timestamp now);
  /// Forgets a waiting receive whose client has gone. One whose reply waits for dead letters to
  /// arrive at another shard takes its deliveries back. @return false if it was answered already.
  bool cancel(WaiterId waiter, Timestamp now);
  /// Answers every waiting receive with nothing: the shard is about to stop.
  void end_receives();
  /// Takes deliveries back whose reply nobody got.
  void undo(QueueId queue, std::span<const ReceiptHandle> handles, Timestamp now);

  /// DeleteMessage, for each handle. Deleting what is gone is a success; in a FIFO queue a delivery
  /// whose visibility timeout is over deletes nothing.
  /// @param handles parsed from their texts; all of `queue`.
  /// @return what became of each, or QueueDoesNotExist.
  Expected<std::vector<Erased>> erase(QueueId queue, std::span<const ReceiptHandle> handles,
                                      Timestamp now);

  struct VisibilityChange {
    ReceiptHandle handle;
    std::string_view text;  // of the handle, for the error's text
    Milliseconds timeout = 0;
  };
  /// ChangeMessageVisibility for each. @return one result per change (InvalidParameterValue where
  /// the message is gone or the 12 hours are over), or QueueDoesNotExist.
  Expected<std::vector<std::optional<ApiError>>> change_visibility(
      QueueId queue, std::span<const VisibilityChange> changes, Timestamp now);

  // --- what the console asks ---

  /// What there is to tell of the queues that this shard has; a queue that is gone is left out.
  std::vector<QueueOverview> overview(std::span<const QueueId> queues, Timestamp now);
  /// Looks at the next slice of the look's queue. @return QueueDoesNotExist.
  Expected<void> look(const std::shared_ptr<Look>& look, Timestamp now);
  /// The places that ids name in `queue`; nothing where one names no place of it.
  std::vector<std::optional<SequenceNumber>> places(QueueId queue,
                                                    std::span<const MessageId> ids) const;
  /// Deletes messages, whatever their state. @param outcomes one for each; those that have ended
  /// are left alone. @return QueueDoesNotExist.
  Expected<void> erase_messages(QueueId queue, std::span<const SequenceNumber> sequences,
                                std::vector<MessageOutcome>& outcomes, Timestamp now);
  /// Moves messages that are available or delayed to `target`, of the same kind, as new messages.
  /// @param messages in the order in which they are to follow each other. @param outcomes as above;
  /// where the batch is full, the rest is left for the next call. @return QueueDoesNotExist.
  Expected<void> move_messages(QueueId source, QueueId target,
                               std::span<const MessageToTake> messages,
                               std::vector<MessageOutcome>& outcomes, Timestamp now);
  /// Who receives. @return QueueDoesNotExist.
  Expected<Consumers> consumers(QueueId queue) const;
  /// The last task of each queue that had one.
  std::vector<std::pair<QueueId, MoveTask>> last_move_tasks() const;

  // --- the world's side: for the loop ---

  /// Blocks that the operation which just ran waits for; empties the list. Not empty: the operation
  /// did nothing and is to be run again when they have been loaded. Until unpin() they stay.
  std::vector<BlockWanted> blocks_wanted() { return std::exchange(wanted_, {}); }
  /// The operation that wanted the blocks needs them no more. @param blocks as blocks_wanted() gave
  /// them, each as often.
  void unpin(const std::vector<BlockWanted>& blocks);

  void loaded(const LoadResult& result, Timestamp now);
  /// Writes the chunk at `place` again at the head of the log, if it is still in use there.
  void relocate(std::string_view owner_key, const PayloadPlace& place, Timestamp now);
  /// Does what is due: visibility, delays, retention, ends of polls, what a full batch held up.
  void tick(Timestamp now);
  /// When tick() has something to do, or kNever.
  Timestamp next_event() const;
  /// When seal() is due for what is written lazily, or kNever.
  Timestamp next_flush() const { return next_flush_; }

  /// Whether the next commit has all that it should carry: operations wait for the one after.
  bool batch_full() const { return context_.batch_full(); }
  /// Whether seal() would write anything. @return also true where only lazy writes are due.
  bool has_changes(Timestamp now) const;
  /// Completes Effects::writes with everything that has changed. @param flush_all also what may be
  /// written lazily (before a clean stop).
  void seal(Timestamp now, bool flush_all);
  /// The batch is durable.
  void committed(std::span<const PayloadPlace> places, Timestamp now);

  /// A transfer from another shard, of a dead letter or for a move task: stored in the next commit,
  /// or ignored if it was before. The answer comes through Effects::transfer_results when it is
  /// durable.
  void apply_transfer(const Transfer& transfer, Timestamp now);
  /// The answer to a transfer of ours.
  void transfer_done(const TransferResult& result, Timestamp now);
  /// `shard` was opened again: it may have forgotten what it had not answered.
  void resend_transfers(std::uint16_t shard) { transfers_.resend(shard); }

  /// Sends are refused and move tasks wait while the disk is nearly full. @param cause for the
  /// error's text; empty: sends are taken again.
  void refuse_sends(std::string cause);

  struct Usage {
    std::size_t memory_used = 0;
    std::size_t reply_bytes = 0;
    std::size_t waiters = 0;
    std::size_t queues = 0;
  };
  Usage usage() const;

 private:
  struct Entry {
    std::unique_ptr<Queue> queue;
    std::list<QueueId>::iterator recent;  // its place in recent_
    Timestamp wake = kNever;              // its earliest timer in wakes_
    bool changed = false;                 // among changed_
    bool dirty = false;                   // among dirty_
    // Of its replies that are under way; these hold it, too.
    std::shared_ptr<std::atomic<std::size_t>> reply_bytes =
        std::make_shared<std::atomic<std::size_t>>(0);
    bool stalled = false;  // among stalled_
    bool active = false;   // among active_
    RecentConsumers consumers = {};
    std::optional<Timestamp> last_receive = {};
  };
  // A reply that waits for transfers to other shards, though not for ever.
  struct HeldReply {
    ReceiveReply reply;
    QueueId queue;
    Timestamp deadline;
    std::set<std::uint64_t> transfers;
  };

  bool restore_queue(const QueueRowKey& row, std::string_view value);
  Entry* entry(QueueId queue);  // deleted ones too
  Entry* find(QueueId queue);
  const Queue* find(QueueId queue) const;
  Entry& add(std::unique_ptr<Queue> queue);
  void use(Entry& entry);
  void after(Entry& entry, Timestamp now);
  void note_active(Entry& entry);
  void note_empty_receive(QueueId queue);
  void serve(Entry& entry, Timestamp now);
  void stall(Entry& entry);
  void work(Entry& entry, Timestamp now);
  void advance_move_task(Entry& entry, Timestamp now);
  std::optional<QueueId> target_of(const MoveTaskRecord& task, QueueId source,
                                   const MessageRecord& message, std::string_view& failure);
  bool may_reply(const Entry& entry) const;
  void refuse_short_polls(Queue& queue);
  void end_short_polls(QueueId queue);
  void answer(WaiterId waiter, Expected<ReceiveResult> result);
  std::set<std::uint64_t> move(QueueId source, std::span<const DeadLetter> letters,
                               MoveTaskNumber task, Timestamp now);
  bool want(Found found, QueueId queue, SequenceNumber sequence);
  void want(QueueId queue, BlockNumber block);
  void prepare(Look& look) const;
  void make_room(Timestamp now);
  void hold(WaiterId waiter, QueueId queue, ReceiveResult result, std::set<std::uint64_t> transfers,
            Timestamp now);
  void release_held(Timestamp now);

  ShardOptions options_;
  Effects& effects_;
  ShardMemory memory_;
  DataKeys data_keys_;
  QueueContext context_;
  Transfers transfers_;
  MoveTasks move_tasks_;

  std::unordered_map<QueueId, Entry> queues_;
  std::list<QueueId> recent_;  // most recently used first
  std::vector<QueueId> changed_;
  std::vector<QueueId> dirty_;   // with state that is written lazily
  std::vector<QueueId> sealed_;  // in the commit in flight
  // Their receives and move tasks go on once the batch being filled has room for more.
  std::vector<QueueId> stalled_;
  std::vector<QueueId> active_;       // since take_activity()
  std::vector<QueueActivity> ended_;  // of the queues that have left queues_ since
  TimerHeap<QueueId> wakes_;
  Waiters waiters_;
  std::vector<BlockWanted> wanted_;
  std::vector<HeldReply> held_;            // in order of their deadlines
  std::vector<TransferResult> applying_;   // durable with the batch being filled
  std::vector<TransferResult> applied_;    // with the one in flight
  std::vector<TransferResult> finishing_;  // their messages' blocks are being loaded
  std::map<std::string, std::string> names_;
  std::map<QueueId, std::string> restored_definitions_;
  std::shared_ptr<std::atomic<std::size_t>> reply_bytes_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  std::uint64_t next_queue_ = 1;
  BlockNumber next_ticket_ = kDueBlocks - 1;  // of a look
  Timestamp last_time_;
  Timestamp next_flush_ = kNever;  // of lazily written state
  std::string refusal_;
};

}  // namespace millrace
