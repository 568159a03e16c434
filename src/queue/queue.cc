#include "queue/queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "queue/fifo_queue.h"
#include "queue/standard_queue.h"

namespace millrace {

namespace {

// Sends of one commit are packed into blocks of about this size; a larger message has its own.
constexpr std::size_t kBlockBytes = std::size_t{128} << 10;
constexpr std::uint32_t kSweepBlocks = 2000;
// The numbers of a FIFO queue's blocks begin at one of so many places, so far from each other.
constexpr std::uint64_t kFirstBlocks = 1 << 16;
constexpr unsigned kFirstBlockShift = 32;
static_assert(std::uint64_t{kBlockMessagesMax} * (kFirstBlocks + 1) << kFirstBlockShift <
                  std::uint64_t{1} << limits::kMessageIdHalfBits,
              "every sequence number fits in its half of a MessageId");
// So many blocks that are gone are remembered: far more than one operation names.
constexpr std::size_t kMissingMax = 4096;
// A look reads the rows of so many blocks at a time.
constexpr std::uint32_t kLookBlocks = 512;
// Retention is looked at no more often than this, however short it is.
constexpr Milliseconds kExpiryStep = seconds(1);
constexpr Milliseconds kVisibilityMax = seconds(limits::kVisibilitySecondsMax);

ApiError not_available(std::string_view handle_text) {
  return invalid_parameter(
      handle_text, "ReceiptHandle",
      "Message does not exist or is not available for visibility timeout change.");
}

ApiError not_here() {
  return {ErrorCode::resource_not_found, "The message is not in the queue any more."};
}

// Whether the block is parked until its delay is over. What is parked in flight holds nothing else.
bool parked_for_delay(const LoadedBlock& loaded) {
  if (!loaded.parked() || !loaded.state) return loaded.parked();
  return std::ranges::any_of(loaded.state->slots, [](const SlotState& slot) {
    return slot.phase == SlotState::Phase::waiting || slot.phase == SlotState::Phase::moving;
  });
}

ApiError on_its_way() {
  return {ErrorCode::unsupported_operation, "The message is on its way to another queue."};
}

}  // namespace

std::unique_ptr<Queue> Queue::create(QueueId id, QueueContext& context, std::string definition,
                                     QueueSettings settings) {
  QueueCounters counters;
  counters.fifo = settings.fifo;
  if (settings.fifo) {
    // Clients see these numbers: a dead letter's is another one in each queue.
    const std::uint64_t number =
        id.value() & ((std::uint64_t{1} << limits::kQueueIdShardShift) - 1);
    const BlockNumber first = (number % kFirstBlocks + 1) << kFirstBlockShift;
    counters.next_block = counters.head = counters.horizon = counters.swept = first;
  }
  std::unique_ptr<Queue> queue = restore(id, context, {}, counters);
  queue->set_definition(std::move(definition));
  queue->changed_ = true;
  queue->set_settings(std::move(settings));
  return queue;
}

std::unique_ptr<Queue> Queue::restore(QueueId id, QueueContext& context, std::string definition,
                                      const QueueCounters& counters) {
  if (counters.fifo) {
    return std::make_unique<FifoQueue>(id, context, std::move(definition), counters);
  }
  return std::make_unique<StandardQueue>(id, context, std::move(definition), counters);
}

Queue::Queue(QueueId id, QueueContext& context, std::string definition,
             const QueueCounters& counters)
    : id_(id),
      context_(context),
      counters_(counters),
      frontier_(std::max(counters.head, counters.horizon)),
      committed_end_(counters.next_block),
      definition_(std::move(definition)) {}

void Queue::set_definition(std::string definition) {
  definition_ = std::move(definition);
  context_.effects.writes.put(Family::queues, queue_key(id_), definition_);
}

void Queue::set_settings(QueueSettings settings) {
  if (settings.retention != settings_.retention) next_expiry_ = Timestamp{};
  settings_ = std::move(settings);
}

QueueCounts Queue::counts() const {
  // A delay that was raised may hold back what is in flight: it counts once.
  const std::uint64_t here = counters_.messages > in_flight_ ? counters_.messages - in_flight_ : 0;
  const std::uint64_t held_back = std::min(delayed(), here);
  return {here - held_back, in_flight_, held_back};
}

QueueGauges Queue::gauges() {
  const QueueCounts now = counts();
  QueueGauges gauges{.visible = now.visible,
                     .in_flight = now.in_flight,
                     .delayed = now.delayed,
                     .oldest_sent_at = oldest_sent_at(),
                     .noisy_groups = noisy_groups(),
                     .quiet_visible = now.visible};
  if (gauges.noisy_groups > 0) gauges.quiet_visible = quiet_counts().messages.visible;
  return gauges;
}

// Blocks lie in the order of their sending, but for those that moves have brought.
Timestamp Queue::oldest_sent_at() {
  constexpr unsigned kBlocksSeen = 64;
  if (counters_.messages == 0) return kNever;
  Timestamp oldest = kNever;
  bool at_head = false;
  unsigned seen = 0;
  for (const auto& [number, block] : blocks_) {
    if (seen == kBlocksSeen || (seen > 0 && counters_.moved_blocks == 0)) break;
    if (block.live == 0) continue;
    oldest = std::min(oldest, block.index.sent_at);
    at_head |= number < frontier_;
    ++seen;
  }
  if (at_head) oldest_seen_ = oldest;
  if (at_head || frontier_ >= committed_end_) return oldest;
  // The head is on disk: it is not older than what was at the head before.
  const Timestamp scanned = earliest_sent_ == kNever ? Timestamp{} : earliest_sent_;
  const Timestamp known = std::max(oldest_seen_, scanned);
  return known == Timestamp{} ? oldest : std::min(oldest, known);
}

// --- restoring ---

bool Queue::restore_state(BlockNumber number, std::string_view value) {
  std::optional<StateRecord> state = parse_state(value);
  if (!state) return false;
  // What was purged is left alone; its range erase may not be through yet.
  if (number >= counters_.horizon) restore_block(number, std::move(*state));
  return true;
}

bool Queue::restore_group(GroupKey, BlockNumber) {
  return false;
}

bool Queue::restore_deduplication(const DeduplicationKey&, std::string_view) {
  return false;
}

void Queue::finish_restore(Timestamp now) {
  next_expiry_ = counters_.messages > 0 ? now : kNever;
  rebuild_deadlines();
  sweep();
}

// --- sending ---

bool Queue::may_send(std::size_t, Timestamp) {
  return true;
}

Expected<std::shared_ptr<SealingKey>> Queue::sealing_key(std::size_t count, Timestamp now) {
  const Encryption& encryption = settings_.encryption;
  if (!encryption.on) return nullptr;
  return context_.data_keys.sealing(encryption.master_key, encryption.reuse, count, now);
}

Queue::OpenBlock& Queue::open_block(std::size_t message_bytes, Timestamp due, bool moved,
                                    Timestamp sent_at) {
  if (open_ && (open_->index.due != due || open_->index.moved != moved ||
                open_->chunk.count() == kBlockMessagesMax ||
                open_->chunk.bytes() + message_bytes > kBlockBytes)) {
    close_block();
  }
  if (!open_) {
    open_.emplace(OpenBlock());
    open_->chunk = std::exchange(context_.spare_builder, ChunkBuilder());
    open_->number = counters_.next_block++;
    open_->index.due = due;
    open_->index.moved = moved;
    open_->index.sent_at = sent_at;
  }
  open_->index.sent_at = std::max(open_->index.sent_at, sent_at);
  return *open_;
}

SequenceNumber Queue::added(const OpenBlock& open, std::size_t bytes_before) {
  context_.batch_bytes += open.chunk.bytes() - bytes_before;
  ++counters_.messages;
  if (open.index.due != Timestamp{}) ++counters_.delayed;
  changed_ = true;
  return sequence_of(open.number, open.chunk.count() - 1);
}

void Queue::close_block() {
  if (!open_) return;
  SealedBlock closed;
  closed.number = open_->number;
  closed.index = std::move(open_->index);
  closed.index.count = static_cast<std::uint8_t>(open_->chunk.count());
  closed.chunk = std::make_shared<const std::string>(open_->chunk.finish());
  closed.ids = std::move(open_->ids);
  if (closed.index.moved) ++counters_.moved_blocks;
  if (closed.index.due != Timestamp{}) ++counters_.parked;
  counters_.bytes += closed.chunk->size();
  pending_.push_back(std::move(closed));
  context_.spare_builder = std::move(open_->chunk);
  open_.reset();
}

// --- resident blocks ---

// The unsigned differences wrap around and come out right.
void Queue::recharge(std::size_t before, std::size_t after) {
  context_.memory.used += after - before;
  resident_bytes_ += after - before;
}

Block& Queue::insert(BlockNumber number, Block block) {
  const auto [it, inserted] = blocks_.emplace(number, std::move(block));
  CHECK(inserted);
  recharge(0, it->second.charged());
  if (it->second.chunk) chunk_bytes_ += it->second.chunk->size();
  return it->second;
}

void Queue::drop(Blocks::iterator block) {
  recharge(block->second.charged(), 0);
  if (block->second.chunk) chunk_bytes_ -= block->second.chunk->size();
  blocks_.erase(block);
}

void Queue::drop_chunk(Block& block) {
  if (!block.chunk) return;
  chunk_bytes_ -= block.chunk->size();
  const std::size_t before = block.charged();
  block.chunk.reset();
  recharge(before, block.charged());
}

void Queue::keep_chunk(Block& block, std::shared_ptr<const std::string> chunk) {
  const std::size_t before = block.charged();
  block.chunk = std::move(chunk);
  chunk_bytes_ += block.chunk->size();
  recharge(before, block.charged());
}

std::vector<SlotState>& Queue::touch(Block& block) {
  if (block.slots.empty()) {
    const std::size_t before = block.charged();
    block.slots.resize(block.index.count);
    for (SlotState& slot : block.slots) slot.visible_at = block.index.due;
    recharge(before, block.charged());
  }
  return block.slots;
}

void Queue::list(BlockNumber number, Block& block) {
  changed_ = true;
  if (block.listed) return;
  block.listed = true;
  listed_.push_back(number);
}

void Queue::set_deadline(Timestamp at, SequenceNumber sequence) {
  deadlines_.set(at, sequence);
  // Messages are deleted before their time, and a visibility may be changed again and again.
  const std::size_t many = 2 * in_flight_ + 256;
  if (deadlines_.size() <= many) return;
  deadlines_.erase_if([this](const TimerHeap<SequenceNumber>::Timer& timer) {
    const auto it = blocks_.find(block_of(timer.key));
    if (it == blocks_.end()) return true;
    const SlotState& state = it->second.slots[slot_of(timer.key)];
    return state.phase != Phase::in_flight || state.visible_at != timer.at;
  });
  if (deadlines_.size() > many) rebuild_deadlines();  // some stand there more than once
}

void Queue::rebuild_deadlines() {
  deadlines_.clear();
  for (const auto& [number, block] : blocks_) {
    for (unsigned slot = 0; slot < block.slots.size(); ++slot) {
      if (block.slots[slot].phase == Phase::in_flight) {
        deadlines_.set(block.slots[slot].visible_at, sequence_of(number, slot));
      }
    }
  }
}

// What is in flight, moving included, is counted here alone.
void Queue::enter_flight(const IndexRecord& index, unsigned slot) {
  ++in_flight_;
  entered_flight(index.group(slot), index.sent_at);
}

void Queue::leave_flight(const IndexRecord& index, unsigned slot) {
  --in_flight_;
  left_flight(index.group(slot));
}

void Queue::enter_flight(const StateRecord& state) {
  for (unsigned slot = 0; slot < state.slots.size(); ++slot) {
    if (counts_as_in_flight(state.slots[slot])) enter_flight(state.index, slot);
  }
}

bool Queue::any_in_flight(const std::vector<SlotState>& slots) {
  return std::ranges::any_of(slots, counts_as_in_flight);
}

// The consumer of a message in flight is done with it.
void Queue::note_processed(const Block& block, unsigned slot, Timestamp now) {
  const SlotState& state = block.slots[slot];
  if (state.phase != Phase::in_flight) return;
  processed(block.index.group(slot), std::min(now, state.visible_at) - state.received_at, now);
}

// Makes a loaded block resident. What is in flight in it is counted by the caller's books already
// only where it was parked or evicted; take_up() counts what it finds.
Block& Queue::take_up(const LoadedBlock& loaded, Timestamp now) {
  Block block;
  block.index = loaded.index;
  block.chunk = loaded.chunk;
  block.damaged = loaded.damaged;
  block.committed = true;
  block.live = loaded.index.count;
  if (parked_for_delay(loaded) && loaded.parked_until() > now) {
    block.parked_until = loaded.parked_until();
  }
  if (loaded.state) {
    block.index.place = loaded.state->index.place;
    block.state_on_disk = true;
    block.slots = loaded.state->slots;
    for (unsigned slot = 0; slot < block.slots.size(); ++slot) {
      SlotState& state = block.slots[slot];
      if (state.phase == Phase::deleted) {
        --block.live;
      } else if (state.phase == Phase::moving) {
        enter_flight(loaded.index, slot);  // not visible either
      } else if (state.phase == Phase::in_flight) {
        if (state.visible_at <= now) {
          state.phase = Phase::waiting;
        } else {
          enter_flight(loaded.index, slot);
          deadlines_.set(state.visible_at, sequence_of(loaded.number, slot));
        }
      }
    }
  }
  Block& resident = insert(loaded.number, std::move(block));
  taken_up(loaded.number, resident, loaded.parked());
  return resident;
}

// --- receiving ---

// @param chunk null: it cannot be read.
Expected<MessageRecord> Queue::record_of(const std::shared_ptr<const std::string>& chunk,
                                         SequenceNumber sequence) const {
  if (chunk == nullptr) return damaged_message();
  std::optional<MessageRecord> record = parse_chunk_message(*chunk, slot_of(sequence));
  if (!record || !is_genuine(*record, {id_, sequence}, context_.fingerprints)) {
    return damaged_message();
  }
  return *record;
}

Expected<OpenedMessage> Queue::open(const MessageRecord& record, SequenceNumber sequence,
                                    const std::shared_ptr<const std::string>& chunk,
                                    Timestamp now) {
  return open_message(record, {id_, sequence}, chunk, context_.data_keys, now);
}

Delivery Queue::deliver(const MessageRecord& record, OpenedMessage opened, BlockNumber number,
                        Block& block, unsigned slot, Milliseconds visibility_timeout,
                        Timestamp now) {
  const SequenceNumber sequence = sequence_of(number, slot);
  SlotState& state = touch(block)[slot];
  ++state.receive_count;
  ++state.delivery;
  state.epoch = context_.epoch;
  state.received_at = now;
  state.visible_at = now + visibility_timeout;
  if (state.first_received_at == Timestamp{}) state.first_received_at = now;
  if (visibility_timeout > 0) {
    state.phase = Phase::in_flight;
    enter_flight(block.index, slot);
    set_deadline(state.visible_at, sequence);
  }
  return delivery_of(record, std::move(opened), sequence, state);
}

Delivery Queue::delivery_of(const MessageRecord& record, OpenedMessage opened,
                            SequenceNumber sequence, const SlotState& state) const {
  Delivery delivery;
  delivery.message = std::move(opened.message);
  delivery.storage = std::move(opened.storage);
  delivery.sequence = sequence;
  delivery.receipt_handle = context_.sealer.seal({id_, sequence, state.delivery, state.epoch});
  delivery.receive_count = state.receive_count;
  delivery.first_received_at = state.first_received_at;
  if (record.origin) {
    delivery.id = record.origin->id;
    delivery.receive_count += record.origin->receive_count;
    delivery.first_received_at = record.origin->first_received_at;
  } else {
    delivery.id = context_.ids.id({id_, sequence});
  }
  return delivery;
}

DeadLetter Queue::dead_letter(const MessageRecord& record, SequenceNumber sequence,
                              const SlotState& state,
                              const std::shared_ptr<const std::string>& chunk) const {
  DeadLetter letter =
      moved_message(record, sequence, take_ ? take_->target : *settings_.dead_letter_queue, chunk);
  if (take_) return letter;
  MessageOrigin& origin = letter.message.origin.emplace();
  origin.source_arn = settings_.arn;
  origin.receive_count = state.receive_count;
  origin.first_received_at = state.first_received_at;
  origin.id = context_.ids.id({id_, sequence});
  if (record.origin) {
    origin.id = record.origin->id;
    origin.receive_count += record.origin->receive_count;
    origin.first_received_at = record.origin->first_received_at;
  }
  if (fifo()) letter.message.deduplication_id = origin.id;
  return letter;
}

// The message as a new one of `target`.
DeadLetter Queue::moved_message(const MessageRecord& record, SequenceNumber sequence,
                                QueueId target,
                                const std::shared_ptr<const std::string>& chunk) const {
  DeadLetter letter;
  letter.message = record;
  letter.chunk = chunk;
  letter.sequence = sequence;
  letter.target = target;
  if (!letter.message.first_place) letter.message.first_place = {id_, sequence};
  letter.message.origin.reset();
  return letter;
}

// Whether the next commit may take one more message away. @param moved_bytes of those that this
// receive has moved.
bool Queue::may_move(const MessageRecord& record, std::size_t moved_bytes) {
  if (context_.batch_full() || moved_bytes >= kMoveBytes) return false;
  if (!take_) return true;
  if (take_->left == 0) return false;
  const std::optional<QueueId> target = take_->route(record);
  if (!target) return false;
  take_->target = *target;
  --take_->left;
  return true;
}

Taken Queue::take(unsigned count_max, const Route& route, Timestamp now) {
  take_.emplace(Take{route, count_max});
  const unsigned read_ahead = std::min<unsigned>(count_max, limits::kReceiveMessagesMax);
  Taken taken = receive({.queue = id_, .count_max = read_ahead}, 0, now);
  take_.reset();
  return taken;
}

// The message leaves for another queue.
void Queue::move_slot(BlockNumber number, Block& block, unsigned slot, bool leaves_shard) {
  if (!leaves_shard) return erase_slot(number, block, slot);
  // It stays in the books until the other shard has it on disk.
  touch(block)[slot].phase = Phase::moving;
  if (block.parked_until) --counters_.delayed;
  enter_flight(block.index, slot);
  slot_moving(number, block, slot);
  block.write_state = true;
  list(number, block);
}

// --- operations on delivered messages ---

Found Queue::find(BlockNumber number, Blocks::iterator& block) {
  if (number < counters_.horizon) return Found::gone;
  block = blocks_.find(number);
  if (block != blocks_.end()) return Found::here;
  if (number >= committed_end_ || missing_.contains(number)) return Found::gone;
  if (block_loads_.emplace(number, false).second) issue_block_loads();
  return Found::on_disk;
}

// Loads look at what is committed. While rows that a load relies on are still on their way to disk
// (an eviction's, a relocation's), none is asked for.
bool Queue::may_load() const {
  return relocating_ == 0 && evicted_seal_ <= committed_count_;
}

Load Queue::load_of(Load::Kind kind) const {
  Load load;
  load.kind = kind;
  load.queue = id_;
  return load;
}

void Queue::issue(Load load) {
  load.as_of = committed_count_;
  loads_.insert(std::upper_bound(loads_.begin(), loads_.end(), load.as_of), load.as_of);
  context_.effects.loads.push_back(load);
}

// Whether the block was taken away in a commit that the load may not have seen.
bool Queue::removed(BlockNumber number, const Load& load) const {
  return among(removed_, number, load);
}

// Whether the block left memory, or was relocated, with rows that the load may not have seen.
bool Queue::evicted(BlockNumber number, const Load& load) const {
  return among(evicted_, number, load);
}

bool Queue::among(const std::deque<Rewritten>& rewritten, BlockNumber number, const Load& load) {
  return std::any_of(rewritten.begin(), rewritten.end(), [&](const Rewritten& one) {
    return one.number == number && one.seal > load.as_of;
  });
}

void Queue::issue_block_loads() {
  if (!may_load()) return;
  for (auto& [number, issued] : block_loads_) {
    if (issued) continue;
    issued = true;
    Load load = load_of(Load::Kind::block);
    load.first = number;
    issue(load);
  }
}

void Queue::erase_slot(BlockNumber number, Block& block, unsigned slot) {
  SlotState& state = touch(block)[slot];
  CHECK(state.phase != Phase::deleted);
  slot_erased(number, block, slot);
  if (counts_as_in_flight(state)) leave_flight(block.index, slot);
  if (block.parked_until && state.phase == Phase::waiting) --counters_.delayed;
  state.phase = Phase::deleted;
  --block.live;
  --counters_.messages;
  block.write_state = true;
  list(number, block);
}

Found Queue::erase(const ReceiptHandle& handle, Timestamp now, Erased& erased) {
  erased = Erased::done;
  Blocks::iterator it;
  const Found found = find(block_of(handle.sequence), it);
  if (found != Found::here) return found;
  auto& [number, block] = *it;
  const unsigned slot = slot_of(handle.sequence);
  if (slot >= block.index.count) return Found::gone;
  if (!block.slots.empty()) {
    const Phase phase = block.slots[slot].phase;
    if (phase == Phase::deleted || phase == Phase::moving) return Found::gone;
  }
  const Erasable erasable_now = erasable(block, slot, handle, now);
  if (erasable_now == Erasable::expired) erased = Erased::expired;
  if (erasable_now == Erasable::yes) {
    if (!block.slots.empty()) note_processed(block, slot, now);
    erase_slot(number, block, slot);
    ++traffic_.deleted;
  }
  return Found::here;
}

Found Queue::change_visibility(const ReceiptHandle& handle, std::string_view handle_text,
                               Milliseconds timeout, Timestamp now,
                               std::optional<ApiError>& error) {
  Blocks::iterator it;
  const Found found = find(block_of(handle.sequence), it);
  if (found == Found::gone) error = not_available(handle_text);
  if (found != Found::here) return found;
  auto& [number, block] = *it;
  const unsigned slot = slot_of(handle.sequence);
  if (slot >= block.index.count) {
    error = not_available(handle_text);
    return Found::gone;
  }
  SlotState& state = touch(block)[slot];
  // What has expired may not be swept yet. What is delayed is in nobody's hands: the handle tells
  // of a delivery that a crash has made it forget, and the clock has gone back since.
  if (state.phase == Phase::deleted || state.phase == Phase::moving || block.parked_until ||
      expired(block.index.sent_at, now) || !may_change(state, handle, now)) {
    error = not_available(handle_text);
    return Found::gone;
  }
  const Timestamp received_at = state.received_at;
  if (now + timeout - received_at > kVisibilityMax ||
      (timeout == kVisibilityMax && now == received_at)) {
    error = invalid_parameter(
        std::to_string(timeout / 1000), "VisibilityTimeout",
        "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]");
    return Found::here;
  }
  const bool was_in_flight = state.phase == Phase::in_flight;
  if (timeout > 0) {
    state.phase = Phase::in_flight;
    state.visible_at = now + timeout;
    if (!was_in_flight) enter_flight(block.index, slot);
    set_deadline(state.visible_at, handle.sequence);
  } else {
    note_processed(block, slot, now);
    state.phase = Phase::waiting;
    state.visible_at = now;
    if (was_in_flight) leave_flight(block.index, slot);
    slot_waiting(number, block, slot);
  }
  note_state(number, block);
  return Found::here;
}

void Queue::undo(const ReceiptHandle& handle, Timestamp now) {
  const auto it = blocks_.find(block_of(handle.sequence));
  if (it == blocks_.end()) return;
  auto& [number, block] = *it;
  const unsigned slot = slot_of(handle.sequence);
  if (slot >= block.slots.size()) return;
  SlotState& state = block.slots[slot];
  if (state.phase == Phase::deleted || state.phase == Phase::moving ||
      !may_change(state, handle, now)) {
    return;
  }
  if (state.phase == Phase::in_flight) leave_flight(block.index, slot);
  state.phase = Phase::waiting;
  state.visible_at = now;
  --state.receive_count;
  if (state.receive_count == 0) state.first_received_at = Timestamp{};
  note_state(number, block);
  slot_waiting(number, block, slot);
}

Found Queue::find_moving(SequenceNumber sequence, Blocks::iterator& block) {
  const Found found = find(block_of(sequence), block);
  if (found != Found::here) return found;
  const SlotState& state = touch(block->second)[slot_of(sequence)];
  return state.phase == Phase::moving ? Found::here : Found::gone;
}

Found Queue::finish_moving(SequenceNumber sequence) {
  Blocks::iterator block;
  const Found found = find_moving(sequence, block);
  if (found != Found::here) return found;
  erase_slot(block->first, block->second, slot_of(sequence));
  return found;
}

Found Queue::return_moving(SequenceNumber sequence, Timestamp now) {
  Blocks::iterator block;
  const Found found = find_moving(sequence, block);
  if (found != Found::here) return found;
  leave_flight(block->second.index, slot_of(sequence));
  SlotState& state = block->second.slots[slot_of(sequence)];
  state.phase = Phase::waiting;
  state.visible_at = block->second.parked_until.value_or(now);
  block->second.write_state = true;
  list(block->first, block->second);
  if (block->second.parked_until) {
    ++counters_.delayed;
  } else {
    slot_waiting(block->first, block->second, slot_of(sequence));
  }
  return found;
}

// --- what the console asks ---

void Queue::look(const std::shared_ptr<Look>& look) {
  const BlockNumber first = std::max(block_of(look->from), counters_.horizon);
  look->next = std::max(look->from, sequence_of(first, 0));
  Load load = load_of(Load::Kind::look);
  load.look = look;
  load.first = first;
  if (look->end) load.last = block_of(*look->end) + 1;
  load.blocks_max = kLookBlocks;
  issue(load);
}

void Queue::examine(const std::shared_ptr<Look>& look) {
  Load load = load_of(Load::Kind::examine);
  load.look = look;
  // The groups that were found count as listed, so all of them are read.
  load.bytes_max = look->wanted.group_heads ? SIZE_MAX : kWindowBytes;
  issue(load);
}

void Queue::loaded_look(const LoadResult& result, Timestamp now) {
  Look& look = *result.load.look;
  if (result.load.kind == Load::Kind::examine) {
    look.stage = Look::Stage::done;
    return;
  }
  look.stage = Look::Stage::rows;
  look.now = now;
  look.total = counters_.messages;
  if (settings_.retention > 0) look.kept_from = Timestamp{(now - settings_.retention) + 1};
  look.next = std::max(look.next, sequence_of(result.next, 0));
  look.exhausted = result.exhausted;
  for (const LoadedBlock& loaded : result.blocks) {
    if (loaded.number < counters_.horizon || removed(loaded.number, result.load)) continue;
    // The snapshot may know of a commit that committed() has not been told of yet.
    const bool unknown = loaded.number >= committed_end_;
    if (unknown || (!blocks_.contains(loaded.number) && evicted(loaded.number, result.load))) {
      look.next = std::max(look.from, sequence_of(loaded.number, 0));
      look.exhausted = unknown;
      return;
    }
    if (!look_at(look, loaded, now)) return;
  }
}

// Notes which messages of the block may be wanted. @return false: the look has enough of them.
bool Queue::look_at(Look& look, const LoadedBlock& loaded, Timestamp now) const {
  const auto resident = blocks_.find(loaded.number);
  const bool here = resident != blocks_.end();
  const IndexRecord& index = here ? resident->second.index : loaded.index;
  if (expired(index.sent_at, now)) return true;
  const std::vector<SlotState> untouched;
  const std::vector<SlotState>& slots = here           ? resident->second.slots
                                        : loaded.state ? loaded.state->slots
                                                       : untouched;
  Look::Candidate candidate;
  candidate.block = loaded.number;
  candidate.place = here || !loaded.state ? index.place : loaded.state->index.place;
  if (here) candidate.chunk = resident->second.chunk;
  bool enough = false;
  for (unsigned slot = 0; slot < index.count && !enough; ++slot) {
    const SequenceNumber sequence = sequence_of(loaded.number, slot);
    if (sequence < look.from || (look.end && sequence >= *look.end)) continue;
    SlotState state;
    state.visible_at = index.due;
    if (!slots.empty()) state = slots[slot];
    Look::Candidate::Slot found;
    found.number = slot;
    const std::optional<MessageState> now_is = state_of(index, state, now, found.visible_at);
    if (!now_is) continue;
    found.state = *now_is;
    found.receive_count = state.receive_count;
    found.first_received_at = state.first_received_at;
    ++look.scanned;
    if (!may_be_wanted(look, index, sequence, found)) continue;
    if (look.wanted.group_heads) {
      if (look.groups_listed.size() >= look.groups_max) {
        look.next = sequence;
        look.exhausted = false;
        enough = true;
        continue;
      }
      look.groups_listed.insert(index.group(slot));
    }
    candidate.slots.push_back(std::move(found));
  }
  if (!candidate.slots.empty()) look.candidates.push_back(std::move(candidate));
  return !enough;
}

// Nothing: the message is gone.
std::optional<MessageState> Queue::state_of(const IndexRecord& index, const SlotState& slot,
                                            Timestamp now,
                                            std::optional<Timestamp>& visible_at) const {
  if (slot.phase == Phase::deleted) return std::nullopt;
  if (slot.phase == Phase::moving) return MessageState::in_flight;
  // What lies on disk may have been in flight when that was written, and not be so now.
  const bool in_flight = slot.phase == Phase::in_flight && slot.visible_at > now;
  const Timestamp until = fifo() && !in_flight ? index.sent_at + settings_.delay : slot.visible_at;
  if (until <= now) return MessageState::available;
  visible_at = until;
  return in_flight ? MessageState::in_flight : MessageState::delayed;
}

// Whether the rows leave it open that the message is wanted.
bool Queue::may_be_wanted(Look& look, const IndexRecord& index, SequenceNumber sequence,
                          Look::Candidate::Slot& found) const {
  const LookWanted& wanted = look.wanted;
  if (found.state == MessageState::available && !wanted.available) return false;
  if (found.state == MessageState::in_flight && !wanted.in_flight) return false;
  if (found.state == MessageState::delayed && !wanted.delayed) return false;
  if (wanted.sent_from && index.sent_at < *wanted.sent_from) return false;
  // An id names its place, unless the message has come from another queue with it.
  if (wanted.id && !look.end && !fifo() && !index.moved) return false;
  const GroupKey group = index.group(found.number);
  if (look.group != GroupKey{} && group != look.group) return false;
  if (!wanted.group_heads) return true;
  if (group == GroupKey{}) return false;
  Look::GroupCounts& counts = look.groups[group];
  ++counts.messages;
  if (found.state == MessageState::in_flight) ++counts.in_flight;
  if (look.groups_listed.contains(group)) return false;
  found.group = summary(group);
  return !found.group.head || *found.group.head == sequence;
}

Found Queue::find_message(SequenceNumber sequence, Blocks::iterator& block,
                          std::optional<ApiError>& refusal) {
  const Found found = find(block_of(sequence), block);
  if (found == Found::gone) refusal = not_here();
  if (found != Found::here) return found;
  const unsigned slot = slot_of(sequence);
  if (slot >= block->second.index.count) {
    refusal = not_here();
    return Found::gone;
  }
  const Phase phase = touch(block->second)[slot].phase;
  if (phase == Phase::deleted) refusal = not_here();
  if (phase == Phase::moving) refusal = on_its_way();
  return Found::here;
}

Found Queue::find_block(SequenceNumber sequence) {
  Blocks::iterator block;
  return find(block_of(sequence), block);
}

Found Queue::erase_message(SequenceNumber sequence, Timestamp now,
                           std::optional<ApiError>& refusal) {
  Blocks::iterator it;
  const Found found = find_message(sequence, it, refusal);
  if (found != Found::here || refusal) return found;
  auto& [number, block] = *it;
  note_processed(block, slot_of(sequence), now);
  erase_slot(number, block, slot_of(sequence));
  return found;
}

Found Queue::take_message(SequenceNumber sequence, const std::shared_ptr<const std::string>& chunk,
                          QueueId target, Timestamp now, std::optional<DeadLetter>& letter,
                          std::optional<ApiError>& refusal) {
  Blocks::iterator it;
  const Found found = find_message(sequence, it, refusal);
  if (found != Found::here || refusal) return found;
  auto& [number, block] = *it;
  const unsigned slot = slot_of(sequence);
  if (block.slots[slot].phase == Phase::in_flight) {
    refusal = ApiError(ErrorCode::unsupported_operation,
                       "The message is in flight: somebody has received it and not deleted it.");
    return found;
  }
  const Expected<MessageRecord> record = record_of(chunk, sequence);
  if (!record) {
    refusal = record.error();
  } else if (expired(record->sent_at, now)) {
    refusal = not_here();
  } else {
    letter = moved_message(*record, sequence, target, chunk);
    move_slot(number, block, slot, shard_of(target) != shard_of(id_));
  }
  return found;
}

// --- purge ---

void Queue::purge(Timestamp now) {
  // What no commit holds yet needs none any more; but its sends are answered all the same.
  if (open_) static_cast<void>(open_->chunk.finish());
  open_.reset();
  pending_.clear();
  counters_.purged_at = now;
  counters_.horizon = counters_.next_block;
  counters_.messages = counters_.delayed = counters_.bytes = 0;
  counters_.parked = counters_.moved_blocks = 0;
  while (!blocks_.empty()) drop(blocks_.begin());
  forget_messages();
  listed_.clear();
  dirty_.clear();
  deadlines_.clear();
  left_in_flight_.clear();
  left_deadlines_.clear();
  in_flight_ = 0;
  next_expiry_ = kNever;
  frontier_ = counters_.horizon;
  relocations_.clear();
  const std::string first = queue_key(id_);
  const std::string last = queue_key_end(id_);
  context_.effects.writes.erase_range(Family::state, first, last);
  context_.effects.writes.erase_range(Family::due, first, last);
  changed_ = true;
  sweep();
}

void Queue::remove() {
  counters_.deleted = true;
  purge(counters_.purged_at);
}

void Queue::sweep() {
  // A relocation in flight is about to change what a sweep would release.
  const BlockNumber last = std::min(counters_.horizon, committed_end_);
  if (sweeping_ || relocating_ > 0 || counters_.swept >= last) return;
  sweeping_ = true;
  Load load = load_of(Load::Kind::sweep);
  load.first = counters_.swept;
  load.last = last;
  load.blocks_max = kSweepBlocks;
  issue(load);
}

// --- the backlog ---

void Queue::load_chunk(BlockNumber number, Block& block) {
  if (block.loading_chunk || block.relocating || block.damaged) return;
  block.loading_chunk = true;
  ++chunks_loading_;
  Load load = load_of(Load::Kind::chunk);
  load.first = number;
  load.place = block.index.place;
  issue(load);
}

void Queue::relocate(BlockNumber number, const PayloadPlace& place) {
  // The store asks again for what is passed over now.
  if (relocations_.contains(number) || counters_.deleted || !may_load()) return;
  relocations_.emplace(number, std::nullopt);
  Load load = load_of(Load::Kind::relocate);
  load.first = number;
  load.place = place;
  issue(load);
}

void Queue::loaded(const LoadResult& result, Timestamp now) {
  const auto issued = std::lower_bound(loads_.begin(), loads_.end(), result.load.as_of);
  CHECK(issued != loads_.end() && *issued == result.load.as_of);
  loads_.erase(issued);
  switch (result.load.kind) {
    case Load::Kind::block:
      return loaded_block(result, now);
    case Load::Kind::chunk:
      return loaded_chunk(result);
    case Load::Kind::relocate:
      return loaded_relocation(result);
    case Load::Kind::sweep:
      return loaded_sweep(result);
    case Load::Kind::expire:
      return loaded_expire(result, now);
    case Load::Kind::look:
    case Load::Kind::examine:
      return loaded_look(result, now);
    case Load::Kind::transfer:
      return;  // the shard keeps these to itself
    default:
      return loaded_by_kind(result, now);
  }
}

void Queue::loaded_block(const LoadResult& result, Timestamp now) {
  const BlockNumber number = result.load.first;
  block_loads_.erase(number);
  if (number < counters_.horizon || blocks_.contains(number)) return;
  if (evicted(number, result.load)) {
    block_loads_.emplace(number, false);  // it was here meanwhile: look again
    return issue_block_loads();
  }
  if (result.blocks.empty() || removed(number, result.load)) {
    if (missing_.size() >= kMissingMax) missing_.clear();
    missing_.insert(number);
    return;
  }
  const LoadedBlock& loaded = result.blocks.front();
  if (loaded.parked()) {
    unpark(loaded, now);
  } else {
    forget_in_flight(loaded);
    take_up(loaded, now);
  }
}

void Queue::loaded_chunk(const LoadResult& result) {
  --chunks_loading_;
  const auto it = blocks_.find(result.load.first);
  if (it == blocks_.end()) return;
  Block& block = it->second;
  block.loading_chunk = false;
  if (block.chunk || result.blocks.empty()) return;
  block.damaged = result.blocks.front().damaged;
  chunk_arrived(it->first, block, result.blocks.front().chunk);
}

// Notes what goes on being in flight in a block that leaves memory unparked: nothing else tells
// when it is not any more.
void Queue::leave_in_flight(BlockNumber number, const IndexRecord& index,
                            const std::vector<SlotState>& slots) {
  std::vector<LeftInFlight> left;
  for (unsigned slot = 0; slot < slots.size(); ++slot) {
    if (!counts_as_in_flight(slots[slot])) continue;
    const bool moving = slots[slot].phase == Phase::moving;
    left.push_back({moving ? kNever : slots[slot].visible_at, index.group(slot)});
  }
  if (left.empty()) return;
  left_deadlines_.set(earliest(left), number);
  left_in_flight_[number] = std::move(left);
  if (left_deadlines_.size() <= 2 * left_in_flight_.size() + 256) return;
  left_deadlines_.clear();
  for (const auto& [block, messages] : left_in_flight_) {
    left_deadlines_.set(earliest(messages), block);
  }
}

Timestamp Queue::earliest(const std::vector<LeftInFlight>& left) {
  return std::ranges::min(left, {}, &LeftInFlight::until).until;
}

// What was in flight when it left memory is counted in in_flight_ still; take_up() counts it anew.
void Queue::forget_in_flight(const LoadedBlock& loaded) {
  if (const auto left = left_in_flight_.find(loaded.number); left != left_in_flight_.end()) {
    for (const LeftInFlight& message : left->second) {
      --in_flight_;
      left_flight(message.group);
    }
    left_in_flight_.erase(left);
    return;
  }
  if (!loaded.state || !loaded.parked()) return;
  const std::vector<SlotState>& slots = loaded.state->slots;
  for (unsigned slot = 0; slot < slots.size(); ++slot) {
    if (counts_as_in_flight(slots[slot])) leave_flight(loaded.state->index, slot);
  }
}

// Messages of a parked block that are delayed. What was parked in flight has none.
std::uint64_t Queue::delayed_in(const LoadedBlock& loaded) {
  if (!loaded.parked()) return 0;
  if (!loaded.state) return loaded.index.count;
  return static_cast<std::uint64_t>(
      std::ranges::count(loaded.state->slots, Phase::waiting, &SlotState::phase));
}

void Queue::unpark(const LoadedBlock& loaded, Timestamp now) {
  forget_in_flight(loaded);
  Block& block = take_up(loaded, now);
  if (!block.parked_until) {
    counters_.delayed -= delayed_in(loaded);
    --counters_.parked;
    // Its due row goes in the commit that holds a state row without parking, so that the rows
    // agree.
    block.due_row = loaded.parked_until();
  }
  block.write_state = true;
  touch(block);
  list(loaded.number, block);
}

// The block goes back to where it was before an operation needed it.
void Queue::park_again(Blocks::iterator it) {
  auto& [number, block] = *it;
  const Timestamp until = *block.parked_until;
  write_state(number, block, until);
  note_parked(until);
  note_evicted(number);
  ++evictions_;
  drop(it);
}

void Queue::loaded_relocation(const LoadResult& result) {
  const auto pending = relocations_.find(result.load.first);
  if (pending == relocations_.end()) return;
  if (result.blocks.empty() || result.blocks.front().chunk == nullptr ||
      result.load.first < counters_.horizon || removed(result.load.first, result.load) ||
      evicted(result.load.first, result.load)) {
    relocations_.erase(pending);
    return;
  }
  pending->second = result.blocks.front();
  changed_ = true;
}

void Queue::loaded_sweep(const LoadResult& result) {
  sweeping_ = false;
  for (const LoadedBlock& block : result.blocks) {
    if (removed(block.number, result.load)) continue;
    context_.effects.writes.erase(Family::index, block_key(id_, block.number));
    context_.effects.writes.release(block.index.place);
  }
  counters_.swept = result.exhausted ? result.load.last : result.next;
  changed_ = true;
  sweep();
}

// --- retention ---

void Queue::expire(Timestamp now) {
  if (expiring_ || next_expiry_ > now || !may_load()) return;
  if (counters_.messages == 0 || settings_.retention == 0) {
    next_expiry_ = kNever;
    return;
  }
  if (expiry_resumes_) return expire_from(*std::exchange(expiry_resumes_, std::nullopt));
  earliest_sent_ = kNever;
  // Parked and filed blocks lie below the head; without any, what lies below it is gone.
  const bool all = counters_.parked > 0 || counters_.filed_end > 0;
  expire_from(all ? counters_.horizon : head());
}

void Queue::expire_from(BlockNumber first) {
  expiring_ = may_load();
  if (!expiring_) {
    expiry_resumes_ = first;  // next_expiry_ is still due
    return;
  }
  expire_evictions_ = evictions_;
  Load load = load_of(Load::Kind::expire);
  load.first = first;
  load.blocks_max = kSweepBlocks;
  issue(load);
}

void Queue::loaded_expire(const LoadResult& result, Timestamp now) {
  if (expire_evictions_ != evictions_) return expire_from(result.load.first);
  bool more = !result.exhausted;
  for (const LoadedBlock& loaded : result.blocks) {
    if (loaded.number < counters_.horizon || removed(loaded.number, result.load)) continue;
    // The snapshot may know of a commit that committed() has not been told of yet.
    const bool known = loaded.number < committed_end_;
    if (!known || !expired(loaded.index.sent_at, now)) {
      earliest_sent_ = std::min(earliest_sent_, loaded.index.sent_at);
      // Blocks lie in the order of their sending but for those that a dead-letter move brought.
      if (counters_.moved_blocks == 0) {
        more = false;
        break;
      }
      continue;
    }
    const auto it = blocks_.find(loaded.number);
    if (it != blocks_.end()) {
      expire_resident(it);
    } else {
      expire_on_disk(loaded);
    }
  }
  if (more) return expire_from(result.next);
  expiring_ = false;
  next_expiry_ = earliest_sent_ == kNever
                     ? (counters_.messages > 0 ? now + settings_.retention : kNever)
                     : earliest_sent_ + settings_.retention;
  next_expiry_ = std::max(next_expiry_, now + kExpiryStep);
}

void Queue::expire_resident(Blocks::iterator it) {
  auto& [number, block] = *it;
  touch(block);
  for (unsigned slot = 0; slot < block.index.count; ++slot) {
    const Phase phase = block.slots[slot].phase;
    if (phase != Phase::deleted && phase != Phase::moving) erase_slot(number, block, slot);
  }
}

void Queue::expire_on_disk(const LoadedBlock& loaded) {
  WriteBatch& writes = context_.effects.writes;
  const std::string key = block_key(id_, loaded.number);
  std::uint64_t live = loaded.index.count;
  forget_in_flight(loaded);
  if (loaded.state) {
    for (const SlotState& slot : loaded.state->slots) {
      if (slot.phase == Phase::deleted) --live;
    }
    writes.erase(Family::state, key);
  }
  counters_.delayed -= delayed_in(loaded);
  if (loaded.parked()) {
    writes.erase(Family::due, due_key(id_, loaded.parked_until(), loaded.number));
    --counters_.parked;
  }
  writes.erase(Family::index, key);
  erase_rows(loaded.number, loaded.index);
  writes.release(loaded.index.place);
  counters_.messages -= live;
  counters_.bytes -= loaded.index.place.length;
  if (loaded.index.moved) --counters_.moved_blocks;
  removed_.push_back({seal_count_ + 1, loaded.number});
  relocations_.erase(loaded.number);
  changed_ = true;
}

// --- time ---

void Queue::tick(Timestamp now) {
  TimerHeap<SequenceNumber>::Timer due;
  while (deadlines_.pop_due(now, due)) {
    const auto it = blocks_.find(block_of(due.key));
    if (it == blocks_.end()) continue;
    const unsigned slot = slot_of(due.key);
    if (slot >= it->second.slots.size()) continue;
    SlotState& state = it->second.slots[slot];
    if (state.phase != Phase::in_flight || state.visible_at > now) continue;
    note_processed(it->second, slot, now);
    state.phase = Phase::waiting;
    leave_flight(it->second.index, slot);
    slot_waiting(it->first, it->second, slot);
  }
  TimerHeap<BlockNumber>::Timer left;
  while (left_deadlines_.pop_due(now, left)) {
    const auto it = left_in_flight_.find(left.key);
    if (it == left_in_flight_.end()) continue;
    std::erase_if(it->second, [&](const LeftInFlight& message) {
      if (message.until > now) return false;
      --in_flight_;
      left_flight(message.group);
      return true;
    });
    if (it->second.empty()) {
      left_in_flight_.erase(it);
    } else {
      left_deadlines_.set(earliest(it->second), left.key);
    }
  }
  expire(now);
}

Timestamp Queue::next_event() const {
  const Timestamp next = std::min(deadlines_.next(), left_deadlines_.next());
  return !expiring_ && may_load() ? std::min(next, next_expiry_) : next;
}

bool Queue::due_on_disk(Timestamp) const {
  return false;
}

// --- eviction ---

void Queue::unpin(BlockNumber number) {
  const auto it = pinned_.find(number);
  CHECK(it != pinned_.end());
  if (--it->second > 0) return;
  pinned_.erase(it);
  const auto block = blocks_.find(number);
  if (block != blocks_.end() && block->second.parked_until) list(number, block->second);
}

// Loads that are asked for from now on must see what the batch being filled writes.
void Queue::load_after_commit() {
  changed_ = true;
  evicted_seal_ = seal_count_ + 1;
}

// A block has left memory, or changed on disk behind the back of a load.
void Queue::note_evicted(BlockNumber number) {
  // Its rows are in the batch being filled, or else at the latest in the one in flight.
  evicted_.push_back({changed_ ? seal_count_ + 1 : seal_count_, number});
  evicted_seal_ = evicted_.back().seal;
  relocations_.erase(number);  // what was loaded for it may be outdated
}

void Queue::evict_over_budget(Timestamp now) {
  if (!context_.memory.over()) return;
  // The window that was just loaded serves whoever waits; only what is more than that may go.
  const std::size_t excess = context_.memory.used - context_.memory.limit;
  if (resident_bytes_ > excess + kWindowBytes) evict(excess, now);
}

// --- commits ---

void Queue::write_state(BlockNumber number, Block& block, Timestamp parked_until) {
  std::string value;
  append_place(value, block.index.place);
  value += encode_state(block.index, parked_until, touch(block), !fifo());
  context_.effects.writes.put(Family::state, block_key(id_, number), value);
  block.state_on_disk = true;
  block.dirty = false;
  block.write_state = false;
}

void Queue::write_removed(BlockNumber number, Block& block) {
  WriteBatch& writes = context_.effects.writes;
  const std::string key = block_key(id_, number);
  writes.erase(Family::index, key);
  if (block.state_on_disk) writes.erase(Family::state, key);
  erase_rows(number, block.index);
  writes.release(block.index.place);
  counters_.bytes -= block.index.place.length;
  if (block.index.moved) --counters_.moved_blocks;
  removed_.push_back({seal_count_ + 1, number});
  relocations_.erase(number);
}

void Queue::seal(bool flush_all) {
  WriteBatch& writes = context_.effects.writes;
  close_block();
  for (const BlockNumber number : std::exchange(listed_, {})) {
    const auto it = blocks_.find(number);
    if (it == blocks_.end()) continue;
    Block& block = it->second;
    if (block.parked_until && block.live > 0 && pinned_.contains(number)) {
      listed_.push_back(number);  // it is listed again when nobody needs it here any more
      continue;
    }
    block.listed = false;
    if (block.parked_until && block.live == 0) {
      block.due_row = block.parked_until;
      --counters_.parked;
    }
    if (block.due_row) {
      writes.erase(Family::due, due_key(id_, *block.due_row, number));
      block.due_row.reset();
    }
    if (block.live == 0) {
      write_removed(number, block);
      drop(it);
    } else if (block.parked_until) {
      park_again(it);
    } else if (block.write_state) {
      write_state(number, block, Timestamp{});
    }
  }
  if (flush_all) {
    std::size_t written = 0;
    for (; written < dirty_.size() && !context_.batch_full(); ++written) {
      const auto it = blocks_.find(dirty_[written]);
      if (it == blocks_.end() || !it->second.dirty) continue;
      write_state(dirty_[written], it->second, Timestamp{});
    }
    dirty_.erase(dirty_.begin(), dirty_.begin() + static_cast<std::ptrdiff_t>(written));
  }
  for (SealedBlock& block : pending_) {
    std::string key = block_key(id_, block.number);
    block.payload = writes.add_payload(block.chunk, key);
    writes.put_placed(Family::index, key, block.payload, encode_index(block.index));
    if (block.index.due != Timestamp{}) {
      writes.put(Family::due, due_key(id_, block.index.due, block.number), {});
    }
    seal_block(block);
    sealed_.push_back(std::move(block));
  }
  pending_.clear();
  seal_relocations();
  if (changed_) {
    counters_.head = head();
    if (gone_from_disk()) {
      writes.erase(Family::queues, queue_key(id_));
      writes.erase(Family::queues, counters_key(id_));
      rows_erased_ = true;
    } else {
      writes.put(Family::queues, counters_key(id_), encode_counters(counters_));
    }
  }
  changed_ = false;
  ++seal_count_;
}

BlockNumber Queue::head() const {
  return blocks_.empty() ? frontier_ : std::min(frontier_, blocks_.begin()->first);
}

void Queue::seal_relocations() {
  // A load under way would bring back the old place.
  if (loads_under_way() || expiring_ || !block_loads_.empty()) return;
  WriteBatch& writes = context_.effects.writes;
  for (auto it = relocations_.begin(); it != relocations_.end() && !context_.batch_full();) {
    const BlockNumber number = it->first;
    const std::optional<LoadedBlock> loaded = std::move(it->second);
    if (!loaded) {
      ++it;
      continue;
    }
    it = relocations_.erase(it);
    const auto resident = blocks_.find(number);
    SealedBlock moved;
    moved.number = number;
    moved.chunk = loaded->chunk;
    moved.index = loaded->index;
    moved.relocated = true;
    std::optional<StateRecord> state = loaded->state;
    if (resident != blocks_.end()) {
      Block& block = resident->second;
      if (block.loading_chunk || !(block.index.place == loaded->index.place)) continue;
      block.relocating = true;
      state.reset();
      if (block.state_on_disk) state = StateRecord{block.index, Timestamp{}, block.slots};
    }
    const std::string key = block_key(id_, number);
    moved.payload = writes.add_payload(moved.chunk, key);
    writes.release(loaded->index.place);
    // Index rows are written once and erased once: a new place is a new row.
    writes.erase(Family::index, key);
    writes.put_placed(Family::index, key, moved.payload, encode_index(moved.index));
    if (state)
      writes.put_placed(Family::state, key, moved.payload,
                        encode_state(state->index, state->parked_until, state->slots, !fifo()));
    evicted_.push_back({seal_count_ + 1, number});  // a load may still bring the old place
    ++relocating_;
    sealed_.push_back(std::move(moved));
  }
}

void Queue::committed(std::span<const PayloadPlace> places, Timestamp now) {
  committed_count_ = seal_count_;
  const std::uint64_t known = loads_.empty() ? committed_count_ : loads_.front();
  while (!removed_.empty() && removed_.front().seal <= known) removed_.pop_front();
  while (!evicted_.empty() && evicted_.front().seal <= known) evicted_.pop_front();
  for (SealedBlock& sealed : std::exchange(sealed_, {})) {
    sealed.index.place = places[sealed.payload];
    if (sealed.relocated) {
      --relocating_;
      const auto it = blocks_.find(sealed.number);
      if (it == blocks_.end()) continue;
      it->second.relocating = false;
      it->second.index.place = sealed.index.place;
      chunk_arrived(it->first, it->second, nullptr);
      continue;
    }
    if (sealed.number < counters_.horizon) continue;
    block_committed(sealed, now);
  }
  // Not one further than the last of the commit: a purge may have left numbers unused.
  committed_end_ = !pending_.empty() ? pending_.front().number
                   : open_           ? open_->number
                                     : counters_.next_block;
  if (next_expiry_ == kNever && counters_.messages > 0 && settings_.retention > 0) {
    next_expiry_ = now + settings_.retention;
  }
  issue_block_loads();
  sweep();
  after_commit(now);
}

void Queue::after_commit(Timestamp) {}

void Queue::slot_erased(BlockNumber, Block&, unsigned) {}

void Queue::slot_moving(BlockNumber, Block&, unsigned) {}

void Queue::seal_block(const SealedBlock&) {}

void Queue::erase_rows(BlockNumber, const IndexRecord&) {}

void Queue::forget_messages() {}

}  // namespace millrace
