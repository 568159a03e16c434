#include "queue/shard.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"

namespace millrace {

namespace {

// Lazily written state reaches the disk this long after it changed, if nothing takes it along.
constexpr Milliseconds kFlushInterval = seconds(1);
// How often the store is told the time, so that a clock set back cannot hide it.
constexpr Milliseconds kTimeInterval = seconds(1);
// When replies under way fill their budget, waiting receives look again this much later.
constexpr Milliseconds kReplyRetry = 20;
// A reply whose dead letters leave for another shard waits no longer than this for its answer.
constexpr Milliseconds kHoldMax = seconds(5);
// One request to move messages puts so much into a commit, and goes on behind it.
constexpr std::size_t kMoveBytes = std::size_t{1} << 20;
// Bodies in one reply, besides its first message.
constexpr std::size_t kReplyBodyBytes = std::size_t{4} << 20;

constexpr std::string_view kTimeKey = "time";

// Bytes of a reply, counted for its shard and its queue until its last owner lets go of it.
class ReplyBytes {
 public:
  using Count = std::shared_ptr<std::atomic<std::size_t>>;

  ReplyBytes(Count shard, Count queue, std::size_t bytes)
      : shard_(std::move(shard)), queue_(std::move(queue)), bytes_(bytes) {
    shard_->fetch_add(bytes_, std::memory_order_relaxed);
    queue_->fetch_add(bytes_, std::memory_order_relaxed);
  }
  ReplyBytes(const ReplyBytes&) = delete;
  ReplyBytes& operator=(const ReplyBytes&) = delete;
  ~ReplyBytes() {
    shard_->fetch_sub(bytes_, std::memory_order_relaxed);
    queue_->fetch_sub(bytes_, std::memory_order_relaxed);
  }

