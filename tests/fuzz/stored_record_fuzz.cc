// Fuzzes the reading of rows and their keys, as a damaged disk could hold them. The first byte
// chooses the record; what is read from the rest must be the same when it is written and read
// again.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "queue/records.h"

namespace millrace {
namespace {

/// @param parse from bytes to an optional record. @param write from the record to bytes.
template <class Parse, class Write>
void check_record(std::string_view bytes, Parse parse, Write write) {
  const auto record = parse(bytes);
  if (!record) return;
  const std::string written = write(*record);
  const auto again = parse(written);
  CHECK(again && write(*again) == written);
}

/// A record whose place stands in front of what is written of it.
template <class Parse, class Write>
void check_placed(std::string_view bytes, Parse parse, Write write) {
  check_record(bytes, parse, [&](const auto& record) {
    return std::string(bytes.substr(0, kPayloadPlaceBytes)) + write(record);
  });
}

/// A key has one form only.
template <class Parse, class Write>
void check_key(std::string_view bytes, Parse parse, Write write) {
  const auto key = parse(bytes);
  if (key) CHECK(write(*key) == bytes);
}

std::string write_queue_key(const QueueRowKey& key) {
  switch (key.kind) {
    case QueueRowKey::Kind::definition:
      return queue_key(key.queue);
    case QueueRowKey::Kind::counters:
      return counters_key(key.queue);
    case QueueRowKey::Kind::move_task:
      return move_task_key(key.queue, key.task);
  }
  CHECK(false);
  return {};
}

std::string write_deduplication_key(const DeduplicationKey& key) {
  return key.attempt ? attempt_key(key.queue, key.at, key.attempt_id)
                     : deduplication_key(key.queue, key.at, key.block);
}

std::string write_transfer_key(const TransferKey& key) {
  return key.outbox ? outbox_key(key.shard, key.number) : applied_key(key.shard);
}

void read_keys(std::string_view bytes) {
  check_key(bytes, parse_block_key,
            [](const BlockKey& key) { return block_key(key.queue, key.block); });
  check_key(bytes, parse_due_key,
            [](const DueKey& key) { return due_key(key.queue, key.due, key.block); });
  check_key(bytes, parse_group_key,
            [](const GroupRowKey& key) { return group_key(key.queue, key.group, key.block); });
  check_key(bytes, parse_deduplication_key, write_deduplication_key);
  check_key(bytes, parse_queue_key, write_queue_key);
  check_key(bytes, parse_transfer_key, write_transfer_key);
}

void read_as(unsigned choice, std::string_view bytes) {
  switch (choice % 9) {
    case 0:
      return check_placed(bytes, parse_index, encode_index);
    case 1:
      return check_placed(bytes, parse_state, [](const StateRecord& record) {
        return encode_state(record.index, record.parked_until, record.slots);
      });
    case 2:
      return check_record(bytes, parse_counters, encode_counters);
    case 3:
      return check_record(bytes, parse_ids, encode_ids);
    case 4:
      return check_record(
          bytes, [](std::string_view value) { return parse_attempt(value, Timestamp{1}); },
          encode_attempt);
    case 5:
      return check_record(bytes, parse_move_task, encode_move_task);
    case 6:
      return check_placed(bytes, parse_outbox, encode_outbox);
    case 7:
      return check_record(bytes, parse_number, encode_number);
    default:
      return read_keys(bytes);
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  millrace::read_as(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
