#include "queue/records.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace millrace {

namespace {

// Every value begins (behind its place, if it has one) with the version of its layout.
constexpr std::uint8_t kRecordVersion = 2;

enum CountersFlag : std::uint8_t { kDeleted = 1, kFifo = 2 };

// The kinds of rows in Family::deduplication, in their keys behind the queue.
enum DeduplicationRow : std::uint8_t { kIds = 1, kAttempt = 2 };

void append_time(std::string& out, Timestamp time) {
  append_i64(out, time.milliseconds);
}
Timestamp read_time(ByteReader& in) {
  return Timestamp{in.i64()};
}

enum IndexFlag : std::uint8_t { kIndexMoved = 1, kIndexGrouped = 2 };

// Of a slot that nothing has happened to, in place of its phase.
constexpr std::uint8_t kUntouched = 4;

// The groups of a block: how many there are, each once, and which of them each message is of.
void append_groups(std::string& out, const std::vector<GroupKey>& groups) {
  std::vector<GroupKey> distinct;
  std::string numbers;
  for (const GroupKey group : groups) {
    const auto at = std::ranges::find(distinct, group) - distinct.begin();
    if (static_cast<std::size_t>(at) == distinct.size()) distinct.push_back(group);
    append_u8(numbers, static_cast<std::uint8_t>(at));
  }
  append_u8(out, static_cast<std::uint8_t>(distinct.size()));
  for (const GroupKey group : distinct) append_u64(out, group.value());
  out += numbers;
}

bool read_groups(ByteReader& in, std::size_t count, std::vector<GroupKey>& groups) {
  std::vector<GroupKey> distinct(in.u8());
  for (GroupKey& group : distinct) group = GroupKey{in.u64()};
  groups.reserve(count);
  while (groups.size() < count) {
    const std::size_t number = in.u8();
    if (in.failed() || number >= distinct.size()) return false;
    groups.push_back(distinct[number]);
  }
  return true;
}

void append_index_fields(std::string& out, const IndexRecord& record, bool with_groups) {
  const bool grouped = with_groups && !record.groups.empty();
  append_u8(out, kRecordVersion);
  append_u8(out, record.count);
  append_u8(out, (record.moved ? kIndexMoved : 0) | (grouped ? kIndexGrouped : 0));
  append_time(out, record.sent_at);
  append_time(out, record.due);
  if (grouped) append_groups(out, record.groups);
}

// Reads place and fields; false if this is no such record.
bool read_index_fields(ByteReader& in, IndexRecord& record) {
  const std::string_view place = in.bytes(kPayloadPlaceBytes);
  if (in.u8() != kRecordVersion) return false;
  record.count = in.u8();
  const std::uint8_t flags = in.u8();
  record.moved = (flags & kIndexMoved) != 0;
  record.sent_at = read_time(in);
  record.due = read_time(in);
  if (in.failed() || record.count == 0 || record.count > kBlockMessagesMax) return false;
  if ((flags & kIndexGrouped) != 0 && !read_groups(in, record.count, record.groups)) return false;
  record.place = read_place(place);
  return true;
}

std::string timed_key(QueueId queue, DeduplicationRow kind, Timestamp at) {
  std::string key;
  key.reserve(33);
  append_u64(key, queue.value());
  append_u8(key, kind);
  append_time(key, at);
  return key;
}

}  // namespace

std::string block_key(QueueId queue, BlockNumber block) {
  std::string key;
  key.reserve(16);
  append_u64(key, queue.value());
  append_u64(key, block);
  return key;
}

std::optional<BlockKey> parse_block_key(std::string_view key) {
  ByteReader in(key);
  const BlockKey parsed{QueueId{in.u64()}, in.u64()};
  if (!in.done()) return std::nullopt;
  return parsed;
}

std::string due_key(QueueId queue, Timestamp due, BlockNumber block) {
  std::string key;
  key.reserve(24);
  append_u64(key, queue.value());
  append_time(key, due);
  append_u64(key, block);
  return key;
}

std::optional<DueKey> parse_due_key(std::string_view key) {
  ByteReader in(key);
  DueKey parsed;
  parsed.queue = QueueId{in.u64()};
  parsed.due = read_time(in);
  parsed.block = in.u64();
  if (!in.done()) return std::nullopt;
  return parsed;
}