 private:
  Count shard_;
  Count queue_;
  std::size_t bytes_;
};

}  // namespace

Shard::Shard(const ShardOptions& options, Effects& effects)
    : options_(options),
      effects_(effects),
      memory_{options.memory_bytes, 0},
      data_keys_(*options.keys),
      context_{.effects = effects,
               .memory = memory_,
               .sealer = *options.sealer,
               .ids = *options.ids,
               .fingerprints = *options.fingerprints,
               .data_keys = data_keys_,
               .epoch = options.epoch,
               .batch_bytes_max = options.batch_bytes_max},
      transfers_(options.number, options.epoch, effects),
      move_tasks_(*options.fingerprints, effects) {}

// --- restoring ---

bool Shard::restore(Family family, std::string_view key, std::string_view value) {
  switch (family) {
    case Family::meta: {
      const std::optional<std::uint64_t> number = parse_number(value);
      if (!number) return false;
      if (key == kNextQueueKey) next_queue_ = *number;
      if (key == kTimeKey) last_time_ = Timestamp{static_cast<std::int64_t>(*number)};
      return true;
    }
    case Family::queues: {
      const std::optional<QueueRowKey> row = parse_queue_key(key);
      return row && restore_queue(*row, value);
    }
    case Family::names:
      names_[std::string(key)] = value;
      return true;
    case Family::state: {
      const std::optional<BlockKey> block = parse_block_key(key);
      Entry* owner = block ? entry(block->queue) : nullptr;
      return owner != nullptr && owner->queue->restore_state(block->block, value);
    }
    case Family::groups: {
      const std::optional<GroupRowKey> row = parse_group_key(key);
      Entry* owner = row ? entry(row->queue) : nullptr;
      return owner != nullptr && owner->queue->restore_group(row->group, row->block);
    }
    case Family::deduplication: {
      const std::optional<DeduplicationKey> row = parse_deduplication_key(key);
      Entry* owner = row ? entry(row->queue) : nullptr;
      return owner != nullptr && owner->queue->restore_deduplication(*row, value);
    }
    case Family::transfers:
      return transfers_.restore(key, value);
    default:
      return false;
  }
}

bool Shard::restore_queue(const QueueRowKey& row, std::string_view value) {
  if (row.kind == QueueRowKey::Kind::definition) {
    restored_definitions_[row.queue] = value;
    return true;
  }
  if (row.kind == QueueRowKey::Kind::move_task) {
    return entry(row.queue) != nullptr && move_tasks_.restore(row.queue, row.task, value);
  }
  const std::optional<QueueCounters> counters = parse_counters(value);
  const auto definition = restored_definitions_.find(row.queue);
  if (!counters || definition == restored_definitions_.end()) return false;
  add(Queue::restore(row.queue, context_, std::move(definition->second), *counters));
  restored_definitions_.erase(definition);
  return true;
}

void Shard::finish_restore(Timestamp now) {
  for (const OutboxRecord& record : transfers_.outbox()) {
    move_tasks_.restore_under_way(record.source, record.task);
  }
  for (auto& [id, entry] : queues_) {
    entry.queue->finish_restore(now);
    after(entry, now);
  }
  transfers_.resend_all();
}

std::vector<std::pair<QueueId, std::string>> Shard::definitions() const {
  std::vector<std::pair<QueueId, std::string>> all;
  for (const auto& [id, entry] : queues_) {
    if (!entry.queue->counters().deleted) all.emplace_back(id, entry.queue->definition());
  }
  return all;
}

// --- finding ---

Shard::Entry* Shard::entry(QueueId queue) {
  const auto found = queues_.find(queue);
  return found == queues_.end() ? nullptr : &found->second;
}

Shard::Entry* Shard::find(QueueId queue) {
  Entry* found = entry(queue);
  return found != nullptr && !found->queue->counters().deleted ? found : nullptr;
}

const Queue* Shard::find(QueueId queue) const {
  const auto found = queues_.find(queue);
  if (found == queues_.end() || found->second.queue->counters().deleted) return nullptr;
  return found->second.queue.get();
}

Shard::Entry& Shard::add(std::unique_ptr<Queue> queue) {
  const QueueId id = queue->id();
  recent_.push_front(id);
  const auto [it, inserted] = queues_.try_emplace(id);
  CHECK(inserted);
  it->second.queue = std::move(queue);
  it->second.recent = recent_.begin();
  return it->second;
}

void Shard::use(Entry& entry) {
  recent_.splice(recent_.begin(), recent_, entry.recent);
}

// After any change to a queue: notes what it wants to write and when it wants to be woken.
void Shard::after(Entry& entry, Timestamp now) {
  Queue& queue = *entry.queue;
  note_active(entry);
  if (queue.changed() && !entry.changed) {
    entry.changed = true;
    changed_.push_back(queue.id());
  }
  if (queue.has_dirty() && !entry.dirty) {
    entry.dirty = true;
    dirty_.push_back(queue.id());
    next_flush_ = std::min(next_flush_, now + kFlushInterval);
  }
  Timestamp next = queue.next_event();
  if (refusal_.empty()) next = std::min(next, move_tasks_.next_event(queue.id()));
  if (next < entry.wake) {
    entry.wake = next;
    wakes_.set(next, queue.id());
  }
}

void Shard::note_active(Entry& entry) {
  if (entry.active) return;
  entry.active = true;
  active_.push_back(entry.queue->id());
}

// A receive is answered with nothing.
void Shard::note_empty_receive(QueueId queue) {
  Entry* found = find(queue);
  if (found == nullptr) return;
  ++found->queue->traffic().empty_receives;
  note_active(*found);
}

std::vector<QueueActivity> Shard::take_activity() {
  std::vector<QueueActivity> news = std::exchange(ended_, {});
  news.reserve(news.size() + active_.size());
  for (const QueueId id : std::exchange(active_, {})) {
    QueueActivity one{.queue = id};
    Entry* found = entry(id);
    if (found != nullptr) {
      found->active = false;
      one.traffic = std::exchange(found->queue->traffic(), {});
    }
    one.gone = find(id) == nullptr;
    if (!one.gone) {
      one.gauges = found->queue->gauges();
      one.gauges.waiting = waiters_.count(id);
    }
    news.push_back(one);
  }
  return news;
}

// --- queues ---

QueueId Shard::create_queue(std::string definition, QueueSettings settings, Timestamp now) {
  const QueueId id{(std::uint64_t{options_.number} << limits::kQueueIdShardShift) | next_queue_++};
  effects_.writes.put(Family::meta, kNextQueueKey, encode_number(next_queue_));
  Entry& entry = add(Queue::create(id, context_, std::move(definition), std::move(settings)));
  after(entry, now);
  return id;
}

Expected<void> Shard::define_queue(QueueId queue, std::string definition, QueueSettings settings) {
  Entry* found = find(queue);
  if (found == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  found->queue->set_definition(std::move(definition));
  found->queue->set_settings(std::move(settings));
  after(*found, Timestamp{});
  return {};
}

void Shard::configure_queue(QueueId queue, QueueSettings settings) {
  Entry* found = find(queue);
  if (found == nullptr) return;
  found->queue->set_settings(std::move(settings));
  move_tasks_.release(queue);
  after(*found, Timestamp{});
}

Expected<void> Shard::delete_queue(QueueId queue) {
  Entry* found = find(queue);
  if (found == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  for (const Waiter& waiter : waiters_.remove_all(queue)) {
    answer(waiter.id, ApiError(ErrorCode::queue_does_not_exist));
  }
  found->queue->remove();
  move_tasks_.forget(queue);
  after(*found, Timestamp{});
  return {};
}

Expected<void> Shard::purge_queue(QueueId queue, Milliseconds interval, Timestamp now) {
  Entry* found = find(queue);
  if (found == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  const Timestamp last = found->queue->counters().purged_at;
  // A clock that has gone back shows a time before the last purge.
  if (last != Timestamp{} && interval > 0 && now - last < interval) {
    return ApiError(ErrorCode::purge_queue_in_progress);
  }
  found->queue->purge(now);
  advance_move_task(*found, now);
  after(*found, now);
  return {};
}

Expected<QueueCounts> Shard::counts(QueueId queue, Timestamp now) {
  Entry* found = find(queue);
  if (found == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  found->queue->tick(now);
  if (found->queue->due_on_disk(now)) {
    want(queue, kDueBlocks);
  }
  after(*found, now);
  return found->queue->counts();
}

Expected<QuietCounts> Shard::quiet_counts(QueueId queue, Timestamp now) {
  const Expected<QueueCounts> all = counts(queue, now);
  if (!all) return all.error();
  return find(queue)->queue->quiet_counts();
}

void Shard::set_name(const std::string& key, std::string_view value) {
  if (value.empty()) {
    if (names_.erase(key) > 0) effects_.writes.erase(Family::names, key);
    return;
  }
  // Names are rows that are written once and erased once: a new value is a new row.
  if (names_.contains(key)) effects_.writes.erase(Family::names, key);
  names_[key] = value;
  effects_.writes.put(Family::names, key, value);
}

// --- move tasks ---

Expected<MoveTask> Shard::start_move_task(QueueId source, const NewMoveTask& wanted,
                                          Timestamp now) {
  const Expected<QueueCounts> here = counts(source, now);
  if (!here) return here.error();
  if (!wanted_.empty()) return MoveTask();  // it is run again when all that is due is here
  Expected<MoveTask> task = move_tasks_.start(source, wanted, here->visible, now);
  if (task) work(*find(source), now);
  return task;
}

Expected<std::uint64_t> Shard::cancel_move_task(QueueId source, std::string_view id) {
  if (find(source) == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  return move_tasks_.cancel(source, id);
}

Expected<std::vector<MoveTask>> Shard::move_tasks(QueueId source) const {
  if (find(source) == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  return move_tasks_.list(source);
}

void Shard::refuse_sends(std::string cause) {
  refusal_ = std::move(cause);
  if (!refusal_.empty()) return;
  for (const QueueId queue : move_tasks_.active()) {
    if (Entry* found = find(queue)) stall(*found);
  }
}

// Takes what the queue's move task may take now, and ends the task when nothing is left.
void Shard::advance_move_task(Entry& entry, Timestamp now) {
  Queue& queue = *entry.queue;
  const unsigned allowance = move_tasks_.allowance(queue.id(), now);
  // A nearly full disk has no room for copies on other shards: a task waits as sends do.
  if (allowance == 0 || !refusal_.empty()) return;
  if (context_.batch_full()) return stall(entry);
  const MoveTask& task = *move_tasks_.running(queue.id());
  std::string_view failure;
  const Queue::Route route = [&](const MessageRecord& message) {
    return target_of(task.record, queue.id(), message, failure);
  };
  const Taken taken = queue.take(allowance, route, now);
  const std::vector<DeadLetter>& letters = taken.dead_letters;
  const std::size_t away = move(queue.id(), letters, task.number, now).size();
  move_tasks_.took(queue.id(), letters.size(), away, now);
  if (!failure.empty()) return move_tasks_.fail(queue.id(), failure);
  if (queue.fill_window(now) || !letters.empty()) return;
  if (queue.counts().visible == 0) {
    move_tasks_.found_nothing(queue.id());
  } else if (taken.unopened && !queue.held_up()) {
    move_tasks_.found_damage(queue.id());
  }
}

// Where a move task takes the message. @param failure set where it cannot be moved.
std::optional<QueueId> Shard::target_of(const MoveTaskRecord& task, QueueId source,
                                        const MessageRecord& message, std::string_view& failure) {
  std::optional<QueueId> target = task.destination;
  if (!target) {
    const std::string_view arn = message.origin ? message.origin->source_arn : "";
    if (!arn.empty()) target = options_.find_queue(arn);
    // A queue that is its own dead-letter queue would get it back for ever.
    if (arn.empty() || target == source) {
      failure = kNoSource;
      return std::nullopt;
    }
  }
  // Whether a queue of another shard is still there, that shard tells.
  const bool gone = !target || (shard_of(*target) == options_.number && find(*target) == nullptr);
  if (!gone) return target;
  failure = kNoSuchTarget;
  return std::nullopt;
}

// --- messages ---

Expected<std::vector<SentMessage>> Shard::send(QueueId queue, std::span<const NewMessage> messages,
                                               Timestamp now) {
  Entry* found = find(queue);
  if (found == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  if (!refusal_.empty()) return ApiError(ErrorCode::service_unavailable, refusal_);
  QueueTraffic& traffic = found->queue->traffic();
  if (!found->queue->may_send(messages.size(), now)) {
    ++traffic.throttled;
    note_active(*found);
    return ApiError(ErrorCode::request_throttled,
                    "Memory has no room for more deduplication ids; those of the last five "
                    "minutes are kept.");
  }
  const Expected<std::shared_ptr<SealingKey>> key = found->queue->sealing_key(messages.size(), now);
  if (!key) return key.error();
  std::vector<SentMessage> sent;
  sent.reserve(messages.size());
  for (const NewMessage& message : messages) {
    const SequenceNumber sequence = found->queue->send(message, *key, now);
    sent.push_back({options_.ids->id({queue, sequence}), sequence});
    traffic.sent_bytes += message_size(message.body, message.attributes);
  }
  traffic.sent += messages.size();
  after(*found, now);
  return sent;
}

void Shard::receive(WaiterId waiter, const ReceiveRequest& request, Timestamp now) {
  Entry* found = find(request.queue);
  if (found == nullptr) return answer(waiter, ApiError(ErrorCode::queue_does_not_exist));
  use(*found);
  found->last_receive = now;
  if (request.consumer != nullptr) found->consumers.received(*request.consumer, now);
  // What a repeated attempt is to bring again is held for it: it need not wait for others.
  waiters_.add({waiter, request, now + request.wait}, found->queue->repeats_attempt(request, now));
  work(*found, now);
}

void Shard::serve(Entry& entry, Timestamp now) {
  Queue& queue = *entry.queue;
  // What was set up before a dead-letter queue went away must not lose a message to it.
  const std::optional<QueueId> target = queue.settings().dead_letter_queue;
  if (target && shard_of(*target) == options_.number && find(*target) == nullptr) {
    QueueSettings settings = queue.settings();
    settings.dead_letter_queue.reset();
    queue.set_settings(std::move(settings));
  }
  while (const Waiter* waiter = waiters_.first(queue.id())) {
    if (queue.counts().in_flight >= limits::kInFlightMax) return refuse_short_polls(queue);
    if (!may_reply(entry)) {
      end_short_polls(queue.id());
      entry.wake = now + kReplyRetry;
      wakes_.set(entry.wake, queue.id());
      return;
    }
    Taken taken = queue.receive(waiter->request, kReplyBodyBytes, now);
    if (taken.error) {
      const WaiterId id = waiter->id;
      waiters_.remove(id);
      answer(id, std::move(*taken.error));
      continue;
    }
    std::vector<Delivery>& deliveries = taken.deliveries;
    std::set<std::uint64_t> outgoing;
    const bool moved = !taken.dead_letters.empty();
    if (moved) outgoing = move(queue.id(), taken.dead_letters, {}, now);
    const bool loading = queue.fill_window(now);
    if (deliveries.empty()) {
      if (taken.unopened && !loading && !queue.held_up()) {
        // There are messages, but they cannot be read: a long poll is told at once, too.
        const WaiterId id = waiter->id;
        waiters_.remove(id);
        answer(id, std::move(*taken.unopened));
        continue;
      }
      if (moved) {
        // An immediate receive on the dead-letter queue must find what this one has moved.
        if (waiter->request.wait == 0 && !loading && !queue.held_up()) {
          const WaiterId id = waiter->id;
          waiters_.remove(id);
          note_empty_receive(queue.id());
          hold(id, queue.id(), {}, std::move(outgoing), now);
          continue;
        }
      }
      if (queue.held_up()) {
        stall(entry);
      } else if (!loading) {
        end_short_polls(queue.id());
      }
      return;
    }
    std::size_t bytes = 0;
    for (const Delivery& delivery : deliveries) bytes += delivery.message.body.size();
    queue.traffic().received += deliveries.size();
    ReceiveResult result;
    result.deliveries = std::move(deliveries);
    result.charge = std::make_shared<const ReplyBytes>(reply_bytes_, entry.reply_bytes, bytes);
    const WaiterId id = waiter->id;
    if (const Consumer* consumer = waiter->request.consumer) {
      entry.consumers.delivered(*consumer, result.deliveries.size());
    }
    waiters_.remove(id);
    if (outgoing.empty()) {
      // What a FIFO queue hands out is locked durably first.
      effects_.replies.push_back({id, std::move(result), moved || queue.fifo()});
    } else {
      hold(id, queue.id(), std::move(result), std::move(outgoing), now);
    }
  }
}

// The commit that is being filled is full; the queue goes on behind it.
void Shard::stall(Entry& entry) {
  if (!entry.stalled) stalled_.push_back(entry.queue->id());
  entry.stalled = true;
}

// Does for the queue what can be done now: its receives come before its move task.
void Shard::work(Entry& entry, Timestamp now) {
  serve(entry, now);
  advance_move_task(entry, now);
  after(entry, now);
}

// Too many messages are in flight: a short poll of a standard queue is told so, one of a FIFO queue
// gets nothing.
void Shard::refuse_short_polls(Queue& queue) {
  if (queue.fifo()) return end_short_polls(queue.id());
  for (const Waiter& ended : waiters_.remove_short_polls(queue.id())) {
    ++queue.traffic().throttled;
    answer(ended.id, ApiError(ErrorCode::over_limit,
                              "Too many messages are in flight in this queue. Delete messages or "
                              "wait for their visibility timeout."));
  }
}

// A queue may have as many bytes of replies under way as it leaves free, so that one whose clients
// do not read cannot take the whole budget from the others.
bool Shard::may_reply(const Entry& entry) const {
  const std::size_t used = reply_bytes_->load(std::memory_order_relaxed);
  return used < options_.reply_bytes &&
         entry.reply_bytes->load(std::memory_order_relaxed) < options_.reply_bytes - used;
}

void Shard::end_short_polls(QueueId queue) {
  for (const Waiter& waiter : waiters_.remove_short_polls(queue)) {
    note_empty_receive(queue);
    answer(waiter.id, ReceiveResult{});
  }
}

void Shard::answer(WaiterId waiter, Expected<ReceiveResult> result) {
  effects_.replies.push_back({waiter, std::move(result), false});
}

// Stores what has left `source`, or sends it on its way. @return the transfers to other shards.
std::set<std::uint64_t> Shard::move(QueueId source, std::span<const DeadLetter> letters,
                                    MoveTaskNumber task, Timestamp now) {
  std::set<std::uint64_t> outgoing;
  if (task == MoveTaskNumber{}) entry(source)->queue->traffic().dead_lettered += letters.size();
  for (const DeadLetter& letter : letters) {
    if (shard_of(letter.target) != options_.number) {
      ChunkBuilder chunk;
      chunk.add_moved(letter.message, {source, letter.sequence}, context_.fingerprints);
      outgoing.insert(transfers_.add(shard_of(letter.target),
                                     {{}, source, letter.sequence, letter.target, task},
                                     std::make_shared<const std::string>(chunk.finish())));
      continue;
    }
    Entry* owner = find(letter.target);
    CHECK(owner != nullptr);
    owner->queue->accept(letter.message, now);
    after(*owner, now);
  }
  return outgoing;
}

bool Shard::cancel(WaiterId waiter, Timestamp now) {
  if (const std::optional<Waiter> gone = waiters_.remove(waiter)) {
    if (Entry* found = find(gone->request.queue)) note_active(*found);
    return true;
  }
  const auto held = std::find_if(held_.begin(), held_.end(), [waiter](const HeldReply& one) {
    return one.reply.waiter == waiter;
  });
  if (held == held_.end()) return false;
  const QueueId queue = held->queue;
  std::vector<ReceiptHandle> handles;
  for (const Delivery& delivery : held->reply.result->deliveries) {
    handles.push_back(context_.sealer.open(delivery.receipt_handle).value());
  }
  held_.erase(held);
  undo(queue, handles, now);
  return true;
}

void Shard::end_receives() {
  for (auto& [id, entry] : queues_) {
    for (const Waiter& waiter : waiters_.remove_all(id)) answer(waiter.id, ReceiveResult{});
  }
  release_held(kNever);
}

void Shard::undo(QueueId queue, std::span<const ReceiptHandle> handles, Timestamp now) {
  Entry* found = find(queue);
  if (found == nullptr) return;
  for (const ReceiptHandle& handle : handles) found->queue->undo(handle, now);
  work(*found, now);
}

// Notes a block that has to be loaded first. Whether there is one.
bool Shard::want(Found found, QueueId queue, SequenceNumber sequence) {
  if (found != Found::on_disk) return false;
  want(queue, block_of(sequence));
  return true;
}

void Shard::want(QueueId queue, BlockNumber block) {
  wanted_.push_back({queue, block});
  entry(queue)->queue->pin(block);
}

Expected<std::vector<Erased>> Shard::erase(QueueId queue, std::span<const ReceiptHandle> handles,
                                           Timestamp now) {
  Entry* found = find(queue);
  if (found == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  std::vector<Erased> erased(handles.size());
  // Deleting twice is deleting once, so what is here may go before the rest has been loaded.
  for (std::size_t i = 0; i < handles.size(); ++i) {
    want(found->queue->erase(handles[i], now, erased[i]), queue, handles[i].sequence);
  }
  if (found->queue->fifo()) serve(*found, now);  // their groups may be free again
  advance_move_task(*found, now);
  after(*found, now);
  return erased;
}

Expected<std::vector<std::optional<ApiError>>> Shard::change_visibility(
    QueueId queue, std::span<const VisibilityChange> changes, Timestamp now) {
  Entry* found = find(queue);
  if (found == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  std::vector<std::optional<ApiError>> errors(changes.size());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const VisibilityChange& change = changes[i];
    want(
        found->queue->change_visibility(change.handle, change.text, change.timeout, now, errors[i]),
        queue, change.handle.sequence);
  }
  // Nobody takes what has become visible before the rest has been changed as well.
  if (wanted_.empty()) {
    serve(*found, now);
    advance_move_task(*found, now);
  }
  after(*found, now);
  return errors;
}

// --- what the console asks ---

std::vector<QueueOverview> Shard::overview(std::span<const QueueId> queues, Timestamp now) {
  std::vector<QueueOverview> all;
  all.reserve(queues.size());
  for (const QueueId id : queues) {
    Entry* found = find(id);
    if (found == nullptr) continue;
    Queue& queue = *found->queue;
    if (queue.next_event() <= now) {
      queue.tick(now);
      after(*found, now);
    }
    all.push_back({id, queue.counts(), queue.oldest_sent_at(), found->last_receive});
  }
  return all;
}

// What the look needs to read messages by itself.
void Shard::prepare(Look& look) const {
  look.ids = options_.ids;
  look.fingerprints = options_.fingerprints;
  look.keys = std::make_shared<DataKeys>(*options_.keys);
  if (!look.wanted.group_id.empty()) look.group = look.fingerprints->group(look.wanted.group_id);
  if (!look.wanted.id) return;
  // An id is that of a place; only what came from another queue may have kept one.
  const std::optional<MessagePlace> place = look.ids->place(*look.wanted.id);
  if (!place || place->queue != look.queue) return;
  look.from = std::max(look.from, place->sequence);
  look.end = SequenceNumber{place->sequence.value() + 1};
}

Expected<void> Shard::look(const std::shared_ptr<Look>& look, Timestamp now) {
  Entry* found = find(look->queue);
  if (found == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  if (look->keys == nullptr) prepare(*look);
  look->ticket = next_ticket_--;
  if (look->stage == Look::Stage::asked) {
    found->queue->tick(now);  // what has become visible by now is seen so
    after(*found, now);
    found->queue->look(look);
  } else if (look->stage == Look::Stage::rows && !look->candidates.empty()) {
    found->queue->examine(look);
  } else {
    return {};
  }
  want(look->queue, look->ticket);
  return {};
}

std::vector<std::optional<SequenceNumber>> Shard::places(QueueId queue,
                                                         std::span<const MessageId> ids) const {
  std::vector<std::optional<SequenceNumber>> all;
  for (const MessageId& id : ids) {
    const std::optional<MessagePlace> place = options_.ids->place(id);
    const bool here = place && place->queue == queue;
    all.push_back(here ? std::optional(place->sequence) : std::nullopt);
  }
  return all;
}

Expected<void> Shard::erase_messages(QueueId queue, std::span<const SequenceNumber> sequences,
                                     std::vector<MessageOutcome>& outcomes, Timestamp now) {
  Entry* found = find(queue);
  if (found == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    MessageOutcome& outcome = outcomes[i];
    if (outcome.ended()) continue;
    if (want(found->queue->erase_message(sequences[i], now, outcome.refusal), queue, sequences[i]))
      continue;
    outcome.done = !outcome.refusal;
  }
  work(*found, now);  // message groups may be free again
  return {};
}

Expected<void> Shard::move_messages(QueueId source, QueueId target,
                                    std::span<const MessageToTake> messages,
                                    std::vector<MessageOutcome>& outcomes, Timestamp now) {
  Entry* from = find(source);
  const bool gone = shard_of(target) == options_.number && find(target) == nullptr;
  if (from == nullptr || gone) return ApiError(ErrorCode::queue_does_not_exist);
  from->queue->tick(now);
  // They keep their order, so none goes before all are here.
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (outcomes[i].ended()) continue;
    want(from->queue->find_block(messages[i].sequence), source, messages[i].sequence);
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < messages.size() && wanted_.empty(); ++i) {
    if (outcomes[i].ended()) continue;
    if (context_.batch_full() || bytes >= kMoveBytes) break;
    std::optional<DeadLetter> letter;
    from->queue->take_message(messages[i].sequence, messages[i].chunk, target, now, letter,
                              outcomes[i].refusal);
    if (!letter) continue;
    bytes += letter->message.content.size();
    move(source, {&*letter, 1}, {}, now);
    outcomes[i].done = true;
  }
  work(*from, now);
  return {};
}

Expected<Consumers> Shard::consumers(QueueId queue) const {
  const auto found = queues_.find(queue);
  if (find(queue) == nullptr) return ApiError(ErrorCode::queue_does_not_exist);
  Consumers consumers;
  consumers.recent = found->second.consumers.all();
  consumers.last_receive = found->second.last_receive;
  for (const Waiter& waiter : waiters_.list(queue, limits::kWaitingReceivesListed)) {
    WaitingConsumer& waiting = consumers.waiting.emplace_back();
    waiting.since = waiter.deadline - waiter.request.wait;
    waiting.until = waiter.deadline;
    if (const Consumer* consumer = waiter.request.consumer) {
      waiting.source_address = consumer->source_address;
      waiting.principal_arn = consumer->principal_arn;
      waiting.user_agent = consumer->user_agent;
    }
  }
  return consumers;
}

std::vector<std::pair<QueueId, MoveTask>> Shard::last_move_tasks() const {
  return move_tasks_.last();
}

// --- the world's side ---

void Shard::unpin(const std::vector<BlockWanted>& blocks) {
  for (const BlockWanted& wanted : blocks) {
    Entry* found = entry(wanted.queue);
    if (found == nullptr) continue;
    found->queue->unpin(wanted.block);
    after(*found, Timestamp{});
  }
}

void Shard::loaded(const LoadResult& result, Timestamp now) {
  if (result.load.kind == Load::Kind::transfer) return transfers_.loaded(result);
  Entry* found = entry(result.load.queue);
  if (found != nullptr) found->queue->loaded(result, now);
  for (const TransferResult& waiting : std::exchange(finishing_, {})) transfer_done(waiting, now);
  if (found == nullptr) return;
  work(*found, now);
  if (memory_.over()) make_room(now);
}

void Shard::relocate(std::string_view owner_key, const PayloadPlace& place, Timestamp now) {
  const std::optional<BlockKey> block = parse_block_key(owner_key);
  Entry* found = block ? find(block->queue) : nullptr;
  if (found == nullptr) return;
  found->queue->relocate(block->block, place);
  after(*found, now);
}

// Takes memory back from the queues that were not used for longest.
void Shard::make_room(Timestamp now) {
  const std::size_t target = memory_.limit - memory_.limit / 8;
  for (auto it = recent_.rbegin(); it != recent_.rend() && memory_.used > target; ++it) {
    Entry& idle = queues_.at(*it);
    idle.queue->evict(memory_.used - target, now);
    after(idle, now);
  }
}

void Shard::tick(Timestamp now) {
  TimerHeap<QueueId>::Timer due;
  while (wakes_.pop_due(now, due)) {
    Entry* found = entry(due.key);
    if (found == nullptr || found->wake != due.at) continue;  // set anew since
    found->wake = kNever;
    found->queue->tick(now);
    work(*found, now);
  }
  while (const std::optional<Waiter> waiter = waiters_.pop_expired(now)) {
    note_empty_receive(waiter->request.queue);
    answer(waiter->id, ReceiveResult{});
  }
  if (!context_.batch_full()) {
    for (const QueueId id : std::exchange(stalled_, {})) {
      Entry* found = entry(id);
      if (found == nullptr) continue;
      found->stalled = false;
      work(*found, now);
    }
  }
  release_held(now);
  if (memory_.over()) make_room(now);
}

Timestamp Shard::next_event() const {
  if (!stalled_.empty() && !context_.batch_full()) return Timestamp{};
  const Timestamp held = held_.empty() ? kNever : held_.front().deadline;
  return std::min({wakes_.next(), waiters_.next_deadline(), held});
}

bool Shard::has_changes(Timestamp now) const {
  return !changed_.empty() || !effects_.writes.empty() || !applying_.empty() ||
         move_tasks_.changed() || next_flush_ <= now;
}

void Shard::seal(Timestamp now, bool flush_all) {
  const bool flush = flush_all || next_flush_ <= now;
  if (flush) {
    next_flush_ = kNever;
    for (const QueueId id : std::exchange(dirty_, {})) {
      Entry* found = entry(id);
      if (found == nullptr) continue;
      found->dirty = false;
      if (found->changed) continue;
      found->changed = true;
      changed_.push_back(id);
    }
  }
  for (const QueueId id : std::exchange(changed_, {})) {
    Entry* found = entry(id);
    if (found == nullptr) continue;
    found->changed = false;
    found->queue->seal(flush);
    sealed_.push_back(id);
    if (flush && found->queue->has_dirty() && !found->dirty) {
      found->dirty = true;  // the batch was full before all of it was written
      dirty_.push_back(id);
      next_flush_ = now;
    }
  }
  context_.batch_bytes = 0;
  transfers_.seal();
  move_tasks_.seal();
  applied_ = std::exchange(applying_, {});
  // What was sealed and what was applied before is told by a commit, if there is little in it.
  const bool owed = effects_.writes.empty() && (!sealed_.empty() || !applied_.empty());
  if (owed || now - last_time_ >= kTimeInterval) {
    last_time_ = now;
    effects_.writes.put(Family::meta, kTimeKey,
                        encode_number(static_cast<std::uint64_t>(now.milliseconds)));
  }
}

void Shard::committed(std::span<const PayloadPlace> places, Timestamp now) {
  transfers_.committed(places);
  for (TransferResult& result : std::exchange(applied_, {})) {
    effects_.transfer_results.push_back(std::move(result));
  }
  for (const QueueId id : std::exchange(sealed_, {})) {
    Entry* found = entry(id);
    if (found == nullptr) continue;
    // Its rows went with this commit unless they were gone from disk only by it.
    const bool gone = found->queue->rows_erased();
    found->queue->committed(places, now);
    if (gone) {
      // What happened in it since the last news, its sums still have to be told.
      ended_.push_back({.queue = id, .gone = true, .traffic = found->queue->traffic()});
      recent_.erase(found->recent);
      queues_.erase(id);
      continue;
    }
    work(*found, now);
  }
  if (memory_.over()) make_room(now);
}

void Shard::apply_transfer(const Transfer& transfer, Timestamp now) {
  Entry* target = find(transfer.target);
  // What was changed on disk on its way is refused, and goes back to where it came from.
  const std::optional<MessageRecord> message = parse_chunk_message(*transfer.chunk, 0);
  const bool genuine =
      message && message->first_place &&
      is_genuine(*message, {transfer.source, transfer.sequence}, context_.fingerprints);
  const Transfers::Arrival arrival = transfers_.apply(transfer, target != nullptr && genuine);
  if (arrival == Transfers::Arrival::early) return;
  if (arrival == Transfers::Arrival::fresh) {
    target->queue->accept(*message, now);
    after(*target, now);
  }
  applying_.push_back({transfer, arrival != Transfers::Arrival::refused});
}

void Shard::transfer_done(const TransferResult& result, Timestamp now) {
  if (!transfers_.pending(result.transfer)) return;  // the message may be on its way anew
  Entry* source = find(result.transfer.source);
  if (source != nullptr) {
    const SequenceNumber sequence = result.transfer.sequence;
    const Found found = result.applied ? source->queue->finish_moving(sequence)
                                       : source->queue->return_moving(sequence, now);
    if (found == Found::on_disk) {
      finishing_.push_back(result);
      return;
    }
  }
  move_tasks_.answered(result.transfer.source, transfers_.task_of(result.transfer), result.applied);
  transfers_.finish(result.transfer, result.applied);
  if (source != nullptr) {
    advance_move_task(*source, now);
    after(*source, now);
  }
  for (HeldReply& held : held_) held.transfers.erase(result.transfer.number);
  release_held(now);
}

void Shard::hold(WaiterId waiter, QueueId queue, ReceiveResult result,
                 std::set<std::uint64_t> transfers, Timestamp now) {
  held_.push_back({{waiter, std::move(result), true}, queue, now + kHoldMax, std::move(transfers)});
  release_held(now);
}

// The replies whose transfers have all been answered, or that have waited long enough.
void Shard::release_held(Timestamp now) {
  std::erase_if(held_, [this, now](HeldReply& held) {
    if (!held.transfers.empty() && held.deadline > now) return false;
    effects_.replies.push_back(std::move(held.reply));
    return true;
  });
}

Shard::Usage Shard::usage() const {
  return {memory_.used, reply_bytes_->load(std::memory_order_relaxed), waiters_.count(),
          queues_.size()};
}

}  // namespace millrace
