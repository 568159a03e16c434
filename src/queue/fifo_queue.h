// FifoQueue: messages in the order of sending within each message group, the groups side by side.
//
// Blocks become part of the order one after the other, at the frontier: their messages become
// members of their groups (message_groups.h). When memory is short while everything in it waits
// behind messages in flight, members are filed: a row of their group names their block, and they
// are read again when their turn comes. So the frontier can always go on to find other groups,
// however much lies behind a blocked one, and each message is passed over once.
//
//   a message in a block below the frontier is a member of its group, or filed
//   a message in a block from the frontier on is neither; it is met when the frontier gets there
//
// All that happens to a message is durable before anybody is told, receives too: a crash never
// hands out a group that is locked.
//
// Owned by its Shard, on the shard's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue/deduplication.h"
#include "queue/message_groups.h"
#include "queue/queue.h"
#include "queue/receive_attempts.h"

namespace millrace {

class FifoQueue final : public Queue {
 public:
  FifoQueue(QueueId id, QueueContext& context, std::string definition,
            const QueueCounters& counters);
  ~FifoQueue() override;

  void set_settings(QueueSettings settings) override;
  bool restore_group(GroupKey group, BlockNumber block) override;
  bool restore_deduplication(const DeduplicationKey& key, std::string_view value) override;
  void finish_restore(Timestamp now) override;

  bool may_send(std::size_t count, Timestamp now) override;
  SequenceNumber send(const NewMessage& message, const std::shared_ptr<SealingKey>& key,
                      Timestamp now) override;
  SequenceNumber accept(const MessageRecord& message, Timestamp now) override;
  Taken receive(const ReceiveRequest& request, std::size_t bytes_max, Timestamp now) override;
  bool repeats_attempt(const ReceiveRequest& request, Timestamp now) override;
  bool held_up() const override { return held_up_; }
  void tick(Timestamp now) override;
  bool due_on_disk(Timestamp now) const override;
  Timestamp next_event() const override;
  bool fill_window(Timestamp now) override;
  void evict(std::size_t bytes, Timestamp now) override;

 private:
  // A receive under way.
  struct Taking {
    const ReceiveRequest& request;
    std::size_t bytes_max;
    Timestamp now;
    Taken& taken;
    std::size_t bytes = 0;
    std::size_t dead_bytes = 0;
    bool full = false;
  };
  // Messages of a block whose delay is not over.
  struct Delayed {
    Timestamp sent_at;
    std::uint64_t count;
  };

  void restore_block(BlockNumber number, StateRecord state) override;
  void block_committed(SealedBlock& block, Timestamp now) override;
  void after_commit(Timestamp now) override;
  void taken_up(BlockNumber, Block&, bool) override {}
  void slot_waiting(BlockNumber number, Block& block, unsigned slot) override;
  void slot_erased(BlockNumber number, Block& block, unsigned slot) override;
  void slot_moving(BlockNumber number, Block& block, unsigned slot) override;
  GroupSummary summary(GroupKey group) const override;
  void chunk_arrived(BlockNumber number, Block& block,
                     const std::shared_ptr<const std::string>& chunk) override;
  void note_state(BlockNumber number, Block& block) override;
  Erasable erasable(const Block& block, unsigned slot, const ReceiptHandle& handle,
                    Timestamp now) const override;
  bool may_change(SlotState& state, const ReceiptHandle& handle, Timestamp now) const override;
  void loaded_by_kind(const LoadResult& result, Timestamp now) override;
  void seal_block(const SealedBlock& block) override;
  void erase_rows(BlockNumber number, const IndexRecord& index) override;
  void forget_messages() override;
  std::uint64_t delayed() const override { return delayed_count_; }
  bool loads_under_way() const override { return window_loading_ || group_loads_ > 0; }

  // --- the order ---
  bool due(const IndexRecord& index, Timestamp now) const {
    return settings_.delay == 0 || index.sent_at + settings_.delay <= now;
  }
  void pass(BlockNumber number, Block& block);
  void pass_resident(Timestamp now);
  void file(BlockNumber number, GroupKey group);
  bool all_filed(BlockNumber number, const Block& block) const;
  bool may_leave(BlockNumber number, const Block& block) const;

  // --- receiving ---
  bool read_first(std::size_t count, Timestamp now);
  void take_from(GroupKey group, Taking& taking);
  static void pass_over(const ApiError& error, Taking& taking);
  bool repeat_attempt(const ReceiveRequest& request, Timestamp now, Taken& taken);
  void pin_attempt(const std::string& id, const AttemptRecord& attempt);
  void unpin_attempt();
  void repeat(const Fingerprint& id, AttemptRecord& attempt, const ReceiveRequest& request,
              Timestamp now, Taken& taken);
  void remember_attempt(const ReceiveRequest& request, Timestamp now, const Taken& taken);
  void write_attempt(const Fingerprint& id, const AttemptRecord& attempt);

  // --- the backlog ---
  void load_group(GroupKey group);
  void loaded_window(const LoadResult& result, Timestamp now);
  void loaded_group(const LoadResult& result, Timestamp now);
  void loaded_recent(const LoadResult& result, Timestamp now);

  // --- memory ---
  void make_way();
  void drop_chunks(std::size_t target, bool useful_too);
  void evict_blocks(std::size_t target, bool useful_too);
  bool useful(BlockNumber number, const Block& block) const;
  bool file_members(BlockNumber number, Block& block);
  void forget_members(BlockNumber number, Block& block);

  // --- time ---
  void prune(Timestamp now);
  Timestamp next_prune() const;
  void note_delayed(BlockNumber number, Timestamp sent_at, std::uint64_t count);
  void count_delayed(Timestamp now);
  void charge();

  MessageGroups groups_;
  Deduplication deduplication_;
  std::vector<Deduplication::Sent> restored_;  // until finish_restore()
  ReceiveAttempts attempts_;
  std::size_t charged_ = 0;  // for these three and what is delayed
  std::size_t charged_deduplication_ = 0;

  BlockNumber resident_end_ = 1;          // blocks from the frontier to here are resident
  Timestamp frontier_sent_at_ = kNever;   // of the block at the frontier, if that is why it stands
  Timestamp held_back_sent_at_ = kNever;  // of the first message that a raised delay holds back
  bool held_up_ = false;
  bool searching_ = false;  // nothing in memory may be received, and somebody asked
  bool crowded_ = false;    // the commit that has ended brought what memory has no room for
  bool window_loading_ = false;
  BlockNumber window_end_ = 0;          // committed_end_ when the window load was asked for
  std::uint64_t window_evictions_ = 0;  // evictions_ when the window load was asked for
  unsigned group_loads_ = 0;
  std::string repeated_;                      // the attempt that waits, or waited last
  std::vector<BlockNumber> repeated_blocks_;  // of its messages, pinned
  bool attempt_loading_ = false;              // it waits for some of them

  std::map<BlockNumber, Delayed> delayed_;
  std::uint64_t delayed_count_ = 0;
  bool delay_changed_ = false;  // and tick() has not looked since
  bool count_wanted_ = false;   // of what was delayed before the queue had its delay
  bool counting_ = false;
  Timestamp erased_until_;  // rows of ids and attempts before it are gone from disk
  bool pruned_ = false;     // there are later ones that memory has forgotten
};

}  // namespace millrace