std::string group_key(QueueId queue, GroupKey group, BlockNumber block) {
  std::string key;
  key.reserve(24);
  append_u64(key, queue.value());
  append_u64(key, group.value());
  append_u64(key, block);
  return key;
}

std::optional<GroupRowKey> parse_group_key(std::string_view key) {
  ByteReader in(key);
  const GroupRowKey parsed{QueueId{in.u64()}, GroupKey{in.u64()}, in.u64()};
  if (!in.done()) return std::nullopt;
  return parsed;
}

std::string deduplication_key(QueueId queue, Timestamp sent_at, BlockNumber block) {
  std::string key = timed_key(queue, kIds, sent_at);
  append_u64(key, block);
  return key;
}

std::string attempt_key(QueueId queue, Timestamp began_at, const Fingerprint& attempt) {
  std::string key = timed_key(queue, kAttempt, began_at);
  for (const std::uint8_t byte : attempt) append_u8(key, byte);
  return key;
}

KeyRange deduplication_keys(QueueId queue, Timestamp before) {
  return {timed_key(queue, kIds, Timestamp{}), timed_key(queue, kIds, before)};
}

KeyRange attempt_keys(QueueId queue, Timestamp before) {
  return {timed_key(queue, kAttempt, Timestamp{}), timed_key(queue, kAttempt, before)};
}

std::optional<DeduplicationKey> parse_deduplication_key(std::string_view key) {
  ByteReader in(key);
  DeduplicationKey parsed;
  parsed.queue = QueueId{in.u64()};
  const std::uint8_t kind = in.u8();
  parsed.attempt = kind == kAttempt;
  parsed.at = read_time(in);
  if (parsed.attempt) {
    for (std::uint8_t& byte : parsed.attempt_id) byte = in.u8();
  } else {
    parsed.block = in.u64();
  }
  if (!in.done() || (kind != kIds && kind != kAttempt)) return std::nullopt;
  return parsed;
}

std::string queue_key(QueueId queue) {
  std::string key;
  append_u64(key, queue.value());
  return key;
}

std::string counters_key(QueueId queue) {
  std::string key = queue_key(queue);
  append_u8(key, static_cast<std::uint8_t>(QueueRowKey::Kind::counters));
  return key;
}

std::string move_task_key(QueueId queue, MoveTaskNumber task) {
  std::string key = queue_key(queue);
  append_u8(key, static_cast<std::uint8_t>(QueueRowKey::Kind::move_task));
  append_u64(key, task.value());
  return key;
}

std::optional<QueueRowKey> parse_queue_key(std::string_view key) {
  ByteReader in(key);
  QueueRowKey parsed{.queue = QueueId{in.u64()}};
  if (in.done()) return parsed;
  switch (in.u8()) {
    case static_cast<std::uint8_t>(QueueRowKey::Kind::counters):
      parsed.kind = QueueRowKey::Kind::counters;
      break;
    case static_cast<std::uint8_t>(QueueRowKey::Kind::move_task):
      parsed.kind = QueueRowKey::Kind::move_task;
      parsed.task = MoveTaskNumber{in.u64()};
      break;
    default:
      return std::nullopt;
  }
  if (!in.done()) return std::nullopt;
  return parsed;
}

std::string queue_key_end(QueueId queue) {
  return queue_key(QueueId{queue.value() + 1});
}

std::string encode_index(const IndexRecord& record) {
  std::string out;
  out.reserve(19);
  append_index_fields(out, record, true);
  return out;
}

std::optional<IndexRecord> parse_index(std::string_view value) {
  ByteReader in(value);
  IndexRecord record;
  if (!read_index_fields(in, record) || !in.done()) return std::nullopt;
  return record;
}

