// StandardQueue: messages in the order of their blocks, as far as that is easily kept and fair.
//
// Every block below the frontier is resident, parked until a time (it has a due row), or gone. For
// messages that are only received and come back, what happens to them is written to disk lazily,
// since losing it means no more than that the message is delivered again.
//
// While there are noisy message groups (consumer_shares.h), messages of all others, the quiet ones,
// are handed out first; among the noisy groups, that one goes first which has the fewest in flight.
// The noisy backlog may be long, and quiet messages lie behind it: a search goes on beyond the
// frontier, over index rows alone, and brings into memory the blocks with a quiet message. So,
// while there are noisy groups, every block below searched_to() that has a quiet message waiting is
// resident, too.
//
// Owned by its Shard, on the shard's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "queue/consumer_shares.h"
#include "queue/queue.h"

namespace millrace {

class StandardQueue final : public Queue {
 public:
  StandardQueue(QueueId id, QueueContext& context, std::string definition,
                const QueueCounters& counters);
  ~StandardQueue() override;

  void finish_restore(Timestamp now) override;
  SequenceNumber send(const NewMessage& message, const std::shared_ptr<SealingKey>& key,
                      Timestamp now) override;
  SequenceNumber accept(const MessageRecord& message, Timestamp now) override;
  Taken receive(const ReceiveRequest& request, std::size_t bytes_max, Timestamp now) override;
  bool held_up() const override { return held_up_; }
  /// Approximate while the search for quiet messages is under way: what it has not seen counts as
  /// quiet.
  QuietCounts quiet_counts() const override;
  void tick(Timestamp now) override;
  bool due_on_disk(Timestamp now) const override { return due_loading_ && next_parked_ <= now; }
  Timestamp next_event() const override;
  bool fill_window(Timestamp now) override;
  void evict(std::size_t bytes, Timestamp now) override;

 private:
  void restore_block(BlockNumber number, StateRecord state) override;
  void block_committed(SealedBlock& block, Timestamp now) override;
  void taken_up(BlockNumber number, Block& block, bool parked) override;
  void slot_waiting(BlockNumber number, Block& block, unsigned slot) override;
  void chunk_arrived(BlockNumber number, Block& block,
                     const std::shared_ptr<const std::string>& chunk) override;
  void note_state(BlockNumber number, Block& block) override;
  Erasable erasable(const Block& block, unsigned slot, const ReceiptHandle& handle,
                    Timestamp now) const override;
  bool may_change(SlotState& state, const ReceiptHandle& handle, Timestamp now) const override;
  void loaded_by_kind(const LoadResult& result, Timestamp now) override;
  GroupSummary summary(GroupKey group) const override;
  void forget_messages() override;
  bool loads_under_way() const override {
    return window_loading_ || due_loading_ || search_loading_;
  }
  void entered_flight(GroupKey group, Timestamp sent_at) override {
    shares_.entered(group, sent_at);
  }
  void left_flight(GroupKey group) override { shares_.left(group); }
  void processed(GroupKey group, Milliseconds time, Timestamp now) override {
    shares_.processed(group, time, now);
  }

  // What is known of a noisy group besides its share.
  struct Noisy {
    Timestamp sent_at;            // its last message
    std::set<BlockNumber> ready;  // resident blocks that may have a message of it to hand out
    std::uint64_t on_disk = 0;    // messages that the search has passed, or the window not kept
    std::uint64_t delayed = 0;
  };
  using NoisyGroups = std::map<GroupKey, Noisy>;
  // A receive under way.
  struct Taking {
    const ReceiveRequest& request;
    std::size_t bytes_max;
    Timestamp now;
    Taken& taken;
    std::size_t bytes = 0;       // of bodies
    std::size_t dead_bytes = 0;  // of dead letters
    std::size_t passed_over = 0;
    bool full = false;
    // From where on each noisy group is looked through; what comes before has had its turn.
    std::map<GroupKey, SequenceNumber> reached = {};
  };

  GroupKey group_of(std::string_view group_id) const;
  static void add_group(OpenBlock& open, GroupKey group);

  void make_ready(BlockNumber number, Block& block);
  void push_ready(BlockNumber number, Block& block);
  BlockNumber pop_ready();
  bool read_first(std::size_t count);
  std::size_t read_quiet(std::size_t count);
  template <class Wanted>
  std::size_t read_block(BlockNumber number, Block& block, const Wanted& wanted);
  void take_quiet(Taking& taking);
  void take_noisy(Taking& taking);
  bool take_from_group(NoisyGroups::iterator noisy, Taking& taking);
  void take_slot(BlockNumber number, Block& block, unsigned slot, Taking& taking);
  static void pass_over(const ApiError& error, Taking& taking);

  std::size_t noisy_groups() const override { return noisy_.size(); }
  bool is_noisy(GroupKey group) const { return noisy_.contains(group); }
  bool any_quiet(const IndexRecord& index, const std::vector<SlotState>& slots) const;
  bool make_noisy(GroupKey group);
  void make_quiet(NoisyGroups::iterator noisy);
  void review_noisy(Timestamp now);
  std::vector<NoisyGroups::iterator> noisy_in_order();
  BlockNumber searched_to() const { return std::max(searched_to_, frontier_); }
  void search_again();
  bool search_first();
  void search();
  void loaded_search(const LoadResult& result, Timestamp now);
  void count_on_disk(const IndexRecord& index, const std::vector<SlotState>& slots, bool more);
  void forget_delayed(const IndexRecord& index);
  bool evict_blocks(std::size_t target, bool quiet_too, Timestamp now);
  void charge();

  void load_due(Timestamp now);
  void loaded_window(const LoadResult& result, Timestamp now);
  void loaded_due(const LoadResult& result, Timestamp now);
  void note_parked(Timestamp at) override;

  std::vector<BlockNumber> ready_;       // a min-heap: blocks that may have something to hand out
  Timestamp next_parked_ = kNever;       // not later than the first due row
  Timestamp parked_meanwhile_ = kNever;  // the earliest that was parked during a due load
  bool held_up_ = false;
  bool window_loading_ = false;
  bool due_loading_ = false;
  BlockNumber window_end_ = 0;          // committed_end_ when the window load was asked for
  std::uint64_t window_evictions_ = 0;  // evictions_ when the window load was asked for
  std::uint64_t due_evictions_ = 0;     // and the due load

  ConsumerShares shares_;
  NoisyGroups noisy_;
  BlockNumber searched_to_ = 0;
  bool search_loading_ = false;
  BlockNumber search_end_ = 0;          // committed_end_ when the search's load was asked for
  std::uint64_t search_evictions_ = 0;  // evictions_ then
  std::size_t charged_ = 0;             // for shares_, of memory.used
};

}  // namespace millrace
