#include "queue/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"

namespace millrace {
namespace {

constexpr PayloadPlace kPlace{77, 4096, 1234};

std::string placed(const std::string& value) {
  std::string row;
  append_place(row, kPlace);
  return row + value;
}

// A value must be refused when it is cut anywhere, when something follows, and by its version.
template <class Parse>
void expect_strict(const std::string& value, std::size_t version_at, Parse parse) {
  ASSERT_TRUE(parse(value));
  for (std::size_t length = 0; length < value.size(); ++length) {
    EXPECT_FALSE(parse(std::string_view(value).substr(0, length))) << length;
  }
  EXPECT_FALSE(parse(value + "x"));
  std::string other = value;
  ++other[version_at];
  EXPECT_FALSE(parse(other));
}

TEST(Records, SplitASequenceIntoBlockAndSlot) {
  const SequenceNumber sequence = sequence_of(12, 63);
  EXPECT_EQ(block_of(sequence), 12u);
  EXPECT_EQ(slot_of(sequence), 63u);
  EXPECT_EQ(block_of(SequenceNumber{sequence.value() + 1}), 13u);
}

TEST(Records, KeysComeBackAndSortAsTheirNumbers) {
  const auto block = parse_block_key(block_key(QueueId{7}, 300));
  ASSERT_TRUE(block);
  EXPECT_EQ(block->queue, QueueId{7});
  EXPECT_EQ(block->block, 300u);
  EXPECT_LT(block_key(QueueId{7}, 255), block_key(QueueId{7}, 256));
  EXPECT_LT(block_key(QueueId{7}, UINT64_MAX), block_key(QueueId{8}, 0));
  EXPECT_LT(block_key(QueueId{7}, UINT64_MAX), queue_key_end(QueueId{7}));
  EXPECT_LE(queue_key_end(QueueId{7}), block_key(QueueId{8}, 0));

  const auto due = parse_due_key(due_key(QueueId{7}, Timestamp{1000}, 300));
  ASSERT_TRUE(due);
  EXPECT_EQ(due->queue, QueueId{7});
  EXPECT_EQ(due->due, Timestamp{1000});
  EXPECT_EQ(due->block, 300u);
  EXPECT_LT(due_key(QueueId{7}, Timestamp{255}, 9), due_key(QueueId{7}, Timestamp{256}, 1));

  EXPECT_FALSE(parse_block_key("short"));
  EXPECT_FALSE(parse_block_key(due_key(QueueId{7}, Timestamp{1}, 1)));
  EXPECT_FALSE(parse_due_key(block_key(QueueId{7}, 1)));
}

TEST(Records, TellTheRowsOfAQueueApart) {
  using Kind = QueueRowKey::Kind;
  const auto definition = parse_queue_key(queue_key(QueueId{9}));
  ASSERT_TRUE(definition);
  EXPECT_EQ(definition->queue, QueueId{9});
  EXPECT_EQ(definition->kind, Kind::definition);
  const auto counters = parse_queue_key(counters_key(QueueId{9}));
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->queue, QueueId{9});
  EXPECT_EQ(counters->kind, Kind::counters);
  const auto task = parse_queue_key(move_task_key(QueueId{9}, MoveTaskNumber{300}));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->queue, QueueId{9});
  EXPECT_EQ(task->kind, Kind::move_task);
  EXPECT_EQ(task->task, MoveTaskNumber{300});

  EXPECT_LT(queue_key(QueueId{9}), counters_key(QueueId{9}));
  EXPECT_LT(counters_key(QueueId{9}), move_task_key(QueueId{9}, MoveTaskNumber{1}));
  EXPECT_LT(move_task_key(QueueId{9}, MoveTaskNumber{255}),
            move_task_key(QueueId{9}, MoveTaskNumber{256}));
  EXPECT_LT(move_task_key(QueueId{9}, MoveTaskNumber{UINT64_MAX}), queue_key_end(QueueId{9}));

