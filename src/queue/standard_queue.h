// StandardQueue: messages in the order of their blocks, as far as that is easily kept.
//
// Every block below the frontier is resident, parked until a time (it has a due row), or gone. For
// messages that are only received and come back, what happens to them is written to disk lazily,
// since losing it means no more than that the message is delivered again.
//
// Owned by its Shard, on the shard's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "queue/queue.h"

namespace millrace {

class StandardQueue final : public Queue {
 public:
  StandardQueue(QueueId id, QueueContext& context, std::string definition,
                const QueueCounters& counters);

  void finish_restore(Timestamp now) override;
  SequenceNumber send(const NewMessage& message, Timestamp now) override;
  SequenceNumber accept(const StoredMessage& message, const std::optional<MessageOrigin>& origin,
                        Timestamp now) override;
  Taken receive(const ReceiveRequest& request, std::size_t bytes_max, Timestamp now) override;
  bool held_up() const override { return held_up_; }
  void tick(Timestamp now) override;
  bool due_on_disk(Timestamp now) const override { return due_loading_ && next_parked_ <= now; }
  Timestamp next_event() const override;
  bool fill_window(Timestamp now) override;
  void evict(std::size_t bytes, Timestamp now) override;

 private:
  void restore_block(BlockNumber number, StateRecord state) override;
  void block_committed(SealedBlock& block, Timestamp now) override;
  void taken_up(BlockNumber number, Block& block) override;
  void slot_waiting(BlockNumber number, Block& block, unsigned slot) override;
  void chunk_arrived(BlockNumber number, Block& block,
                     const std::shared_ptr<const std::string>& chunk, Timestamp now) override;
  void note_state(BlockNumber number, Block& block) override;
  Erasable erasable(const Block& block, unsigned slot, const ReceiptHandle& handle,
                    Timestamp now) const override;
  bool may_change(SlotState& state, const ReceiptHandle& handle, Timestamp now) const override;
  void loaded_by_kind(const LoadResult& result, Timestamp now) override;
  void forget_messages() override;
  bool loads_under_way() const override { return window_loading_ || due_loading_; }

  void make_ready(BlockNumber number, Block& block);
  bool read_first(std::size_t count, Timestamp now);
  void load_due(Timestamp now);
  void loaded_window(const LoadResult& result, Timestamp now);
  void loaded_due(const LoadResult& result, Timestamp now);
  void note_parked(Timestamp at);

  std::vector<BlockNumber> ready_;       // a min-heap: blocks that may have something to hand out
  Timestamp next_parked_ = kNever;       // not later than the first due row
  Timestamp parked_meanwhile_ = kNever;  // the earliest that was parked during a due load
  bool held_up_ = false;
  bool window_loading_ = false;
  bool due_loading_ = false;
  BlockNumber window_end_ = 0;          // committed_end_ when the window load was asked for
  std::uint64_t window_evictions_ = 0;  // evictions_ when the window load was asked for
  std::uint64_t due_evictions_ = 0;     // and the due load
};

}  // namespace millrace
