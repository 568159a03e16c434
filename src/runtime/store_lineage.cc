#include "runtime/store_lineage.h"

#include <poll.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

namespace {

StoreResult<void> commit_and_wait(Store& store, const WriteBatch& batch) {
  if (batch.empty()) return {};
  store.commit(batch);
  for (;;) {
    pollfd wait{store.completion_descriptor(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0 && errno != EINTR) return StoreError("cannot wait for the disk");
    const auto outcome = store.finish();
    if (outcome && !*outcome) return outcome->error();
    if (outcome) return {};
  }
}

// A row of a queue; what tells the queue's next block is written anew.
StoreResult<void> pass_over_blocks(const Row& row, WriteBatch& batch) {
  const std::optional<QueueRowKey> key = parse_queue_key(row.key);
  if (!key) return StoreError("a row of a queue has no valid key", true);
  if (key->kind != QueueRowKey::Kind::counters) return {};
  std::optional<QueueCounters> counters = parse_counters(row.value);
  if (!counters) return StoreError("the counters of a queue are malformed", true);
  counters->next_block += kBlocksPassedOver;
  batch.put(Family::queues, row.key, encode_counters(*counters));
  return {};
}

}  // namespace

StoreResult<void> pass_over_numbers(Store& store) {
  const std::unique_ptr<Snapshot> rows = store.snapshot();
  WriteBatch batch;
  const auto next_queue = rows->get(Family::meta, kNextQueueKey);
  if (!next_queue) return next_queue.error();
  const std::optional<std::uint64_t> number = *next_queue ? parse_number(**next_queue) : 1;
  if (!number) return StoreError("the number of the next queue is malformed", true);
  batch.put(Family::meta, kNextQueueKey, encode_number(*number + kQueuesPassedOver));
  return for_each_page(*rows, Family::queues, [&](const std::vector<Row>& page) {
    for (const Row& row : page) {
      if (const auto passed = pass_over_blocks(row, batch); !passed) return passed;
    }
    // One commit for each page: doing it again after a crash passes over more, which does no harm.
    const StoreResult<void> done = commit_and_wait(store, batch);
    batch.clear();
    return done;
  });
}

}  // namespace millrace
