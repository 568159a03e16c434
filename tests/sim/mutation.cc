#include "sim/mutation.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/check.h"
#include "queue/records.h"

namespace millrace::sim {

namespace {

using Phase = SlotState::Phase;
using Written = std::optional<std::string>;

std::vector<Row> all(const Snapshot& rows, Family family) {
  StoreResult<std::vector<Row>> found = rows.scan(family, {}, {}, SIZE_MAX);
  CHECK(found);
  return std::move(*found);
}

// A state row in which every message that was in phase `from` may be received. The row's place goes
// with it.
std::string without(Phase from, std::string_view value) {
  std::optional<StateRecord> state = parse_state(value);
  CHECK(state);
  for (SlotState& slot : state->slots) {
    if (slot.phase == from) slot.phase = Phase::waiting;
  }
  return std::string(value.substr(0, kPayloadPlaceBytes)) +
         encode_state(state->index, state->parked_until, state->slots);
}

Written no_deduplication_ids(const RowChange& change) {
  const bool lost = change.family == Family::deduplication &&
                    !parse_deduplication_key(change.key).value().attempt;
  return lost ? Written() : std::string(change.value);
}

// A definition ends with the version of the queue's attributes.
Written no_attributes(const RowChange& change) {
  const bool definition = change.family == Family::queues &&
                          parse_queue_key(change.key).value().kind == QueueRowKey::Kind::definition;
  return definition && !change.value.ends_with("/0") ? Written() : std::string(change.value);
}

Written no_time(const RowChange& change) {
  const bool time = change.family == Family::meta && change.key != kNextQueueKey;
  return time ? Written() : std::string(change.value);
}

Written no_deletes(const RowChange& change) {
  return change.family == Family::state ? without(Phase::deleted, change.value)
                                        : std::string(change.value);
}

Written no_applied_numbers(const RowChange& change) {
  const bool lost =
      change.family == Family::transfers && !parse_transfer_key(change.key).value().outbox;
  return lost ? Written() : std::string(change.value);
}

Written no_move_tasks(const RowChange& change) {
  const bool lost = change.family == Family::queues &&
                    parse_queue_key(change.key).value().kind == QueueRowKey::Kind::move_task;
  return lost ? Written() : std::string(change.value);
}

Written no_outbox(const RowChange& change) {
  const bool lost =
      change.family == Family::transfers && parse_transfer_key(change.key).value().outbox;
  return lost ? Written() : std::string(change.value);
}

Written no_purges(const RowChange& change) {
  const bool counts = change.family == Family::queues &&
                      parse_queue_key(change.key).value().kind == QueueRowKey::Kind::counters;
  if (!counts) return std::string(change.value);
  QueueCounters counters = parse_counters(change.value).value();
  counters.horizon = 1;
  return encode_counters(counters);
}

Written no_due_rows(const RowChange& change) {
  return change.family == Family::due ? Written() : std::string(change.value);
}

Written no_receive_attempts(const RowChange& change) {
  const bool lost =
      change.family == Family::deduplication && parse_deduplication_key(change.key).value().attempt;
  return lost ? Written() : std::string(change.value);
}

void unlock_groups(const Snapshot& rows, WriteBatch& changes) {
  std::set<QueueId> fifo;
  for (const Row& row : all(rows, Family::queues)) {
    const QueueRowKey key = parse_queue_key(row.key).value();
    if (key.kind != QueueRowKey::Kind::counters) continue;
    if (parse_counters(row.value).value().fifo) fifo.insert(key.queue);
  }
  for (const Row& row : all(rows, Family::state)) {
    if (!fifo.contains(parse_block_key(row.key).value().queue)) continue;
    changes.put(Family::state, row.key, without(Phase::in_flight, row.value));
  }
}

// The next number of each queue is what follows from the blocks that are there.
void forget_numbers(const Snapshot& rows, WriteBatch& changes) {
  std::map<QueueId, BlockNumber> next;
  for (const Row& row : all(rows, Family::index)) {
    const BlockKey key = parse_block_key(row.key).value();
    next[key.queue] = std::max(next[key.queue], key.block + 1);
  }
  for (const Row& row : all(rows, Family::queues)) {
    const QueueRowKey key = parse_queue_key(row.key).value();
    if (key.kind != QueueRowKey::Kind::counters) continue;
    QueueCounters counters = parse_counters(row.value).value();
    const BlockNumber least = std::max({counters.head, counters.horizon, counters.swept});
    counters.next_block = std::max(next[key.queue], least);
    changes.put(Family::queues, row.key, encode_counters(counters));
  }
}

constexpr Mutation kMutations[] = {
    {.name = "reply-before-sync",
     .fault = "calls are acknowledged before their commit",
     .calls_end_early = true},
    {.name = "fifo-receive-before-sync",
     .fault = "receives of FIFO queues are answered before their commit",
     .receives_end_early = true},
    {.name = "lost-deduplication-ids",
     .fault = "deduplication ids are not written",
     .written = no_deduplication_ids},
    {.name = "lost-attributes",
     .fault = "changes of attributes are not written",
     .written = no_attributes},
    {.name = "lost-time", .fault = "the time is not written", .written = no_time},
    {.name = "lost-deletes",
     .fault = "deletes of a part of a block are not written",
     .written = no_deletes},
    {.name = "lost-transfer-numbers",
     .fault = "what was applied of a channel between shards is not written",
     .written = no_applied_numbers},
    {.name = "lost-outbox",
     .fault = "messages that have left for another shard are not written",
     .written = no_outbox},
    {.name = "lost-purges", .fault = "purges are not written", .written = no_purges},
    {.name = "lost-due-times",
     .fault = "when blocks are due that memory has let go of is not written",
     .written = no_due_rows},
    {.name = "lost-receive-attempts",
     .fault = "receive attempts are not written",
     .written = no_receive_attempts},
    {.name = "lost-move-tasks", .fault = "move tasks are not written", .written = no_move_tasks},
    {.name = "unlocked-groups",
     .fault = "a start forgets which messages of groups are in flight",
     .before_start = unlock_groups},
    {.name = "forgotten-sequence-numbers",
     .fault = "a start forgets the numbers of messages that are gone",
     .before_start = forget_numbers},
};

}  // namespace

std::span<const Mutation> mutations() {
  return kMutations;
}

const Mutation* find_mutation(std::string_view name) {
  const auto found = std::ranges::find(kMutations, name, &Mutation::name);
  return found == std::end(kMutations) ? nullptr : found;
}

WriteBatch mutated(const WriteBatch& batch, const Mutation& mutation) {
  if (mutation.written == nullptr) return batch;
  WriteBatch result;
  for (const PayloadChunk& chunk : batch.payloads()) {
    result.add_payload(chunk.bytes, chunk.owner_key);
  }
  auto placed = batch.placed_rows().begin();
  RowReader reader(batch.rows());
  for (RowChange change; reader.next(change);) {
    switch (change.operation) {
      case RowOperation::put:
        if (const Written value = mutation.written(change)) {
          result.put(change.family, change.key, *value);
        }
        break;
      case RowOperation::put_placed: {
        const std::uint32_t payload = placed++->payload;
        if (const Written value = mutation.written(change)) {
          result.put_placed(change.family, change.key, payload,
                            std::string_view(*value).substr(kPayloadPlaceBytes));
        }
        break;
      }
      case RowOperation::erase:
        result.erase(change.family, change.key);
        break;
      case RowOperation::erase_range:
        result.erase_range(change.family, change.key, change.value);
        break;
    }
  }
  for (const PayloadPlace& place : batch.released()) result.release(place);
  return result;
}

}  // namespace millrace::sim
