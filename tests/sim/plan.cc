#include "sim/plan.h"

namespace millrace::sim {

namespace {

template <class T, std::size_t size>
T pick(Random& random, const T (&choices)[size]) {
  return choices[random.below(size)];
}

}  // namespace

Plan::Plan(std::uint64_t seed) {
  Random random(seed);
  shards = random.chance(1, 2) ? 2 : 1;
  clients = 1 + static_cast<unsigned>(random.below(6));
  length = seconds(pick(random, {5, 20, 60}));
  memory_bytes = pick<std::size_t>(random, {1 << 11, 1 << 13, 1 << 15, 64 << 20});
  batch_bytes_max = pick<std::size_t>(random, {1 << 10, 1 << 14, 3 << 20});
  body_bytes_max = pick<std::size_t>(random, {20, 200, 4000});
  commit_time_max = pick<Milliseconds>(random, {1, 10, 300});
  load_time_max = pick<Milliseconds>(random, {1, 10, 300});
  think_time_max = pick<Milliseconds>(random, {5, 50, 1000});
  commits_per_crash = pick<std::uint64_t>(random, {0, 0, 20, 100, 500});
  crash_interval = pick<Milliseconds>(random, {0, 0, 2000, 15'000});
  restart_interval = pick<Milliseconds>(random, {0, 0, 5000, 20'000});
  relocation_interval = pick<Milliseconds>(random, {0, 100, 2000});
  down_time_max = pick<Milliseconds>(random, {1, 1000, 4000});
  pace = pick<std::int64_t>(random, {1, 1, 60, 3600});
  commits_per_stall = pick<std::uint64_t>(random, {0, 0, 50, 500});
  loads_per_failure = pick<std::uint64_t>(random, {0, 0, 0, 100});
  full_disk_interval = pick<Milliseconds>(random, {0, 0, 0, 10'000});
  clock_step_max = pick<Milliseconds>(random, {0, 0, seconds(3), seconds(900), seconds(200'000)});
  // Longer than deduplication ids are remembered.
  if (think_time_max == 1000 && pace == 1 && random.chance(1, 2)) length = seconds(700);
  for (Milliseconds* interval : {&length, &think_time_max, &crash_interval, &restart_interval,
                                 &relocation_interval, &full_disk_interval}) {
    *interval *= pace;
  }
  weights[send] = 1 + random.below(8);
  weights[receive] = 1 + random.below(10);
  weights[erase] = random.chance(1, 5) ? 0 : 1 + random.below(8);
  weights[change] = random.chance(1, 3) ? 0 : 1 + random.below(4);
  weights[forget] = random.below(3);
  if (random.chance(1, 3)) weights[purge] = 1;
  if (random.chance(1, 4)) weights[delete_queue] = 1;
  if (random.chance(1, 2)) weights[set_attributes] = 1;

  groups = pick(random, {1U, 3U, 20U});
  const std::uint64_t fifo_chance = random.below(5);  // out of four
  const unsigned count = 1 + static_cast<unsigned>(random.below(4));
  for (unsigned slot = 0; slot < count; ++slot) {
    QueueFacts facts;
    facts.slot = slot;
    facts.shard = static_cast<unsigned>(random.below(shards));
    facts.retention = random.chance(1, 6) ? retention_short() : kRetentionLong;
    facts.fifo = random.chance(fifo_chance, 4);
    facts.deduplicate_by_group = facts.fifo && random.chance(1, 3);
    facts.delay = facts.fifo && random.chance(1, 4) ? delay_max() / 2 : 0;
    facts.visibility_timeout = visibility_max() / 2;
    facts.encrypted = slot != 2;
    facts.tenants = !facts.fifo && random.chance(1, 2);
    // A dead-letter queue is a queue that has none itself, so that a message moves once.
    if (slot > 0 && facts.fifo == queues[0].fifo && random.chance(2, 3)) {
      facts.dead_letter_slot = 0;
      facts.receive_count_max = 1 + static_cast<std::uint32_t>(random.below(3));
      facts.retention = queues[0].retention;
    }
    queues.push_back(facts);
  }
  if (random.chance(1, 2)) plan_moves(random);
}

// Tasks only lead to higher slots, or back from the dead-letter queue, so that nothing is moved in
// circles. What can be moved ages the same everywhere.
void Plan::plan_moves(Random& random) {
  for (std::uint64_t tries = 1 + random.below(6); tries > 0; --tries) {
    PlannedMove planned;
    planned.from = static_cast<unsigned>(random.below(queues.size()));
    planned.rate = pick(random, {0U, 0U, 10U, 100U});
    const auto to = static_cast<unsigned>(random.below(queues.size()));
    const bool back = planned.from == 0 && random.chance(1, 2);
    if (!back && (to <= planned.from || queues[to].fifo != queues[planned.from].fifo)) continue;
    if (!back) planned.to = to;
    moves.push_back(planned);
  }
  if (moves.empty()) return;
  weights[move_task] = 1 + random.below(3);
  for (QueueFacts& queue : queues) queue.retention = queues[0].retention;
}

std::string Plan::text() const {
  std::string text =
      std::to_string(shards) + " shards, " + std::to_string(clients) + " clients, " +
      std::to_string(length) + " ms, memory " + std::to_string(memory_bytes) + ", batch " +
      std::to_string(batch_bytes_max) + ", bodies up to " + std::to_string(body_bytes_max) +
      ", commits up to " + std::to_string(commit_time_max) + " ms, loads up to " +
      std::to_string(load_time_max) + " ms, a crash in " + std::to_string(commits_per_crash) +
      " commits or every " + std::to_string(crash_interval) + " ms, clocks off by " +
      std::to_string(clock_step_max) + " ms, a slow disk in " + std::to_string(commits_per_stall) +
      " commits, a bad read in " + std::to_string(loads_per_failure) +
      " loads, a full disk every " + std::to_string(full_disk_interval) + " ms, a restart every " +
      std::to_string(restart_interval) + " ms, relocations every " +
      std::to_string(relocation_interval) + " ms, " + std::to_string(groups) + " groups; queues:";
  for (const QueueFacts& queue : queues) {
    text += queue.fifo ? " [FIFO, shard " : " [shard ";
    text += std::to_string(queue.shard);
    if (queue.deduplicate_by_group) text += ", ids by group";
    if (!queue.encrypted) text += ", not encrypted";
    if (queue.tenants) text += ", with tenants";
    if (queue.delay > 0) text += ", delay " + std::to_string(queue.delay) + " ms";
    text += ", retention " + std::to_string(queue.retention / 1000) + " s";
    if (queue.dead_letter_slot) {
      text += ", to " + std::to_string(*queue.dead_letter_slot) + " after " +
              std::to_string(queue.receive_count_max);
    }
    text += "]";
  }
  for (const PlannedMove& planned : moves) {
    text += " [move " + std::to_string(planned.from) + " to " +
            (planned.to ? std::to_string(*planned.to) : "where it came from") + ", rate " +
            std::to_string(planned.rate) + "]";
  }
  return text;
}

}  // namespace millrace::sim