  EXPECT_FALSE(parse_queue_key(""));
  for (const char kind : {'\0', '\2', '\3'}) {
    EXPECT_FALSE(parse_queue_key(queue_key(QueueId{9}) + kind));
  }
  EXPECT_FALSE(parse_queue_key(counters_key(QueueId{9}) + '\1'));
  EXPECT_FALSE(parse_queue_key(move_task_key(QueueId{9}, MoveTaskNumber{1}) + '\1'));
}

TEST(Records, MoveTasksComeBack) {
  MoveTaskRecord record;
  record.status = MoveTaskRecord::Status::failed;
  record.rate = 500;
  record.moved = 70'000;
  record.to_move = 80'000;
  record.started_at = Timestamp{123};
  record.destination = QueueId{4};
  record.destination_arn = "arn";
  record.failure_reason = "reason";
  const std::string value = encode_move_task(record);
  const auto parsed = parse_move_task(value);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->status, MoveTaskRecord::Status::failed);
  EXPECT_EQ(parsed->rate, 500u);
  EXPECT_EQ(parsed->moved, 70'000u);
  EXPECT_EQ(parsed->to_move, 80'000u);
  EXPECT_EQ(parsed->started_at, Timestamp{123});
  EXPECT_EQ(parsed->destination, QueueId{4});
  EXPECT_EQ(parsed->destination_arn, "arn");
  EXPECT_EQ(parsed->failure_reason, "reason");
  expect_strict(value, 0, parse_move_task);
  EXPECT_EQ(parse_move_task(encode_move_task({}))->destination, std::nullopt);
  std::string unknown_status = value;
  unknown_status[1] = 5;
  EXPECT_FALSE(parse_move_task(unknown_status));
}

TEST(Records, IndexComesBack) {
  const IndexRecord record{{}, 64, Timestamp{5}, Timestamp{9}, true};
  const std::string value = placed(encode_index(record));
  const auto parsed = parse_index(value);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->place, kPlace);
  EXPECT_EQ(parsed->count, 64);
  EXPECT_EQ(parsed->sent_at, Timestamp{5});
  EXPECT_EQ(parsed->due, Timestamp{9});
  EXPECT_TRUE(parsed->moved);
  expect_strict(value, kPayloadPlaceBytes, parse_index);
  EXPECT_FALSE(parse_index(placed(encode_index({{}, 0, {}, {}, false}))));
  EXPECT_FALSE(parse_index(placed(encode_index({{}, 65, {}, {}, false}))));
}

TEST(Records, StateComesBack) {
  StateRecord record;
  record.index = {{}, 3, Timestamp{5}, Timestamp{}, false};
  record.parked_until = Timestamp{8};
  record.slots.resize(3);
  record.slots[0].phase = SlotState::Phase::deleted;
  record.slots[1] = {
      Timestamp{1}, Timestamp{2}, Timestamp{3}, UINT32_MAX, 4, 5, SlotState::Phase::in_flight};
  record.slots[2].phase = SlotState::Phase::moving;
  const std::string value = placed(encode_state(record.index, record.parked_until, record.slots));
  const auto parsed = parse_state(value);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->index.place, kPlace);
  EXPECT_EQ(parsed->parked_until, Timestamp{8});
  ASSERT_EQ(parsed->slots.size(), 3u);
  EXPECT_EQ(parsed->slots[0].phase, SlotState::Phase::deleted);
  EXPECT_EQ(parsed->slots[1].phase, SlotState::Phase::in_flight);
  EXPECT_EQ(parsed->slots[1].visible_at, Timestamp{1});
  EXPECT_EQ(parsed->slots[1].first_received_at, Timestamp{2});
  EXPECT_EQ(parsed->slots[1].received_at, Timestamp{3});
  EXPECT_EQ(parsed->slots[1].receive_count, UINT32_MAX);
  EXPECT_EQ(parsed->slots[1].delivery, 4u);
  EXPECT_EQ(parsed->slots[1].epoch, 5u);
  EXPECT_EQ(parsed->slots[2].phase, SlotState::Phase::moving);
  expect_strict(value, kPayloadPlaceBytes, parse_state);
  std::string phase = value;
  phase[kPayloadPlaceBytes + 19 + 8] = 5;  // behind the index record and the time
  EXPECT_FALSE(parse_state(phase));
}

