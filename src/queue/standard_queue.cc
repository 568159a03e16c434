#include "queue/standard_queue.h"

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "base/limits.h"

namespace millrace {

namespace {

// A window load asks for no more blocks than this, and so does the search for quiet messages.
constexpr std::uint32_t kWindowBlocks = 1024;
// The search rests while memory has so many blocks that may have a quiet message.
constexpr std::size_t kQuietBlocks = 512;
// A receive passes over no more messages than this that it cannot open.
constexpr std::size_t kPassedOverMax = 1'000;

// Whether the handle names a delivery that a crash has made the slot forget.
bool forgotten(const SlotState& slot, const ReceiptHandle& handle) {
  return handle.epoch > slot.epoch ||
         (handle.epoch == slot.epoch && handle.delivery > slot.delivery);
}

// Whether message `slot` waits to be received. @param slots of its block; empty: all do.
bool waits(const std::vector<SlotState>& slots, unsigned slot) {
  return slots.empty() || slots[slot].phase == SlotState::Phase::waiting;
}

bool any_waiting(const Block& block) {
  return block.slots.empty() || std::ranges::any_of(block.slots, [](const SlotState& slot) {
           return slot.phase == SlotState::Phase::waiting;
         });
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

StandardQueue::~StandardQueue() {
  context_.memory.used -= charged_;
}

// --- restoring ---

void StandardQueue::restore_block(BlockNumber number, StateRecord state) {
  if (state.parked_until != Timestamp{}) {
    enter_flight(state);
    return;  // it comes back when it is due
  }
  LoadedBlock loaded;
  loaded.number = number;
  loaded.index = state.index;
  loaded.state = std::move(state);
  if (any_in_flight(loaded.state->slots) && context_.memory.room_for(0)) {
    take_up(loaded, Timestamp{});
  } else {
    enter_flight(*loaded.state);
    leave_in_flight(number, loaded.index, loaded.state->slots);
    frontier_ = std::min(frontier_, number);
  }
}

void StandardQueue::finish_restore(Timestamp now) {
  if (counters_.parked > 0) next_parked_ = Timestamp{};
  Queue::finish_restore(now);
}

// --- sending ---

GroupKey StandardQueue::group_of(std::string_view group_id) const {
  return group_id.empty() ? GroupKey{} : context_.fingerprints.group(group_id);
}

// Notes the group of the message that is about to be added.
void StandardQueue::add_group(OpenBlock& open, GroupKey group) {
  std::vector<GroupKey>& groups = open.index.groups;
  if (group == GroupKey{} && groups.empty()) return;
  groups.resize(open.chunk.count());
  groups.push_back(group);
}

SequenceNumber StandardQueue::send(const NewMessage& message,
                                   const std::shared_ptr<SealingKey>& key, Timestamp now) {
  const Timestamp due = message.delay > 0 ? now + message.delay : Timestamp{};
  OpenBlock& open = open_block(message.body.size(), due, false, now);
  const GroupKey group = group_of(message.group_id);
  add_group(open, group);
  if (group != GroupKey{}) {
    shares_.sent(group, now);
    if (const auto noisy = noisy_.find(group); noisy != noisy_.end()) noisy->second.sent_at = now;
  }
  const std::size_t before = open.chunk.bytes();
  open.chunk.add(message, now, group, next_place(open), key, context_.fingerprints);
  return added(open, before);
}

SequenceNumber StandardQueue::accept(const MessageRecord& message, Timestamp now) {
  MessageRecord stored = message;
  if (!stored.origin) stored.sent_at = now;
  OpenBlock& open =
      open_block(stored.content.size(), Timestamp{}, stored.origin.has_value(), stored.sent_at);
  add_group(open, stored.group);
  const std::size_t before = open.chunk.bytes();
  open.chunk.add_moved(stored, next_place(open), context_.fingerprints);
  return added(open, before);
}

void StandardQueue::block_committed(SealedBlock& sealed, Timestamp) {
  if (sealed.index.due != Timestamp{}) {
    note_parked(sealed.index.due);
    if (!noisy_.empty()) {
      for (const GroupKey group : sealed.index.groups) {
        if (const auto noisy = noisy_.find(group); noisy != noisy_.end()) ++noisy->second.delayed;
      }
      if (searched_to() == sealed.number) searched_to_ = sealed.number + 1;
    }
    if (frontier_ == sealed.number) frontier_ = sealed.number + 1;
    return;
  }
  const bool room = context_.memory.room_for(sealed.chunk->size() + 256);
  if (frontier_ == sealed.number && room) {
    frontier_ = sealed.number + 1;
  } else if (!noisy_.empty() && searched_to() == sealed.number) {
    searched_to_ = sealed.number + 1;
    if (!any_quiet(sealed.index, {})) return count_on_disk(sealed.index, {}, true);
    // It stays: if there is no room, the noisy blocks give way after this.
  } else {
    return;
  }
  Block block;
  block.index = std::move(sealed.index);
  block.chunk = std::move(sealed.chunk);
  block.live = block.index.count;
  make_ready(sealed.number, insert(sealed.number, std::move(block)));
}

// --- what waits ---

void StandardQueue::push_ready(BlockNumber number, Block& block) {
  if (block.in_ready) return;
  block.in_ready = true;
  ready_.push_back(number);
  std::push_heap(ready_.begin(), ready_.end(), std::greater<>{});
}

BlockNumber StandardQueue::pop_ready() {
  const BlockNumber number = ready_.front();
  std::pop_heap(ready_.begin(), ready_.end(), std::greater<>{});
  ready_.pop_back();
  return number;
}

// Lists the block where its waiting messages are looked for.
void StandardQueue::make_ready(BlockNumber number, Block& block) {
  if (noisy_.empty() || block.index.groups.empty()) return push_ready(number, block);
  for (unsigned slot = 0; slot < block.index.count; ++slot) {
    if (waits(block.slots, slot)) slot_waiting(number, block, slot);
  }
}

void StandardQueue::slot_waiting(BlockNumber number, Block& block, unsigned slot) {
  const auto noisy = noisy_.find(block.index.group(slot));
  if (noisy == noisy_.end()) return push_ready(number, block);
  noisy->second.ready.insert(number);
}

void StandardQueue::taken_up(BlockNumber number, Block& block, bool parked) {
  if (block.parked_until) return;
  if (!noisy_.empty()) {
    if (!parked && number < searched_to_) count_on_disk(block.index, block.slots, false);
    if (parked && !block.state_on_disk) forget_delayed(block.index);
  }
  if (any_waiting(block)) {
    make_ready(number, block);
  } else {
    drop_chunk(block);
  }
}

void StandardQueue::chunk_arrived(BlockNumber number, Block& block,
                                  const std::shared_ptr<const std::string>& chunk) {
  if (chunk == nullptr) return make_ready(number, block);  // a receive may have passed it over
  for (unsigned slot = 0; slot < block.index.count; ++slot) {
    if (!block.deliverable(slot)) continue;
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

Taken StandardQueue::receive(const ReceiveRequest& request, std::size_t bytes_max, Timestamp now) {
  Taken taken;
  held_up_ = false;
  review_noisy(now);
  if (read_first(request.count_max)) return taken;
  Taking taking{request, bytes_max, now, taken};
  take_quiet(taking);
  // While quiet messages may be on their way into memory, no other is given instead of them.
  const bool may_be_noisy = !noisy_.empty() && !taking.full && chunks_loading_ == 0;
  if (may_be_noisy && !search_first()) take_noisy(taking);
  charge();
  return taken;
}

// Asks for the chunks that a receive of `count` messages needs and memory has not. @return whether
// to wait for them: a receive gives all that it can. When memory is short, a part is better than
// blocks that go on pushing each other out.
bool StandardQueue::read_first(std::size_t count) {
  if (context_.memory.over()) return false;
  std::size_t found = read_quiet(count);
  if (found < count && search_first()) return true;
  for (const NoisyGroups::iterator noisy : noisy_in_order()) {
    for (const BlockNumber number : noisy->second.ready) {
      if (found >= count) break;
      const auto it = blocks_.find(number);
      if (it == blocks_.end()) continue;
      found +=
          read_block(number, it->second, [&](GroupKey group) { return group == noisy->first; });
    }
  }
  return chunks_loading_ > 0;
}

std::size_t StandardQueue::read_quiet(std::size_t count) {
  std::vector<BlockNumber> here;
  std::size_t found = 0;
  while (found < count && !ready_.empty()) {
    const BlockNumber number = pop_ready();
    const auto it = blocks_.find(number);
    if (it == blocks_.end()) continue;
    it->second.in_ready = false;
    found += read_block(number, it->second, [&](GroupKey group) { return !is_noisy(group); });
    if (!it->second.loading_chunk) here.push_back(number);
  }
  for (const BlockNumber number : here) push_ready(number, blocks_.at(number));
  return found;
}

// Asks for the block's chunk if it has messages of the wanted groups and memory has not the chunk.
// @return how many of these messages it has.
template <class Wanted>
std::size_t StandardQueue::read_block(BlockNumber number, Block& block, const Wanted& wanted) {
  if (block.damaged) return 0;
  std::size_t found = 0;
  for (unsigned slot = 0; slot < block.index.count; ++slot) {
    if (block.deliverable(slot) && wanted(block.index.group(slot))) ++found;
  }
  if (found > 0 && !block.chunk) load_chunk(number, block);
  return found;
}

void StandardQueue::take_quiet(Taking& taking) {
  std::vector<BlockNumber> again;  // blocks that still have something to hand out
  while (!taking.full && !ready_.empty()) {
    const BlockNumber number = pop_ready();
    const auto it = blocks_.find(number);
    if (it == blocks_.end()) continue;
    Block& block = it->second;
    block.in_ready = false;
    if (!block.chunk && !block.damaged) {
      if (any_quiet(block.index, block.slots)) load_chunk(number, block);
      continue;
    }
    bool left = false;
    for (unsigned slot = 0; slot < block.index.count && !taking.full; ++slot) {
      if (!block.deliverable(slot)) continue;
      const GroupKey group = block.index.group(slot);
      if (is_noisy(group)) continue;
      if (shares_.noisy(group, in_flight_, taking.now) && make_noisy(group)) continue;
      take_slot(number, block, slot, taking);
      if (waits(block.slots, slot)) left = true;
    }
    if (left) {
      again.push_back(number);
    } else if (!any_waiting(block) || chunk_bytes_ > kWindowBytes) {
      drop_chunk(block);
    }
    if (taking.taken.deliveries.size() == taking.request.count_max) taking.full = true;
  }
  for (const BlockNumber number : again) {
    const auto it = blocks_.find(number);
    if (it != blocks_.end()) push_ready(number, it->second);
  }
}

// Message by message, always of that noisy group which has the fewest in flight.
void StandardQueue::take_noisy(Taking& taking) {
  while (!taking.full) {
    const std::vector<NoisyGroups::iterator> groups = noisy_in_order();
    const auto took = std::ranges::find_if(groups, [&](NoisyGroups::iterator noisy) {
      return !taking.full && take_from_group(noisy, taking);
    });
    if (took == groups.end()) return;
    while (groups.size() == 1 && !taking.full && take_from_group(groups.front(), taking)) {
    }
  }
}

// Takes the group's next message. @return false if there is none, or the receive is full.
bool StandardQueue::take_from_group(NoisyGroups::iterator noisy, Taking& taking) {
  const GroupKey group = noisy->first;
  std::set<BlockNumber>& ready = noisy->second.ready;
  SequenceNumber& reached = taking.reached[group];
  for (auto it = ready.lower_bound(block_of(reached)); it != ready.end();) {
    const auto found = blocks_.find(*it);
    if (found == blocks_.end()) {
      it = ready.erase(it);
      continue;
    }
    auto& [number, block] = *found;
    bool left = false;
    for (unsigned slot = 0; slot < block.index.count; ++slot) {
      if (block.index.group(slot) != group || !block.deliverable(slot)) continue;
      left = true;
      if (sequence_of(number, slot) < reached) continue;
      if (!block.chunk && !block.damaged) {
        load_chunk(number, block);
        return false;
      }
      take_slot(number, block, slot, taking);
      reached = SequenceNumber{sequence_of(number, slot).value() + 1};
      return !taking.full;
    }
    reached = sequence_of(number + 1, 0);
    it = left ? std::next(it) : ready.erase(it);
    if (!left && !any_waiting(block)) drop_chunk(block);
  }
  return false;
}

// Does with the message what a receive does with it, unless the receive is full without it.
void StandardQueue::take_slot(BlockNumber number, Block& block, unsigned slot, Taking& taking) {
  std::vector<Delivery>& deliveries = taking.taken.deliveries;
  if (deliveries.size() == taking.request.count_max || in_flight_ >= limits::kInFlightMax) {
    taking.full = true;
    return;
  }
  const SequenceNumber sequence = sequence_of(number, slot);
  const Expected<MessageRecord> record = record_of(block.chunk, sequence);
  if (!record) return pass_over(record.error(), taking);
  if (expired(record->sent_at, taking.now)) return erase_slot(number, block, slot);
  const SlotState& state = touch(block)[slot];
  if (must_move(state)) {
    if (!may_move(*record, taking.dead_bytes)) {
      held_up_ = taking.full = true;
      return;
    }
    taking.dead_bytes += record->content.size();
    taking.taken.dead_letters.push_back(dead_letter(*record, sequence, state, block.chunk));
    return move_slot(number, block, slot, moves_leave_shard());
  }
  Expected<OpenedMessage> opened = open(*record, sequence, block.chunk, taking.now);
  if (!opened) return pass_over(opened.error(), taking);
  const std::size_t bytes = opened->message.body.size();
  if (!deliveries.empty() && taking.bytes + bytes > taking.bytes_max) {
    taking.full = true;
    return;
  }
  taking.bytes += bytes;
  if (deliveries.empty()) deliveries.reserve(taking.request.count_max);
  deliveries.push_back(deliver(*record, std::move(*opened), number, block, slot,
                               taking.request.visibility_timeout, taking.now));
  shares_.received(block.index.group(slot), taking.now);
  note_state(number, block);
}

// The message cannot be read and stays; the receive goes on without it, though not for ever.
void StandardQueue::pass_over(const ApiError& error, Taking& taking) {
  if (!taking.taken.unopened) taking.taken.unopened = error;
  if (++taking.passed_over == kPassedOverMax) taking.full = true;
}

// --- noisy and quiet groups ---

bool StandardQueue::any_quiet(const IndexRecord& index, const std::vector<SlotState>& slots) const {
  for (unsigned slot = 0; slot < index.count; ++slot) {
    if (waits(slots, slot) && !is_noisy(index.group(slot))) return true;
  }
  return false;
}

// The noisy groups in the order in which they are served.
std::vector<StandardQueue::NoisyGroups::iterator> StandardQueue::noisy_in_order() {
  std::vector<NoisyGroups::iterator> order;
  for (auto it = noisy_.begin(); it != noisy_.end(); ++it) order.push_back(it);
  std::ranges::stable_sort(
      order, {}, [this](NoisyGroups::iterator noisy) { return shares_.in_flight(noisy->first); });
  return order;
}

// @return false if there are too many noisy groups already.
bool StandardQueue::make_noisy(GroupKey group) {
  if (noisy_.size() >= limits::kNoisyGroupsMax) return false;
  Noisy& noisy = noisy_[group];
  noisy.sent_at = shares_.sent_at(group);
  for (const auto& [number, block] : blocks_) {
    for (unsigned slot = 0; slot < block.index.count; ++slot) {
      if (block.index.group(slot) == group && waits(block.slots, slot)) noisy.ready.insert(number);
    }
  }
  std::erase_if(ready_, [this](BlockNumber number) {
    const auto it = blocks_.find(number);
    if (it == blocks_.end()) return true;
    it->second.in_ready = any_quiet(it->second.index, it->second.slots);
    return !it->second.in_ready;
  });
  std::make_heap(ready_.begin(), ready_.end(), std::greater<>{});
  search_again();
  return true;
}

void StandardQueue::make_quiet(NoisyGroups::iterator noisy) {
  const std::set<BlockNumber> ready = std::move(noisy->second.ready);
  noisy_.erase(noisy);
  for (const BlockNumber number : ready) {
    const auto it = blocks_.find(number);
    if (it != blocks_.end()) make_ready(number, it->second);
  }
  search_again();
}

// A group is noisy until its backlog is drained, or it has sent nothing for a while.
void StandardQueue::review_noisy(Timestamp now) {
  for (auto it = noisy_.begin(); it != noisy_.end();) {
    const auto noisy = it++;
    const bool silent = noisy->second.sent_at + ConsumerShares::kSilence <= now;
    const bool drained = noisy->second.ready.empty() && frontier_ >= committed_end_ &&
                         !shares_.noisy(noisy->first, in_flight_, now);
    if (silent || drained) make_quiet(noisy);
  }
}

// What lies behind the frontier is looked through anew, and counted anew.
void StandardQueue::search_again() {
  searched_to_ = 0;
  for (auto& [group, noisy] : noisy_) noisy.on_disk = 0;
}

// Whether a receive waits for the search: only for the end of it, so that a long one costs no time.
bool StandardQueue::search_first() {
  if (noisy_.empty() || searched_to() >= committed_end_ ||
      committed_end_ - searched_to() > kWindowBlocks) {
    return false;
  }
  search();
  return search_loading_;
}

void StandardQueue::search() {
  if (noisy_.empty() || search_loading_ || !may_load() || searched_to() >= committed_end_ ||
      ready_.size() >= kQuietBlocks) {
    return;
  }
  search_loading_ = true;
  search_evictions_ = evictions_;
  search_end_ = committed_end_;
  searched_to_ = searched_to();
  Load load = load_of(Load::Kind::window);
  load.first = searched_to_;
  load.blocks_max = kWindowBlocks;
  issue(load);
}

void StandardQueue::loaded_search(const LoadResult& result, Timestamp now) {
  search_loading_ = false;
  // As with a window, what was evicted meanwhile may have been changed after the snapshot.
  if (search_evictions_ != evictions_ || result.load.first != searched_to_) return;
  for (const LoadedBlock& loaded : result.blocks) {
    if (loaded.number >= search_end_) break;
    if (loaded.number < std::max(frontier_, counters_.horizon) || loaded.parked() ||
        blocks_.contains(loaded.number) || removed(loaded.number, result.load)) {
      continue;
    }
    const std::vector<SlotState> untouched;
    const std::vector<SlotState>& slots = loaded.state ? loaded.state->slots : untouched;
    if (any_quiet(loaded.index, slots)) {
      forget_in_flight(loaded);
      take_up(loaded, now);
    } else {
      count_on_disk(loaded.index, slots, true);
    }
  }
  searched_to_ = result.exhausted ? search_end_ : std::min(result.next, search_end_);
  evict_over_budget(now);
}

// Messages of noisy groups in a block that is on disk alone, or is so no more.
void StandardQueue::count_on_disk(const IndexRecord& index, const std::vector<SlotState>& slots,
                                  bool more) {
  for (unsigned slot = 0; slot < index.count; ++slot) {
    if (!waits(slots, slot)) continue;
    const auto noisy = noisy_.find(index.group(slot));
    if (noisy == noisy_.end()) continue;
    std::uint64_t& on_disk = noisy->second.on_disk;
    if (more) {
      ++on_disk;
    } else if (on_disk > 0) {
      --on_disk;
    }
  }
}

void StandardQueue::forget_delayed(const IndexRecord& index) {
  for (const GroupKey group : index.groups) {
    const auto noisy = noisy_.find(group);
    if (noisy != noisy_.end() && noisy->second.delayed > 0) --noisy->second.delayed;
  }
}

QuietCounts StandardQueue::quiet_counts() const {
  QuietCounts quiet{noisy_.size(), counts(), kNever};
  const auto less = [](std::uint64_t& count, std::uint64_t by) { count -= std::min(count, by); };
  for (const auto& [group, noisy] : noisy_) {
    less(quiet.messages.visible, noisy.on_disk);
    for (const BlockNumber number : noisy.ready) {
      const auto it = blocks_.find(number);
      if (it == blocks_.end()) continue;
      const Block& block = it->second;
      for (unsigned slot = 0; slot < block.index.count; ++slot) {
        if (block.index.group(slot) == group && waits(block.slots, slot)) {
          less(quiet.messages.visible, 1);
        }
      }
    }
    less(quiet.messages.in_flight, shares_.in_flight(group));
    less(quiet.messages.delayed, noisy.delayed);
  }
  for (const BlockNumber number : ready_) {
    const auto it = blocks_.find(number);
    if (it == blocks_.end() || !any_quiet(it->second.index, it->second.slots)) continue;
    quiet.oldest_sent_at = std::min(quiet.oldest_sent_at, it->second.index.sent_at);
  }
  return quiet;
}

GroupSummary StandardQueue::summary(GroupKey group) const {
  GroupSummary summary;
  summary.in_flight = shares_.in_flight(group);
  summary.noisy = is_noisy(group);
  return summary;
}

void StandardQueue::charge() {
  const std::size_t bytes = shares_.bytes();
  context_.memory.used += bytes - charged_;  // the difference may wrap around and comes out right
  charged_ = bytes;
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
  search();
  // A block that is being relocated cannot load its chunk before that is done.
  return window_loading_ || due_loading_ || chunks_loading_ > 0 || relocating_ > 0 ||
         search_loading_ || (!may_load() && (frontier_ < committed_end_ || next_parked_ <= now));
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
  if (result.load.bytes_max == 0) return loaded_search(result, now);
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
  shares_.clear();
  noisy_.clear();
  charge();
}

// --- eviction ---

void StandardQueue::evict(std::size_t bytes, Timestamp now) {
  const std::size_t target = bytes >= resident_bytes_ ? 0 : resident_bytes_ - bytes;
  const bool evicted = !noisy_.empty() && evict_blocks(target, false, now);
  if (evict_blocks(target, true, now) || evicted) ++evictions_;
}

// @param quiet_too whether blocks with a quiet message that waits may go as well. @return whether
// any went.
bool StandardQueue::evict_blocks(std::size_t target, bool quiet_too, Timestamp now) {
  bool evicted = false;
  bool quiet_evicted = false;
  for (auto it = blocks_.end(); it != blocks_.begin() && resident_bytes_ > target;) {
    --it;
    auto& [number, block] = *it;
    if (block.listed || block.loading_chunk || block.relocating || block.live == 0) continue;
    if (pinned_.contains(number)) continue;
    const bool quiet = !noisy_.empty() && any_quiet(block.index, block.slots);
    if (quiet && !quiet_too) continue;
    Timestamp wake = kNever;
    bool moving = false;
    for (const SlotState& state : block.slots) {
      if (state.phase == Phase::in_flight) wake = std::min(wake, state.visible_at);
      moving |= state.phase == Phase::moving;
    }
    if (moving) continue;
    if (any_waiting(block)) {
      if (block.dirty) {
        write_state(number, block, Timestamp{});
        changed_ = true;
      }
      leave_in_flight(number, block.index, block.slots);
      frontier_ = std::min(frontier_, number);
      quiet_evicted |= quiet;
      if (!quiet && number < searched_to()) count_on_disk(block.index, block.slots, true);
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
  if (quiet_evicted) search_again();
  return evicted;
}

void StandardQueue::note_parked(Timestamp at) {
  next_parked_ = std::min(next_parked_, at);
  // A due load that is under way may have looked before this row was there.
  if (due_loading_) parked_meanwhile_ = std::min(parked_meanwhile_, at);
}

}  // namespace millrace
