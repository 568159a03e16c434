#include "queue/standard_queue.h"

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "base/limits.h"

namespace millrace {

namespace {

// A window load asks for no more blocks than this.
constexpr std::uint32_t kWindowBlocks = 1024;

// Whether the handle names a delivery that a crash has made the slot forget.
bool forgotten(const SlotState& slot, const ReceiptHandle& handle) {
  return handle.epoch > slot.epoch ||
         (handle.epoch == slot.epoch && handle.delivery > slot.delivery);
}

// Whether the message was not delivered again after the delivery that the handle names.
bool latest(const SlotState& slot, const ReceiptHandle& handle) {
  return (slot.delivery == handle.delivery && slot.epoch == handle.epoch) ||
         forgotten(slot, handle);
}

}  // namespace

StandardQueue::StandardQueue(QueueId id, QueueContext& context, std::string definition,
                             const QueueCounters& counters)
    : Queue(id, context, std::move(definition), counters) {}

// --- restoring ---

void StandardQueue::restore_block(BlockNumber number, StateRecord state) {
  const std::uint64_t in_flight = in_flight_of(state.slots);
  if (state.parked_until != Timestamp{}) {
    in_flight_ += in_flight;
    return;  // it comes back when it is due
  }
  LoadedBlock loaded;
  loaded.number = number;
  loaded.index = state.index;
  loaded.state = std::move(state);
  if (in_flight > 0 && context_.memory.room_for(0)) {
    take_up(loaded, Timestamp{});
  } else {
    in_flight_ += in_flight;
    leave_in_flight(number, loaded.state->slots);
    frontier_ = std::min(frontier_, number);
  }
}

void StandardQueue::finish_restore(Timestamp now) {
  if (counters_.parked > 0) next_parked_ = Timestamp{};
  Queue::finish_restore(now);
}

// --- sending ---

SequenceNumber StandardQueue::send(const NewMessage& message, Timestamp now) {
  const Timestamp due = message.delay > 0 ? now + message.delay : Timestamp{};
  OpenBlock& open = open_block(message.body.size(), due, false, now);
  const std::size_t before = open.chunk.bytes();
  open.chunk.add(message, now);
  return added(open, before);
}

SequenceNumber StandardQueue::accept(const StoredMessage& message,
                                     const std::optional<MessageOrigin>& origin, Timestamp now) {
  StoredMessage stored = message;
  if (!origin) stored.sent_at = now;
  OpenBlock& open =
      open_block(message.body.size(), Timestamp{}, origin.has_value(), stored.sent_at);
  const std::size_t before = open.chunk.bytes();
  open.chunk.add_moved(stored, origin);
  return added(open, before);
}

void StandardQueue::block_committed(SealedBlock& sealed, Timestamp) {
  if (sealed.index.due != Timestamp{}) {
    note_parked(sealed.index.due);
    if (frontier_ == sealed.number) frontier_ = sealed.number + 1;
    return;
  }
  if (frontier_ != sealed.number || !context_.memory.room_for(sealed.chunk->size() + 256)) return;
  frontier_ = sealed.number + 1;
  Block block;
  block.index = std::move(sealed.index);
  block.chunk = std::move(sealed.chunk);
  block.live = block.index.count;
  make_ready(sealed.number, insert(sealed.number, std::move(block)));
}

// --- what waits ---

void StandardQueue::make_ready(BlockNumber number, Block& block) {
  if (block.in_ready) return;
  block.in_ready = true;
  ready_.push_back(number);
  std::push_heap(ready_.begin(), ready_.end(), std::greater<>{});
}

void StandardQueue::taken_up(BlockNumber number, Block& block) {
  const auto waits = [](const SlotState& slot) { return slot.phase == Phase::waiting; };
  if (block.slots.empty() || std::ranges::any_of(block.slots, waits)) {
    make_ready(number, block);
  } else {
    drop_chunk(block);
  }
}

void StandardQueue::slot_waiting(BlockNumber number, Block& block, unsigned) {
  make_ready(number, block);
}

void StandardQueue::chunk_arrived(BlockNumber number, Block& block,
                                  const std::shared_ptr<const std::string>& chunk, Timestamp now) {
  if (chunk == nullptr) return make_ready(number, block);  // a receive may have passed it over
  for (unsigned slot = 0; slot < block.index.count; ++slot) {
    if (!block.deliverable(slot, now)) continue;
    keep_chunk(block, chunk);
    return make_ready(number, block);
  }
}

void StandardQueue::note_state(BlockNumber number, Block& block) {
  if (block.dirty) return;
  block.dirty = true;
  dirty_.push_back(number);
  // Blocks that are deleted before their state is ever written leave their numbers behind.
  if (dirty_.size() > 2 * blocks_.size() + 1024) {
    std::erase_if(dirty_, [this](BlockNumber n) {
      const auto it = blocks_.find(n);
      return it == blocks_.end() || !it->second.dirty;
    });
  }
}

// --- receiving ---

// Asks for the chunks that a receive of `count` messages needs and memory has not. @return whether
// to wait for them: a receive gives all that it can. When memory is short, a part is better than
// blocks that go on pushing each other out.
bool StandardQueue::read_first(std::size_t count, Timestamp now) {
  if (context_.memory.over()) return false;
  std::vector<BlockNumber> here;
  for (std::size_t found = 0; found < count && !ready_.empty();) {
    const BlockNumber number = ready_.front();
    std::pop_heap(ready_.begin(), ready_.end(), std::greater<>{});
    ready_.pop_back();
    const auto it = blocks_.find(number);
    if (it == blocks_.end()) continue;
    Block& block = it->second;
    block.in_ready = false;
    const std::size_t before = found;
    for (unsigned slot = 0; slot < block.index.count; ++slot) {
      if (block.deliverable(slot, now)) ++found;
    }
    if (block.chunk || found == before) {
      here.push_back(number);
    } else {
      load_chunk(number, block);
    }
  }
  for (const BlockNumber number : here) make_ready(number, blocks_.at(number));
  return chunks_loading_ > 0;
}

Taken StandardQueue::receive(const ReceiveRequest& request, std::size_t bytes_max, Timestamp now) {
  Taken taken;
  held_up_ = false;
  if (read_first(request.count_max, now)) return taken;
  std::vector<Delivery>& deliveries = taken.deliveries;
  std::vector<BlockNumber> again;  // blocks that still have something to hand out
  std::size_t bytes = 0;
  std::size_t dead_bytes = 0;
  bool full = false;
  while (!full && !ready_.empty()) {
    const BlockNumber number = ready_.front();
    std::pop_heap(ready_.begin(), ready_.end(), std::greater<>{});
    ready_.pop_back();
    const auto it = blocks_.find(number);
    if (it == blocks_.end()) continue;
    Block& block = it->second;
    block.in_ready = false;
    if (!block.chunk) {
      load_chunk(number, block);
      continue;
    }
    bool left = false;
    for (unsigned slot = 0; slot < block.index.count; ++slot) {
      if (!block.deliverable(slot, now)) continue;
      if (deliveries.size() == request.count_max || in_flight_ >= limits::kInFlightMax) {
        left = full = true;
        break;
      }
      const std::optional<ChunkMessage> parsed = parse_chunk_message(*block.chunk, slot);
      CHECK(parsed);  // the store has checked the chunk's checksum
      const StoredMessage& message = parsed->message;
      if (expired(message.sent_at, now)) {
        erase_slot(number, block, slot);
        continue;
      }
      SlotState& state = touch(block)[slot];
      if (must_move(state)) {
        if (!may_move(*parsed, dead_bytes)) {
          held_up_ = left = full = true;
          break;
        }
        dead_bytes += message.body.size() + 1;
        taken.dead_letters.push_back(
            dead_letter(*parsed, sequence_of(number, slot), state, block.chunk));
        move_slot(number, block, slot);
        continue;
      }
      if (!deliveries.empty() && bytes + message.body.size() > bytes_max) {
        left = full = true;
        break;
      }
      bytes += message.body.size();
      deliveries.push_back(
          deliver(*parsed, sequence_of(number, slot), state, request.visibility_timeout, now));
      deliveries.back().chunk = block.chunk;
      if (state.phase == Phase::waiting) left = true;
      note_state(number, block);
    }
    if (left) {
      again.push_back(number);
    } else {
      drop_chunk(block);
    }
    if (deliveries.size() == request.count_max) full = true;
  }
  for (const BlockNumber number : again) {
    const auto it = blocks_.find(number);
    if (it != blocks_.end()) make_ready(number, it->second);
  }
  return taken;
}

// --- operations on delivered messages ---

// A handle from before a later delivery must not take the message from its new receiver.
Queue::Erasable StandardQueue::erasable(const Block& block, unsigned slot,
                                        const ReceiptHandle& handle, Timestamp now) const {
  if (block.slots.empty()) return Erasable::yes;
  const SlotState& state = block.slots[slot];
  const bool newer =
      state.phase == Phase::in_flight && state.visible_at > now && !latest(state, handle);
  return newer ? Erasable::kept : Erasable::yes;
}

bool StandardQueue::may_change(SlotState& state, const ReceiptHandle& handle, Timestamp now) const {
  if (!latest(state, handle)) return false;
  if (forgotten(state, handle)) {
    state.delivery = handle.delivery;
    state.epoch = handle.epoch;
    state.received_at = now;  // it cannot be known any more
  }
  return true;
}

// --- the backlog ---

bool StandardQueue::fill_window(Timestamp now) {
  if (next_parked_ <= now) load_due(now);
  if (!window_loading_ && may_load() && frontier_ < committed_end_ &&
      chunk_bytes_ < kWindowBytes / 2) {
    window_loading_ = true;
    window_evictions_ = evictions_;
    window_end_ = committed_end_;
    Load load = load_of(Load::Kind::window);
    load.first = frontier_;
    load.blocks_max = kWindowBlocks;
    load.bytes_max = kWindowBytes;
    issue(load);
  }
  // A block that is being relocated cannot load its chunk before that is done.
  return window_loading_ || due_loading_ || chunks_loading_ > 0 || relocating_ > 0 ||
         (!may_load() && (frontier_ < committed_end_ || next_parked_ <= now));
}

void StandardQueue::load_due(Timestamp now) {
  if (due_loading_ || !may_load()) return;
  due_loading_ = true;
  due_evictions_ = evictions_;
  Load load = load_of(Load::Kind::due);
  load.until = now;
  load.blocks_max = kWindowBlocks;
  load.bytes_max = kWindowBytes;
  issue(load);
}

void StandardQueue::loaded_by_kind(const LoadResult& result, Timestamp now) {
  if (result.load.kind == Load::Kind::due) return loaded_due(result, now);
  loaded_window(result, now);
}

void StandardQueue::loaded_window(const LoadResult& result, Timestamp now) {
  window_loading_ = false;
  // What was evicted meanwhile may have been changed after the snapshot: look again.
  if (window_evictions_ != evictions_ || result.load.first != frontier_) return;
  for (const LoadedBlock& loaded : result.blocks) {
    // The snapshot may know of a commit that committed() has not been told of yet.
    if (loaded.number >= window_end_) break;
    if (loaded.number < counters_.horizon || loaded.parked() || blocks_.contains(loaded.number) ||
        removed(loaded.number, result.load)) {
      continue;
    }
    forget_in_flight(loaded);
    take_up(loaded, now);
  }
  const BlockNumber end = result.exhausted ? window_end_ : std::min(result.next, window_end_);
  frontier_ = std::max(end, counters_.horizon);
  evict_over_budget(now);
}

void StandardQueue::loaded_due(const LoadResult& result, Timestamp now) {
  due_loading_ = false;
  if (due_evictions_ != evictions_) return;  // next_parked_ is still due: asked for again
  for (const LoadedBlock& loaded : result.blocks) {
    if (loaded.number < counters_.horizon || loaded.number >= committed_end_ ||
        blocks_.contains(loaded.number) || removed(loaded.number, result.load)) {
      continue;
    }
    unpark(loaded, now);
  }
  if (result.exhausted) {
    next_parked_ = parked_meanwhile_;
    parked_meanwhile_ = kNever;
    if (result.next_due) next_parked_ = std::min(next_parked_, *result.next_due);
  }
}

// --- time ---

void StandardQueue::tick(Timestamp now) {
  Queue::tick(now);
  if (next_parked_ <= now) load_due(now);
}

Timestamp StandardQueue::next_event() const {
  const Timestamp next = Queue::next_event();
  return !due_loading_ && may_load() ? std::min(next, next_parked_) : next;
}

void StandardQueue::forget_messages() {
  ready_.clear();
  next_parked_ = kNever;
}

// --- eviction ---

void StandardQueue::evict(std::size_t bytes, Timestamp now) {
  const std::size_t target = bytes >= resident_bytes_ ? 0 : resident_bytes_ - bytes;
  bool evicted = false;
  for (auto it = blocks_.end(); it != blocks_.begin() && resident_bytes_ > target;) {
    --it;
    auto& [number, block] = *it;
    if (block.listed || block.loading_chunk || block.relocating || block.live == 0) continue;
    if (pinned_.contains(number)) continue;
    Timestamp wake = kNever;
    bool ready = false;
    bool moving = false;
    for (unsigned slot = 0; slot < block.index.count; ++slot) {
      if (block.slots.empty()) {
        ready = true;
        break;
      }
      const SlotState& state = block.slots[slot];
      if (state.phase == Phase::in_flight) wake = std::min(wake, state.visible_at);
      ready |= state.phase == Phase::waiting;
      moving |= state.phase == Phase::moving;
    }
    if (moving) continue;
    if (ready) {
      if (block.dirty) {
        write_state(number, block, Timestamp{});
        changed_ = true;
      }
      leave_in_flight(number, block.slots);
      frontier_ = std::min(frontier_, number);
    } else {
      wake = std::max(wake, now + 1);
      write_state(number, block, wake);
      context_.effects.writes.put(Family::due, due_key(id_, wake, number), {});
      ++counters_.parked;
      note_parked(wake);
      changed_ = true;
    }
    note_evicted(number);
    evicted = true;
    const auto gone = it++;
    drop(gone);
  }
  if (evicted) ++evictions_;
}

void StandardQueue::note_parked(Timestamp at) {
  next_parked_ = std::min(next_parked_, at);
  // A due load that is under way may have looked before this row was there.
  if (due_loading_) parked_meanwhile_ = std::min(parked_meanwhile_, at);
}

}  // namespace millrace