TEST(Records, CountersComeBack) {
  const QueueCounters counters{1000,           900, 800, 700, 600,  500, UINT64_MAX,
                               Timestamp{400}, 300, 200, 150, true, true};
  const std::string value = encode_counters(counters);
  const auto parsed = parse_counters(value);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->next_block, 1000u);
  EXPECT_EQ(parsed->head, 900u);
  EXPECT_EQ(parsed->horizon, 800u);
  EXPECT_EQ(parsed->swept, 700u);
  EXPECT_EQ(parsed->messages, 600u);
  EXPECT_EQ(parsed->delayed, 500u);
  EXPECT_EQ(parsed->bytes, UINT64_MAX);
  EXPECT_EQ(parsed->purged_at, Timestamp{400});
  EXPECT_EQ(parsed->parked, 300u);
  EXPECT_EQ(parsed->moved_blocks, 200u);
  EXPECT_EQ(parsed->filed_end, 150u);
  EXPECT_TRUE(parsed->deleted);
  EXPECT_TRUE(parsed->fifo);
  expect_strict(value, 0, parse_counters);
}

TEST(Records, GroupsComeBackWithTheirBlock) {
  IndexRecord record{{},          3,     Timestamp{5},
                     Timestamp{}, false, {GroupKey{7}, GroupKey{1}, GroupKey{7}}};
  const std::string value = placed(encode_index(record));
  const auto parsed = parse_index(value);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->groups, record.groups);
  EXPECT_FALSE(parsed->moved);
  expect_strict(value, kPayloadPlaceBytes, parse_index);
  std::string other = value;
  other.back() = 2;  // there are only two groups
  EXPECT_FALSE(parse_index(other));
}

TEST(Records, AMessageThatNothingHappenedToTakesOneByte) {
  StateRecord record;
  record.index = {{}, 2, Timestamp{5}, Timestamp{9}, false};
  record.slots.resize(2);
  record.slots[0].visible_at = record.index.due;
  record.slots[1].phase = SlotState::Phase::deleted;
  const std::string value = placed(encode_state(record.index, record.parked_until, record.slots));
  EXPECT_EQ(value.size(), kPayloadPlaceBytes + 19 + 8 + 2);
  const auto parsed = parse_state(value);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->slots[0].phase, SlotState::Phase::waiting);
  EXPECT_EQ(parsed->slots[0].visible_at, record.index.due);
  EXPECT_EQ(parsed->slots[1].phase, SlotState::Phase::deleted);
}

TEST(Records, GroupKeysSortByGroupAndBlock) {
  const std::string key = group_key(QueueId{1}, GroupKey{2}, 3);
  const auto parsed = parse_group_key(key);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->queue, QueueId{1});
  EXPECT_EQ(parsed->group, GroupKey{2});
  EXPECT_EQ(parsed->block, 3u);
  EXPECT_LT(key, group_key(QueueId{1}, GroupKey{2}, 256));
  EXPECT_LT(group_key(QueueId{1}, GroupKey{2}, 256), group_key(QueueId{1}, GroupKey{3}, 0));
  EXPECT_FALSE(parse_group_key(key + '\0'));
  EXPECT_FALSE(parse_group_key(key.substr(1)));
}

TEST(Records, DeduplicationIdsComeBack) {
  const std::string key = deduplication_key(QueueId{1}, Timestamp{20}, 3);
  const auto parsed = parse_deduplication_key(key);
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->attempt);
  EXPECT_EQ(parsed->queue, QueueId{1});
  EXPECT_EQ(parsed->at, Timestamp{20});
  EXPECT_EQ(parsed->block, 3u);
  const KeyRange before = deduplication_keys(QueueId{1}, Timestamp{20});
  EXPECT_GE(key, before.last);
  EXPECT_LT(deduplication_key(QueueId{1}, Timestamp{19}, UINT64_MAX), before.last);
  EXPECT_GE(deduplication_key(QueueId{1}, Timestamp{}, 0), before.first);

  const std::vector<Fingerprint> ids{Fingerprint{1}, Fingerprint{}, Fingerprint{3}};
  const std::string value = encode_ids(ids);
  EXPECT_EQ(parse_ids(value), ids);
  EXPECT_FALSE(parse_ids(value.substr(0, value.size() - 1)));
  EXPECT_FALSE(parse_ids(""));
}

