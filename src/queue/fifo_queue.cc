#include "queue/fifo_queue.h"

#include <algorithm>
#include <bit>
#include <set>

#include "base/check.h"
#include "base/encoding.h"
#include "base/limits.h"

namespace millrace {

namespace {

// A window load asks for so many blocks.
constexpr std::uint32_t kPassedBlocks = 512;
// A load of a group's filed messages asks for so many blocks, with so many bytes of chunks.
constexpr std::uint32_t kGroupBlocks = 64;
constexpr std::size_t kGroupBytes = std::size_t{1} << 20;
// While memory has fewer messages that may be received, the frontier goes on.
constexpr std::size_t kAvailableMin = 1'000;
// Deduplication may take this part of a shard's memory, but not less than a small one needs.
constexpr std::size_t kDeduplicationShare = 4;
constexpr std::size_t kDeduplicationBytesMin = std::size_t{1} << 20;
constexpr std::size_t kDeduplicationEntryBytes = 64;
// Rows of ids that are too old go together.
constexpr Milliseconds kPruneInterval = seconds(10);

constexpr std::uint64_t bit(unsigned slot) {
  return std::uint64_t{1} << slot;
}

std::uint64_t live_of(const LoadedBlock& loaded) {
  if (!loaded.state) return loaded.index.count;
  return static_cast<std::uint64_t>(std::ranges::count_if(
      loaded.state->slots,
      [](const SlotState& slot) { return slot.phase != SlotState::Phase::deleted; }));
}

bool names(const AttemptRecord::Delivered& one, const SlotState& slot) {
  return one.delivery == slot.delivery && one.epoch == slot.epoch;
}

}  // namespace

FifoQueue::FifoQueue(QueueId id, QueueContext& context, std::string definition,
                     const QueueCounters& counters)
    : Queue(id, context, std::move(definition), counters), resident_end_(frontier_) {}

FifoQueue::~FifoQueue() {
  context_.memory.used -= charged_;
  context_.deduplication_bytes -= charged_deduplication_;
}

void FifoQueue::set_settings(QueueSettings settings) {
  if (settings.delay != settings_.delay) {
    delayed_.clear();
    delayed_count_ = 0;
    delay_changed_ = true;
    frontier_sent_at_ = held_back_sent_at_ = kNever;
    count_wanted_ = settings.delay > 0;
  }
  Queue::set_settings(std::move(settings));
}

// --- restoring ---

// The frontier begins at the head and meets these blocks again; until then only the counts need
// them. What lies below the head has been filed.
void FifoQueue::restore_block(BlockNumber number, StateRecord state) {
  if (number < counters_.head) return;
  enter_flight(state);
  leave_in_flight(number, state.index, state.slots);
}

bool FifoQueue::restore_group(GroupKey group, BlockNumber block) {
  // What was filed from the head on is met by the frontier again.
  if (block >= counters_.horizon && block < counters_.head) groups_.file(group, block);
  return true;
}

bool FifoQueue::restore_deduplication(const DeduplicationKey& key, std::string_view value) {
  if (key.attempt) {
    std::optional<AttemptRecord> attempt = parse_attempt(value, key.at);
    if (attempt) attempts_.put(key.attempt_id, std::move(*attempt));
    return attempt.has_value();
  }
  const std::optional<std::vector<Fingerprint>> ids = parse_ids(value);
  if (!ids) return false;
  for (unsigned slot = 0; slot < ids->size(); ++slot) {
    const Fingerprint& id = (*ids)[slot];
    if (id != Fingerprint{}) restored_.push_back({id, sequence_of(key.block, slot), key.at});
  }
  return true;
}

void FifoQueue::finish_restore(Timestamp now) {
  Queue::finish_restore(now);
  deduplication_.restore(std::exchange(restored_, {}));
  prune(now);
  charge();
}

// --- sending ---

bool FifoQueue::may_send(std::size_t count, Timestamp now) {
  prune(now);
  const std::size_t limit = std::max(
      context_.memory.limit - context_.memory.limit / kDeduplicationShare, kDeduplicationBytesMin);
  return context_.deduplication_bytes + count * kDeduplicationEntryBytes <= limit;
}

SequenceNumber FifoQueue::send(const NewMessage& message, const std::shared_ptr<SealingKey>& key,
                               Timestamp now) {
  const std::string_view scope = settings_.deduplicate_by_group ? message.group_id : "";
  const Fingerprint id = context_.fingerprints.deduplication(scope, message.deduplication_id);
  prune(now);
  if (const std::optional<SequenceNumber> first = deduplication_.find(id)) {
    if (message.body_md5 != nullptr) *message.body_md5 = md5(message.body);
    return *first;
  }
  if (open_ && open_->index.sent_at != now) close_block();
  OpenBlock& open = open_block(message.body.size(), Timestamp{}, false, now);
  const std::size_t before = open.chunk.bytes();
  const GroupKey group = context_.fingerprints.group(message.group_id);
  open.chunk.add(message, now, group, next_place(open), key, context_.fingerprints);
  open.index.groups.push_back(group);
  open.ids.push_back(id);
  const SequenceNumber sequence = added(open, before);
  deduplication_.add(id, sequence, now);
  charge();
  return sequence;
}

// A moved message is a new one in the order of its new queue, and ages from here on. Whatever its
// deduplication id, it is stored: that of a dead letter is its message id, which nobody else sends.
SequenceNumber FifoQueue::accept(const MessageRecord& message, Timestamp now) {
  if (open_ && open_->index.sent_at != now) close_block();
  OpenBlock& open = open_block(message.content.size(), Timestamp{}, false, now);
  const std::size_t before = open.chunk.bytes();
  MessageRecord moved = message;
  moved.sent_at = now;
  open.chunk.add_moved(moved, next_place(open), context_.fingerprints);
  open.index.groups.push_back(message.group);
  open.ids.emplace_back();
  return added(open, before);
}

void FifoQueue::seal_block(const SealedBlock& block) {
  const auto is_id = [](const Fingerprint& id) { return id != Fingerprint{}; };
  if (std::ranges::none_of(block.ids, is_id)) return;
  context_.effects.writes.put(Family::deduplication,
                              deduplication_key(id_, block.index.sent_at, block.number),
                              encode_ids(block.ids));
}

void FifoQueue::block_committed(SealedBlock& sealed, Timestamp now) {
  if (!due(sealed.index, now)) {
    note_delayed(sealed.number, sealed.index.sent_at, sealed.index.count);
  }
  if (sealed.number != resident_end_) return;
  if (!context_.memory.room_for(sealed.chunk->size() + 256)) {
    crowded_ = true;
    return;
  }
  resident_end_ = sealed.number + 1;
  Block block;
  block.index = std::move(sealed.index);
  block.chunk = std::move(sealed.chunk);
  block.live = block.index.count;
  insert(sealed.number, std::move(block));
}

void FifoQueue::after_commit(Timestamp now) {
  pass_resident(now);
  // A load of the window would have to be repeated.
  if (std::exchange(crowded_, false) && !window_loading_) make_way();
  charge();
}

// --- the order ---

// The frontier passes a resident block: its messages join their groups, or are filed behind what
// is filed of them. The block leaves memory if nothing of it is needed there.
void FifoQueue::pass(BlockNumber number, Block& block) {
  std::set<GroupKey> filed;
  for (unsigned slot = 0; slot < block.index.count; ++slot) {
    const Phase phase = block.slots.empty() ? Phase::waiting : block.slots[slot].phase;
    if (phase == Phase::deleted || (block.grouped & bit(slot)) != 0) continue;
    const GroupKey group = block.index.groups[slot];
    if (groups_.filed(group)) {
      filed.insert(group);
    } else {
      groups_.add(group, sequence_of(number, slot), phase != Phase::waiting);
      block.grouped |= bit(slot);
    }
  }
  frontier_ = number + 1;
  frontier_sent_at_ = kNever;
  for (const GroupKey group : filed) file(number, group);
  if (!filed.empty() && all_filed(number, block)) {
    note_evicted(number);
    ++evictions_;
    drop(blocks_.find(number));
  }
}

// Whether memory does not need the block: everything in it is filed, or gone. What is in flight
// stays, so that nothing below the head is.
bool FifoQueue::all_filed(BlockNumber number, const Block& block) const {
  return block.grouped == 0 && may_leave(number, block) && !any_in_flight(block.slots);
}

// Whether disk knows all of the block, and nobody waits for it in memory.
bool FifoQueue::may_leave(BlockNumber number, const Block& block) const {
  const auto moving = [](const SlotState& slot) { return slot.phase == Phase::moving; };
  return !block.listed && !block.loading_chunk && !block.relocating && block.live > 0 &&
         !pinned_.contains(number) && std::ranges::none_of(block.slots, moving);
}

void FifoQueue::pass_resident(Timestamp now) {
  while (frontier_ < resident_end_) {
    const auto next = blocks_.lower_bound(frontier_);
    if (next == blocks_.end() || next->first >= resident_end_) {
      frontier_ = resident_end_;
      return;
    }
    if (!due(next->second.index, now)) {
      frontier_sent_at_ = next->second.index.sent_at;
      return;
    }
    pass(next->first, next->second);
  }
}

// Names the block in the rows of the group: those of its messages that are not members.
void FifoQueue::file(BlockNumber number, GroupKey group) {
  context_.effects.writes.put(Family::groups, group_key(id_, group, number), {});
  groups_.file(group, number);
  counters_.filed_end = std::max(counters_.filed_end, number + 1);
  load_after_commit();
}

void FifoQueue::slot_waiting(BlockNumber number, Block& block, unsigned slot) {
  if ((block.grouped & bit(slot)) == 0) return;
  groups_.show(block.index.groups[slot], sequence_of(number, slot));
}

void FifoQueue::slot_erased(BlockNumber number, Block& block, unsigned slot) {
  if ((block.grouped & bit(slot)) != 0) {
    groups_.remove(block.index.groups[slot], sequence_of(number, slot));
    block.grouped &= ~bit(slot);
  }
  if (const auto delayed = delayed_.find(number); delayed != delayed_.end()) {
    --delayed_count_;
    if (--delayed->second.count == 0) delayed_.erase(delayed);
  }
}

void FifoQueue::slot_moving(BlockNumber number, Block& block, unsigned slot) {
  if ((block.grouped & bit(slot)) == 0) return;
  groups_.hide(block.index.groups[slot], sequence_of(number, slot));
}

GroupSummary FifoQueue::summary(GroupKey group) const {
  GroupSummary summary;
  const std::span<const MessageGroups::Member> members = groups_.members(group);
  const bool complete = frontier_ >= committed_end_ && !groups_.filed(group);
  if (complete) summary.messages = members.size();
  if (members.empty()) return summary;
  summary.head = members.front().sequence;
  summary.locked = members.front().hidden;
  for (const MessageGroups::Member& member : members) {  // what is in flight comes first
    if (!member.hidden) break;
    ++summary.in_flight;
    const SlotState& slot = blocks_.at(block_of(member.sequence)).slots[slot_of(member.sequence)];
    if (slot.phase == Phase::moving) continue;
    summary.locked_until = std::max(summary.locked_until.value_or(Timestamp{}), slot.visible_at);
  }
  return summary;
}

void FifoQueue::erase_rows(BlockNumber number, const IndexRecord& index) {
  if (const auto delayed = delayed_.find(number); delayed != delayed_.end()) {
    delayed_count_ -= delayed->second.count;
    delayed_.erase(delayed);
  }
  if (number >= counters_.filed_end) return;
  const std::set<GroupKey> groups(index.groups.begin(), index.groups.end());
  for (const GroupKey group : groups) {
    context_.effects.writes.erase(Family::groups, group_key(id_, group, number));
  }
}

void FifoQueue::chunk_arrived(BlockNumber, Block& block,
                              const std::shared_ptr<const std::string>& chunk) {
  if (chunk) keep_chunk(block, chunk);
}

void FifoQueue::note_state(BlockNumber number, Block& block) {
  block.write_state = true;
  list(number, block);
}

// --- receiving ---

Taken FifoQueue::receive(const ReceiveRequest& request, std::size_t bytes_max, Timestamp now) {
  Taken taken;
  held_up_ = false;
  // A move task's take is nobody's turn: the attempt that waits goes on waiting.
  if (!take_ && request.attempt_id != repeated_) unpin_attempt();
  if (!request.attempt_id.empty() && repeat_attempt(request, now, taken)) return taken;
  if (read_first(request.count_max, now)) return taken;
  Taking taking{request, bytes_max, now, taken};
  std::set<GroupKey> visited;
  for (auto head = groups_.first(); head && !taking.full; head = groups_.after(*head)) {
    // A message that stays visible must not be given twice: its group may come up again.
    const bool again = request.visibility_timeout == 0 && !visited.insert(head->group).second;
    if (!again) take_from(head->group, taking);
  }
  if (!taken.deliveries.empty()) {
    searching_ = false;
    unpin_attempt();
    if (!request.attempt_id.empty()) remember_attempt(request, now, taken);
  }
  charge();
  return taken;
}

// Asks for the chunks that a receive of `count` messages needs and memory has not. @return whether
// to wait for them: a receive gives all that it can. When memory is short, a part is better than
// blocks that go on pushing each other out.
bool FifoQueue::read_first(std::size_t count, Timestamp now) {
  if (context_.memory.over()) return false;
  bool loading = false;
  std::size_t found = 0;
  for (auto head = groups_.first(); head && found < count; head = groups_.after(*head)) {
    SequenceNumber from{};
    while (const auto next = groups_.next_available(head->group, from)) {
      if (found++ == count) break;
      from = SequenceNumber{next->value() + 1};
      const auto it = blocks_.find(block_of(*next));
      CHECK(it != blocks_.end());
      Block& block = it->second;
      if (block.chunk || !due(block.index, now)) continue;
      load_chunk(it->first, block);
      loading |= block.loading_chunk;
    }
  }
  return loading;
}

// As many as may be received of one group, from its first message on.
void FifoQueue::take_from(GroupKey group, Taking& taking) {
  std::vector<Delivery>& deliveries = taking.taken.deliveries;
  SequenceNumber from{};
  while (const std::optional<SequenceNumber> next = groups_.next_available(group, from)) {
    if (deliveries.size() == taking.request.count_max || in_flight_ >= limits::kInFlightMax) {
      taking.full = true;
      return;
    }
    const auto it = blocks_.find(block_of(*next));
    CHECK(it != blocks_.end());
    auto& [number, block] = *it;
    if (!due(block.index, taking.now)) {
      // It was passed before the queue had its delay.
      held_back_sent_at_ = std::min(held_back_sent_at_, block.index.sent_at);
      return;
    }
    if (!block.chunk && !block.damaged) return load_chunk(number, block);
    from = SequenceNumber{next->value() + 1};
    const unsigned slot = slot_of(*next);
    const Expected<MessageRecord> record = record_of(block.chunk, *next);
    if (!record) return pass_over(record.error(), taking);
    if (expired(record->sent_at, taking.now)) {
      erase_slot(number, block, slot);
      continue;
    }
    SlotState& state = touch(block)[slot];
    if (must_move(state)) {
      if (!may_move(*record, taking.dead_bytes)) {
        held_up_ = taking.full = true;
        return;
      }
      taking.dead_bytes += record->content.size();
      taking.taken.dead_letters.push_back(dead_letter(*record, *next, state, block.chunk));
      move_slot(number, block, slot, moves_leave_shard());
      continue;
    }
    Expected<OpenedMessage> opened = open(*record, *next, block.chunk, taking.now);
    if (!opened) return pass_over(opened.error(), taking);
    const std::size_t bytes = opened->message.body.size();
    if (!deliveries.empty() && taking.bytes + bytes > taking.bytes_max) {
      taking.full = true;
      return;
    }
    taking.bytes += bytes;
    deliveries.push_back(deliver(*record, std::move(*opened), number, block, slot,
                                 taking.request.visibility_timeout, taking.now));
    if (state.phase == Phase::in_flight) groups_.hide(group, *next);
    note_state(number, block);
  }
  if (!groups_.has_members(group)) load_group(group);
}

// The message cannot be read: its group ends before it, since what follows must not overtake it.
void FifoQueue::pass_over(const ApiError& error, Taking& taking) {
  if (!taking.taken.unopened) taking.taken.unopened = error;
}

Queue::Erasable FifoQueue::erasable(const Block& block, unsigned slot, const ReceiptHandle& handle,
                                    Timestamp now) const {
  if (block.slots.empty()) return Erasable::expired;
  SlotState state = block.slots[slot];
  return may_change(state, handle, now) ? Erasable::yes : Erasable::expired;
}

// Only within the visibility timeout of that very delivery.
bool FifoQueue::may_change(SlotState& state, const ReceiptHandle& handle, Timestamp now) const {
  return state.phase == Phase::in_flight && state.visible_at > now &&
         state.delivery == handle.delivery && state.epoch == handle.epoch;
}

// --- receive attempts ---

bool FifoQueue::repeats_attempt(const ReceiveRequest& request, Timestamp now) {
  if (request.attempt_id.empty()) return false;
  prune(now);
  return attempts_.find(context_.fingerprints.receive_attempt(request.attempt_id)) != nullptr;
}

// Whether the receive repeats an attempt, and so is done: with the same messages, with none while
// they are being loaded, or with an error.
bool FifoQueue::repeat_attempt(const ReceiveRequest& request, Timestamp now, Taken& taken) {
  prune(now);
  const Fingerprint id = context_.fingerprints.receive_attempt(request.attempt_id);
  AttemptRecord* attempt = attempts_.find(id);
  if (attempt == nullptr) {
    unpin_attempt();  // a purge may have taken it away while its blocks were read
    return false;
  }
  std::size_t held = 0;
  std::size_t visible = 0;
  bool loading = false;
  for (const AttemptRecord::Delivered& one : attempt->deliveries) {
    Blocks::iterator it;
    const Found found = find(block_of(one.sequence), it);
    const bool unread = found == Found::here && !it->second.chunk && !it->second.damaged;
    if (found == Found::on_disk || unread) {
      if (unread) load_chunk(it->first, it->second);
      loading = true;
      continue;
    }
    if (found == Found::gone || it->second.slots.empty()) continue;
    if (expired(it->second.index.sent_at, now)) continue;  // all of a block were sent at once
    const SlotState& slot = it->second.slots[slot_of(one.sequence)];
    if (slot.phase == Phase::waiting) ++visible;
    if (slot.phase == Phase::in_flight && names(one, slot) &&
        slot.visible_at == attempt->visible_at) {
      ++held;
    }
  }
  attempt_loading_ = loading;
  if (loading) {
    pin_attempt(request.attempt_id, *attempt);
    return true;
  }
  if (visible == attempt->deliveries.size()) return false;  // it is as if it had not been
  if (held == attempt->deliveries.size()) {
    repeat(id, *attempt, request, now, taken);
  } else {
    taken.error = invalid_parameter(
        request.attempt_id, "ReceiveRequestAttemptId",
        "Messages of this attempt have been deleted or their visibility timeout was changed.");
  }
  return true;
}

// Keeps all blocks of the attempt in memory until another receive comes, or two of them, or one and
// the window, might go on pushing each other out.
void FifoQueue::pin_attempt(const std::string& id, const AttemptRecord& attempt) {
  if (repeated_ == id) return;
  repeated_ = id;
  for (const AttemptRecord::Delivered& one : attempt.deliveries) {
    repeated_blocks_.push_back(block_of(one.sequence));
    pin(repeated_blocks_.back());
  }
}

void FifoQueue::unpin_attempt() {
  for (const BlockNumber number : std::exchange(repeated_blocks_, {})) unpin(number);
  repeated_.clear();
  attempt_loading_ = false;
}

void FifoQueue::repeat(const Fingerprint& id, AttemptRecord& attempt, const ReceiveRequest& request,
                       Timestamp now, Taken& taken) {
  std::vector<Delivery> deliveries;
  for (const AttemptRecord::Delivered& one : attempt.deliveries) {
    const Block& block = blocks_.at(block_of(one.sequence));
    const Expected<MessageRecord> record = record_of(block.chunk, one.sequence);
    Expected<OpenedMessage> opened = record ? open(*record, one.sequence, block.chunk, now)
                                            : Expected<OpenedMessage>(record.error());
    if (!opened) {
      taken.error = opened.error();
      return;
    }
    deliveries.push_back(
        delivery_of(*record, std::move(*opened), one.sequence, block.slots[slot_of(one.sequence)]));
  }
  taken.deliveries = std::move(deliveries);
  attempt.visible_at = now + request.visibility_timeout;
  for (const AttemptRecord::Delivered& one : attempt.deliveries) {
    const auto it = blocks_.find(block_of(one.sequence));
    CHECK(it != blocks_.end());
    auto& [number, block] = *it;
    const unsigned slot = slot_of(one.sequence);
    SlotState& state = block.slots[slot];
    state.visible_at = attempt.visible_at;
    if (request.visibility_timeout > 0) {
      set_deadline(state.visible_at, one.sequence);
    } else {
      state.phase = Phase::waiting;
      leave_flight(block.index, slot);
      slot_waiting(number, block, slot);
    }
    note_state(number, block);
  }
  write_attempt(id, attempt);
}

void FifoQueue::remember_attempt(const ReceiveRequest& request, Timestamp now, const Taken& taken) {
  AttemptRecord attempt;
  attempt.began_at = now;
  attempt.visible_at = now + request.visibility_timeout;
  for (const Delivery& delivery : taken.deliveries) {
    const SlotState& slot =
        blocks_.at(block_of(delivery.sequence)).slots[slot_of(delivery.sequence)];
    attempt.deliveries.push_back({delivery.sequence, slot.delivery, slot.epoch});
  }
  const Fingerprint id = context_.fingerprints.receive_attempt(request.attempt_id);
  if (const AttemptRecord* before = attempts_.find(id)) {
    context_.effects.writes.erase(Family::deduplication, attempt_key(id_, before->began_at, id));
  }
  write_attempt(id, attempt);
  attempts_.put(id, std::move(attempt));
}

void FifoQueue::write_attempt(const Fingerprint& id, const AttemptRecord& attempt) {
  context_.effects.writes.put(Family::deduplication, attempt_key(id_, attempt.began_at, id),
                              encode_attempt(attempt));
  changed_ = true;
}

// --- the backlog ---

bool FifoQueue::fill_window(Timestamp now) {
  const bool behind = frontier_ >= resident_end_ && frontier_ < committed_end_ &&
                      (frontier_sent_at_ == kNever || frontier_sent_at_ + settings_.delay <= now);
  const bool wanted = behind && groups_.available_members() < kAvailableMin;
  if (wanted && groups_.count() > 0 && !groups_.first()) searching_ = true;
  if (wanted && !window_loading_ && may_load()) {
    window_loading_ = true;
    window_evictions_ = evictions_;
    window_end_ = committed_end_;
    Load load = load_of(Load::Kind::window);
    load.first = frontier_;
    load.blocks_max = kPassedBlocks;
    // What most likely waits behind a locked group is passed without its bodies.
    load.bytes_max = searching_ ? 0 : kWindowBytes;
    issue(load);
  }
  // What has expired in flight locks its group until it is found.
  if (expiring() && groups_.count() > 0 && !groups_.first()) return true;
  // A block that is being relocated cannot load its chunk before that is done.
  return window_loading_ || group_loads_ > 0 || chunks_loading_ > 0 || relocating_ > 0 ||
         attempt_loading_ || (!may_load() && (wanted || groups_.first().has_value()));
}

void FifoQueue::load_group(GroupKey group) {
  const std::optional<MessageGroups::Filed> filed = groups_.filed(group);
  if (!filed || !may_load() || !groups_.available(group)) return;
  groups_.loading(group);
  ++group_loads_;
  Load load = load_of(Load::Kind::group);
  load.group = group;
  load.first = filed->first;
  load.last = filed->last;
  load.blocks_max = kGroupBlocks;
  load.bytes_max = kGroupBytes;
  issue(load);
}

void FifoQueue::loaded_by_kind(const LoadResult& result, Timestamp now) {
  if (result.load.kind == Load::Kind::group) return loaded_group(result, now);
  if (result.load.kind == Load::Kind::recent) return loaded_recent(result, now);
  loaded_window(result, now);
}

void FifoQueue::loaded_window(const LoadResult& result, Timestamp now) {
  window_loading_ = false;
  // What was evicted meanwhile may have been changed after the snapshot: look again.
  if (window_evictions_ != evictions_ || result.load.first != frontier_) return;
  // The snapshot may know of a commit that committed() has not been told of yet.
  BlockNumber end = result.exhausted ? window_end_ : std::min(result.next, window_end_);
  end = std::max(end, counters_.horizon);
  bool stopped = false;
  for (const LoadedBlock& loaded : result.blocks) {
    if (loaded.number >= end) break;
    if (loaded.number < counters_.horizon || removed(loaded.number, result.load)) continue;
    if (!due(loaded.index, now)) {
      frontier_ = loaded.number;
      frontier_sent_at_ = loaded.index.sent_at;
      stopped = true;
      break;
    }
    auto it = blocks_.find(loaded.number);
    if (it == blocks_.end()) {
      forget_in_flight(loaded);
      take_up(loaded, now);
      it = blocks_.find(loaded.number);
    }
    pass(it->first, it->second);
  }
  if (!stopped) frontier_ = end;
  resident_end_ = std::max(resident_end_, frontier_);
  pass_resident(now);
  charge();
  evict_over_budget(now);
}

void FifoQueue::loaded_group(const LoadResult& result, Timestamp now) {
  --group_loads_;
  const GroupKey group = result.load.group;
  groups_.not_loaded(group);
  const std::optional<MessageGroups::Filed> filed = groups_.filed(group);
  if (!filed || filed->first != result.load.first) return;  // it is asked for again
  BlockNumber end = result.exhausted ? result.load.last + 1 : result.next;
  for (const LoadedBlock& loaded : result.blocks) {
    if (loaded.number < counters_.horizon || removed(loaded.number, result.load)) continue;
    auto it = blocks_.find(loaded.number);
    if (it == blocks_.end()) {
      if (evicted(loaded.number, result.load)) {
        end = loaded.number;  // it was here meanwhile: look again
        break;
      }
      forget_in_flight(loaded);
      take_up(loaded, now);
      it = blocks_.find(loaded.number);
    } else if (!it->second.chunk && !it->second.loading_chunk && loaded.chunk) {
      keep_chunk(it->second, loaded.chunk);
    }
    Block& block = it->second;
    for (unsigned slot = 0; slot < block.index.count; ++slot) {
      const Phase phase = block.slots.empty() ? Phase::waiting : block.slots[slot].phase;
      if (block.index.groups[slot] != group || phase == Phase::deleted ||
          (block.grouped & bit(slot)) != 0) {
        continue;
      }
      groups_.add(group, sequence_of(loaded.number, slot), phase != Phase::waiting);
      block.grouped |= bit(slot);
    }
  }
  groups_.loaded(group, end);
  charge();
  evict_over_budget(now);
}

// --- memory ---

// Whether a message of the block may be received now.
bool FifoQueue::useful(BlockNumber number, const Block& block) const {
  if (number >= frontier_) return false;
  for (unsigned slot = 0; slot < block.index.count; ++slot) {
    if ((block.grouped & bit(slot)) != 0 && groups_.available(block.index.groups[slot]))
      return true;
  }
  return false;
}

void FifoQueue::drop_chunks(std::size_t target, bool useful_too) {
  for (auto it = blocks_.end(); it != blocks_.begin() && resident_bytes_ > target;) {
    --it;
    Block& block = it->second;
    if (!block.chunk || pinned_.contains(it->first)) continue;
    if (useful_too || !useful(it->first, block)) drop_chunk(block);
  }
}

// The block's messages are taken out of the order, which then ends before it.
void FifoQueue::forget_members(BlockNumber number, Block& block) {
  for (unsigned slot = block.index.count; slot-- > 0;) {
    if ((block.grouped & bit(slot)) == 0) continue;
    groups_.remove(block.index.groups[slot], sequence_of(number, slot));
  }
  block.grouped = 0;
}

// Files what waits in the block, if nothing follows it in its group. @return whether memory does
// not need the block any more.
bool FifoQueue::file_members(BlockNumber number, Block& block) {
  std::set<GroupKey> filed;
  for (unsigned slot = block.index.count; slot-- > 0;) {
    if ((block.grouped & bit(slot)) == 0) continue;
    const GroupKey group = block.index.groups[slot];
    const bool waits = block.slots.empty() || block.slots[slot].phase == Phase::waiting;
    const SequenceNumber sequence = sequence_of(number, slot);
    if (!waits || !groups_.is_last(group, sequence)) continue;
    groups_.remove(group, sequence);
    block.grouped &= ~bit(slot);
    filed.insert(group);
    // At once, so that the group never seems to be empty.
    file(number, group);
  }
  return all_filed(number, block);
}

void FifoQueue::evict(std::size_t bytes, Timestamp) {
  const std::size_t target = bytes >= resident_bytes_ ? 0 : resident_bytes_ - bytes;
  drop_chunks(target, false);
  drop_chunks(target, true);
  evict_blocks(target, true);
}

// New messages find no room in memory. If that is full of what waits behind locked groups, a part
// of it is let go: else everything new would have to be read from disk.
void FifoQueue::make_way() {
  const std::size_t bytes = context_.memory.limit / 8;
  if (groups_.available_members() >= kAvailableMin || bytes >= resident_bytes_) return;
  drop_chunks(resident_bytes_ - bytes, false);
  evict_blocks(resident_bytes_ - bytes, false);
}

void FifoQueue::evict_blocks(std::size_t target, bool useful_too) {
  bool evicted = false;
  bool ends = true;  // no block that stays lies behind this one
  for (auto it = blocks_.end(); it != blocks_.begin() && resident_bytes_ > target;) {
    --it;
    auto& [number, block] = *it;
    bool leaves = may_leave(number, block);
    if (!useful_too && (number >= frontier_ || useful(number, block))) {
      leaves = ends = false;
    } else if (number >= frontier_) {
      if (leaves) resident_end_ = std::min(resident_end_, number);
    } else if (useful_too && leaves && ends && !searching_ && number >= counters_.filed_end) {
      // The order ends before the block; the frontier passes it again.
      forget_members(number, block);
      frontier_ = resident_end_ = number;
      frontier_sent_at_ = kNever;
    } else {
      const bool wanted = groups_.available_members() < kAvailableMin && useful(number, block);
      leaves = leaves && !wanted && file_members(number, block);
      ends = ends && leaves;
    }
    if (!leaves) continue;
    leave_in_flight(number, block.index, block.slots);
    note_evicted(number);
    evicted = true;
    const auto gone = it++;
    drop(gone);
  }
  if (evicted) ++evictions_;
  charge();
}

void FifoQueue::charge() {
  constexpr std::size_t kNode = 64;  // of the map of what is delayed, with its entry
  const std::size_t ids = deduplication_.bytes();
  const std::size_t all = groups_.bytes() + ids + attempts_.bytes() + delayed_.size() * kNode;
  context_.memory.used += all - charged_;
  context_.deduplication_bytes += ids - charged_deduplication_;
  charged_ = all;
  charged_deduplication_ = ids;
}

// --- time ---

void FifoQueue::tick(Timestamp now) {
  Queue::tick(now);
  delay_changed_ = false;
  while (!delayed_.empty() && delayed_.begin()->second.sent_at + settings_.delay <= now) {
    delayed_count_ -= delayed_.begin()->second.count;
    delayed_.erase(delayed_.begin());
  }
  for (Timestamp* sent_at : {&frontier_sent_at_, &held_back_sent_at_}) {
    if (*sent_at != kNever && *sent_at + settings_.delay <= now) *sent_at = kNever;
  }
  pass_resident(now);
  count_delayed(now);
  prune(now);
  charge();
}

Timestamp FifoQueue::next_event() const {
  if (delay_changed_ || (count_wanted_ && !counting_ && may_load())) return Timestamp{};
  Timestamp next = std::min(Queue::next_event(), next_prune());
  if (!delayed_.empty()) next = std::min(next, delayed_.begin()->second.sent_at + settings_.delay);
  const Timestamp held_back = std::min(frontier_sent_at_, held_back_sent_at_);
  if (held_back != kNever) next = std::min(next, held_back + settings_.delay);
  return next;
}

// When prune() is due even if nobody sends or receives.
Timestamp FifoQueue::next_prune() const {
  const Timestamp oldest = std::min(deduplication_.oldest(), attempts_.oldest());
  const Timestamp from = pruned_ ? erased_until_ : oldest;
  return from == kNever ? kNever : from + limits::kDeduplicationWindow + kPruneInterval;
}

// Forgets what is too old, and now and then erases its rows.
void FifoQueue::prune(Timestamp now) {
  static_assert(limits::kDeduplicationWindow == limits::kReceiveAttemptWindow);
  const Timestamp kept_from{now.milliseconds - limits::kDeduplicationWindow + 1};
  pruned_ |= std::min(deduplication_.oldest(), attempts_.oldest()) < kept_from;
  deduplication_.prune(now);
  attempts_.prune(now);
  if (!pruned_ || kept_from - erased_until_ < kPruneInterval) return;
  pruned_ = false;
  erased_until_ = kept_from;
  for (const KeyRange& range : {deduplication_keys(id_, kept_from), attempt_keys(id_, kept_from)}) {
    context_.effects.writes.erase_range(Family::deduplication, range.first, range.last);
  }
  changed_ = true;
}

void FifoQueue::note_delayed(BlockNumber number, Timestamp sent_at, std::uint64_t count) {
  if (!delayed_.try_emplace(number, Delayed{sent_at, count}).second) return;
  delayed_count_ += count;
}

// Counts what was sent before the queue had its delay, or before a start.
void FifoQueue::count_delayed(Timestamp now) {
  if (!count_wanted_ || counting_ || !may_load()) return;
  count_wanted_ = false;
  counting_ = true;
  Load load = load_of(Load::Kind::recent);
  load.first = counters_.horizon;
  load.last = committed_end_;
  load.until = Timestamp{now.milliseconds - settings_.delay};
  load.blocks_max = kPassedBlocks;
  issue(load);
}

void FifoQueue::loaded_recent(const LoadResult& result, Timestamp now) {
  counting_ = false;
  if (count_wanted_) return;  // the delay has changed once more
  for (const LoadedBlock& loaded : result.blocks) {
    if (loaded.number >= result.load.last) break;
    if (loaded.number < counters_.horizon || removed(loaded.number, result.load) ||
        due(loaded.index, now)) {
      continue;
    }
    const auto resident = blocks_.find(loaded.number);
    note_delayed(loaded.number, loaded.index.sent_at,
                 resident != blocks_.end() ? resident->second.live : live_of(loaded));
  }
  if (result.exhausted || result.next >= result.load.last) return;
  counting_ = true;
  Load load = result.load;
  load.first = result.next;
  issue(load);
}

bool FifoQueue::due_on_disk(Timestamp) const {
  return counting_;
}

void FifoQueue::forget_messages() {
  groups_.clear();
  deduplication_.clear();
  attempts_.clear();
  delayed_.clear();
  delayed_count_ = 0;
  counters_.filed_end = 0;
  resident_end_ = counters_.horizon;
  frontier_sent_at_ = held_back_sent_at_ = kNever;
  searching_ = false;
  const std::string first = queue_key(id_);
  const std::string last = queue_key_end(id_);
  context_.effects.writes.erase_range(Family::groups, first, last);
  context_.effects.writes.erase_range(Family::deduplication, first, last);
  charge();
}

}  // namespace millrace
