#include "runtime/store_lineage.h"

#include <gtest/gtest.h>

#include "storage/memory_store.h"
#include "support/store_calls.h"

namespace millrace {
namespace {

constexpr QueueId kQueue{7};

std::string row(const Store& store, Family family, std::string_view key) {
  return store.snapshot()->get(family, key).value().value_or("");
}

TEST(StoreLineage, NumbersOfMessagesAndQueuesArePassedOver) {
  MemoryStore store;
  QueueCounters counters;
  counters.next_block = 12;
  counters.head = 5;
  counters.messages = 3;
  counters.fifo = true;
  MoveTaskRecord task;
  task.moved = 4;
  const std::string task_key = move_task_key(kQueue, MoveTaskNumber{1});
  WriteBatch batch;
  batch.put(Family::meta, kNextQueueKey, encode_number(8));
  batch.put(Family::queues, queue_key(kQueue), "definition");
  batch.put(Family::queues, counters_key(kQueue), encode_counters(counters));
  batch.put(Family::queues, task_key, encode_move_task(task));
  ASSERT_TRUE(commit_and_wait(store, batch));

  ASSERT_TRUE(pass_over_numbers(store));
  EXPECT_EQ(row(store, Family::meta, kNextQueueKey), encode_number(8 + kQueuesPassedOver));
  counters.next_block += kBlocksPassedOver;
  EXPECT_EQ(row(store, Family::queues, counters_key(kQueue)), encode_counters(counters));
  EXPECT_EQ(row(store, Family::queues, queue_key(kQueue)), "definition");
  EXPECT_EQ(row(store, Family::queues, task_key), encode_move_task(task));
}

TEST(StoreLineage, AShardThatHadNoQueuePassesOverTheFirstNumbers) {
  MemoryStore store;
  ASSERT_TRUE(pass_over_numbers(store));
  EXPECT_EQ(row(store, Family::meta, kNextQueueKey), encode_number(1 + kQueuesPassedOver));
}

TEST(StoreLineage, AMalformedRowIsAnError) {
  MemoryStore store;
  WriteBatch batch;
  batch.put(Family::queues, counters_key(kQueue), "no counters");
  ASSERT_TRUE(commit_and_wait(store, batch));
  const StoreResult<void> passed = pass_over_numbers(store);
  ASSERT_FALSE(passed);
  EXPECT_TRUE(passed.error().corruption());
}

}  // namespace
}  // namespace millrace
