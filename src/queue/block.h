// Block: up to 64 messages of one queue, as memory holds them, and ShardMemory, which they are
// charged to.
//
// A block is resident (here) or on disk only. Its chunk (the bodies) is kept while a message of it
// may be delivered, and dropped while all are in flight.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "queue/records.h"

namespace millrace {

/// Bytes that the queues of one shard may keep in memory. Owned by the shard, on its thread.
struct ShardMemory {
  std::size_t limit = 0;
  std::size_t used = 0;

  bool over() const { return used > limit; }
  bool room_for(std::size_t bytes) const { return used + bytes <= limit; }
};

struct Block {
  IndexRecord index;  // its place is known once the block is committed
  std::shared_ptr<const std::string> chunk;
  std::vector<SlotState> slots;  // empty while nothing has happened to any message
  std::uint8_t live = 0;         // messages not deleted
  bool committed = false;
  bool state_on_disk = false;  // a state row exists
  bool dirty = false;          // memory knows more than the state row
  bool listed = false;         // among the blocks that the next commit looks at
  bool write_state = false;    // the next commit must hold its state
  bool in_ready = false;       // its number is in the queue's ready heap
  bool loading_chunk = false;
  bool damaged = false;       // its chunk cannot be read: its messages stay, and are passed over
  bool relocating = false;    // written again in the commit in flight; its place is about to change
  std::uint64_t grouped = 0;  // FIFO: the messages that are members of their groups, as a bit map
  std::optional<Timestamp> due_row;  // a due row still on disk, to be erased by the next commit
  // It was parked until then and is here for an operation only: the next commit parks it again. Its
  // messages that wait are delayed.
  std::optional<Timestamp> parked_until;

  /// What it is charged at, its chunk aside.
  std::size_t fixed_bytes() const {
    constexpr std::size_t kMapNode = 64;   // of the ordered map that holds it, with its key
    constexpr std::size_t kDeadline = 32;  // of its messages in the heap of deadlines, with slack
    return sizeof(Block) + kMapNode + slots.capacity() * (sizeof(SlotState) + kDeadline) +
           index.groups.capacity() * sizeof(GroupKey);
  }
  std::size_t charged() const {
    constexpr std::size_t kString = 64;  // what holds the chunk's bytes
    return fixed_bytes() + (chunk ? chunk->capacity() + kString : 0);
  }

  /// Whether message `slot` may be handed out. The time is not asked: what was visible once stays
  /// so where the clock has gone back at a start.
  bool deliverable(unsigned slot) const {
    if (parked_until) return false;
    return slots.empty() || slots[slot].phase == SlotState::Phase::waiting;
  }
};

}  // namespace millrace