TEST(Records, ReceiveAttemptsComeBack) {
  const Fingerprint attempt{1, 2, 3};
  const std::string key = attempt_key(QueueId{1}, Timestamp{20}, attempt);
  const auto parsed = parse_deduplication_key(key);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->attempt);
  EXPECT_EQ(parsed->at, Timestamp{20});
  EXPECT_EQ(parsed->attempt_id, attempt);
  EXPECT_GE(key, attempt_keys(QueueId{1}, Timestamp{20}).last);
  EXPECT_LT(key, attempt_keys(QueueId{1}, Timestamp{21}).last);
  EXPECT_GE(key, deduplication_keys(QueueId{1}, kNever).last);

  AttemptRecord record;
  record.visible_at = Timestamp{40};
  record.deliveries.push_back({SequenceNumber{UINT64_MAX}, 2, 3});
  const std::string value = encode_attempt(record);
  const auto brought = parse_attempt(value, Timestamp{20});
  ASSERT_TRUE(brought);
  EXPECT_EQ(brought->began_at, Timestamp{20});
  EXPECT_EQ(brought->visible_at, Timestamp{40});
  ASSERT_EQ(brought->deliveries.size(), 1u);
  EXPECT_EQ(brought->deliveries[0].sequence, SequenceNumber{UINT64_MAX});
  EXPECT_EQ(brought->deliveries[0].delivery, 2u);
  EXPECT_EQ(brought->deliveries[0].epoch, 3u);
  EXPECT_FALSE(parse_attempt(value.substr(0, value.size() - 1), Timestamp{20}));
}

TEST(Records, TransferRowsComeBack) {
  const auto outbox = parse_transfer_key(outbox_key(3, 99));
  ASSERT_TRUE(outbox);
  EXPECT_TRUE(outbox->outbox);
  EXPECT_EQ(outbox->shard, 3);
  EXPECT_EQ(outbox->number, 99u);
  const auto applied = parse_transfer_key(applied_key(4));
  ASSERT_TRUE(applied);
  EXPECT_FALSE(applied->outbox);
  EXPECT_EQ(applied->shard, 4);
  EXPECT_FALSE(parse_transfer_key(""));
  EXPECT_FALSE(parse_transfer_key("b" + applied_key(4).substr(1)));
  EXPECT_FALSE(parse_transfer_key(outbox_key(3, 99) + "x"));
  std::string high = outbox_key(3, 99);
  high[1] = 1;  // no shard has so high a number, and it is not shard 3
  EXPECT_FALSE(parse_transfer_key(high));

  const std::string value = placed(encode_outbox({{}, QueueId{1}, SequenceNumber{2}, QueueId{3}}));
  const auto record = parse_outbox(value);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->place, kPlace);
  EXPECT_EQ(record->source, QueueId{1});
  EXPECT_EQ(record->sequence, SequenceNumber{2});
  EXPECT_EQ(record->target, QueueId{3});
  EXPECT_EQ(record->task, MoveTaskNumber{});
  expect_strict(value, kPayloadPlaceBytes, parse_outbox);
  const OutboxRecord of_task{{}, QueueId{1}, SequenceNumber{2}, QueueId{3}, MoveTaskNumber{300}};
  EXPECT_EQ(parse_outbox(placed(encode_outbox(of_task)))->task, MoveTaskNumber{300});

  EXPECT_EQ(parse_number(encode_number(UINT64_MAX)), UINT64_MAX);
  expect_strict(encode_number(5), 0, parse_number);
}

}  // namespace
}  // namespace millrace