std::string encode_state(const IndexRecord& index, Timestamp parked_until,
                         const std::vector<SlotState>& slots, bool with_groups) {
  CHECK(slots.size() == index.count);
  std::string out;
  append_index_fields(out, index, with_groups);
  append_time(out, parked_until);
  for (const SlotState& slot : slots) {
    if (slot.phase == SlotState::Phase::waiting && slot.delivery == 0 &&
        slot.visible_at == index.due) {
      append_u8(out, kUntouched);
      continue;
    }
    append_u8(out, static_cast<std::uint8_t>(slot.phase));
    if (slot.phase == SlotState::Phase::deleted) continue;
    append_varint(out, slot.receive_count);
    append_varint(out, slot.delivery);
    append_varint(out, slot.epoch);
    append_time(out, slot.visible_at);
    append_time(out, slot.first_received_at);
    append_time(out, slot.received_at);
  }
  return out;
}

std::optional<StateRecord> parse_state(std::string_view value) {
  ByteReader in(value);
  StateRecord record;
  if (!read_index_fields(in, record.index)) return std::nullopt;
  record.parked_until = read_time(in);
  record.slots.resize(record.index.count);
  for (SlotState& slot : record.slots) {
    const std::uint8_t phase = in.u8();
    if (phase == kUntouched) {
      slot.visible_at = record.index.due;
      continue;
    }
    if (phase > static_cast<std::uint8_t>(SlotState::Phase::moving)) return std::nullopt;
    slot.phase = static_cast<SlotState::Phase>(phase);
    if (slot.phase == SlotState::Phase::deleted) continue;
    slot.receive_count = static_cast<std::uint32_t>(in.varint());
    slot.delivery = static_cast<std::uint32_t>(in.varint());
    slot.epoch = static_cast<std::uint32_t>(in.varint());
    slot.visible_at = read_time(in);
    slot.first_received_at = read_time(in);
    slot.received_at = read_time(in);
  }
  if (!in.done()) return std::nullopt;
  return record;
}

std::string encode_counters(const QueueCounters& counters) {
  std::string out;
  out.reserve(64);
  append_u8(out, kRecordVersion);
  append_u8(out, (counters.deleted ? kDeleted : 0) | (counters.fifo ? kFifo : 0));
  append_varint(out, counters.next_block);
  append_varint(out, counters.head);
  append_varint(out, counters.horizon);
  append_varint(out, counters.swept);
  append_varint(out, counters.messages);
  append_varint(out, counters.delayed);
  append_varint(out, counters.bytes);
  append_varint(out, counters.parked);
  append_varint(out, counters.moved_blocks);
  append_varint(out, counters.filed_end);
  append_time(out, counters.purged_at);
  return out;
}

std::optional<QueueCounters> parse_counters(std::string_view value) {
  ByteReader in(value);
  QueueCounters counters;
  if (in.u8() != kRecordVersion) return std::nullopt;
  const std::uint8_t flags = in.u8();
  counters.deleted = (flags & kDeleted) != 0;
  counters.fifo = (flags & kFifo) != 0;
  counters.next_block = in.varint();
  counters.head = in.varint();
  counters.horizon = in.varint();
  counters.swept = in.varint();
  counters.messages = in.varint();
  counters.delayed = in.varint();
  counters.bytes = in.varint();
  counters.parked = in.varint();
  counters.moved_blocks = in.varint();
  counters.filed_end = in.varint();
  counters.purged_at = read_time(in);
  if (!in.done()) return std::nullopt;
  return counters;
}

std::string encode_ids(const std::vector<Fingerprint>& ids) {
  std::string out;
  out.reserve(1 + ids.size() * sizeof(Fingerprint));
  append_u8(out, kRecordVersion);
  for (const Fingerprint& id : ids) {
    for (const std::uint8_t byte : id) append_u8(out, byte);
  }
  return out;
}

std::optional<std::vector<Fingerprint>> parse_ids(std::string_view value) {
  ByteReader in(value);
  if (in.u8() != kRecordVersion) return std::nullopt;
  std::vector<Fingerprint> ids;
  while (!in.rest().empty()) {
    for (std::uint8_t& byte : ids.emplace_back()) byte = in.u8();
  }
  if (!in.done()) return std::nullopt;
  return ids;
}

std::string encode_attempt(const AttemptRecord& record) {
  std::string out;
  append_u8(out, kRecordVersion);
  append_time(out, record.visible_at);
  for (const AttemptRecord::Delivered& one : record.deliveries) {
    append_varint(out, one.sequence.value());
    append_varint(out, one.delivery);
    append_varint(out, one.epoch);
  }
  return out;
}

std::optional<AttemptRecord> parse_attempt(std::string_view value, Timestamp began_at) {
  ByteReader in(value);
  AttemptRecord record;
  record.began_at = began_at;
  if (in.u8() != kRecordVersion) return std::nullopt;
  record.visible_at = read_time(in);
  while (!in.rest().empty()) {
    AttemptRecord::Delivered& one = record.deliveries.emplace_back();
    one.sequence = SequenceNumber{in.varint()};
    one.delivery = static_cast<std::uint32_t>(in.varint());
    one.epoch = static_cast<std::uint32_t>(in.varint());
  }
  if (!in.done()) return std::nullopt;
  return record;
}

std::string encode_move_task(const MoveTaskRecord& record) {
  std::string out;
  append_u8(out, kRecordVersion);
  append_u8(out, static_cast<std::uint8_t>(record.status));
  append_varint(out, record.rate);
  append_varint(out, record.moved);
  append_varint(out, record.to_move);
  append_time(out, record.started_at);
  append_u64(out, record.destination.value_or(QueueId{}).value());
  append_sized(out, record.destination_arn);
  append_sized(out, record.failure_reason);
  return out;
}

std::optional<MoveTaskRecord> parse_move_task(std::string_view value) {
  ByteReader in(value);
  MoveTaskRecord record;
  if (in.u8() != kRecordVersion) return std::nullopt;
  const std::uint8_t status = in.u8();
  if (status > static_cast<std::uint8_t>(MoveTaskRecord::Status::failed)) return std::nullopt;
  record.status = static_cast<MoveTaskRecord::Status>(status);
  record.rate = static_cast<std::uint32_t>(in.varint());
  record.moved = in.varint();
  record.to_move = in.varint();
  record.started_at = read_time(in);
  const QueueId destination{in.u64()};
  if (destination != QueueId{}) record.destination = destination;
  record.destination_arn = in.sized();
  record.failure_reason = in.sized();
  if (!in.done()) return std::nullopt;
  return record;
}

std::string outbox_key(std::uint16_t to_shard, std::uint64_t number) {
  std::string key = "o";
  append_u32(key, to_shard);
  append_u64(key, number);
  return key;
}

std::string applied_key(std::uint16_t from_shard) {
  std::string key = "a";
  append_u32(key, from_shard);
  return key;
}

std::optional<TransferKey> parse_transfer_key(std::string_view key) {
  ByteReader in(key);
  TransferKey parsed;
  const std::uint8_t kind = in.u8();
  parsed.outbox = kind == 'o';
  const std::uint32_t shard = in.u32();
  parsed.shard = static_cast<std::uint16_t>(shard);
  if (parsed.outbox) parsed.number = in.u64();
  if (!in.done() || (kind != 'o' && kind != 'a') || shard != parsed.shard) return std::nullopt;
  return parsed;
}

std::string encode_outbox(const OutboxRecord& record) {
  std::string out;
  append_u8(out, kRecordVersion);
  append_u64(out, record.source.value());
  append_u64(out, record.sequence.value());
  append_u64(out, record.target.value());
  if (record.task != MoveTaskNumber{}) append_u64(out, record.task.value());
  return out;
}

std::optional<OutboxRecord> parse_outbox(std::string_view value) {
  ByteReader in(value);
  const std::string_view place = in.bytes(kPayloadPlaceBytes);
  const std::uint8_t version = in.u8();
  OutboxRecord record;
  record.source = QueueId{in.u64()};
  record.sequence = SequenceNumber{in.u64()};
  record.target = QueueId{in.u64()};
  if (!in.rest().empty()) record.task = MoveTaskNumber{in.u64()};
  if (!in.done() || version != kRecordVersion) return std::nullopt;
  record.place = read_place(place);
  return record;
}

std::string encode_number(std::uint64_t number) {
  std::string out;
  append_u8(out, kRecordVersion);
  append_u64(out, number);
  return out;
}

std::optional<std::uint64_t> parse_number(std::string_view value) {
  ByteReader in(value);
  const std::uint8_t version = in.u8();
  const std::uint64_t number = in.u64();
  if (!in.done() || version != kRecordVersion) return std::nullopt;
  return number;
}

}  // namespace millrace
