// Plan: everything that a seed decides before a run begins. Each seed picks its own mixture (some
// have no deletes, some a tiny memory, some crash all the time), since faults hide from averages.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "sim/auditor.h"
#include "sim/mutation.h"

namespace millrace::sim {

/// A move task out of one slot's queue.
struct PlannedMove {
  unsigned from = 0;
  std::optional<unsigned> to = {};  // a slot; nothing: each message goes back where it came from
  std::uint32_t rate = 0;           // messages a second; 0: as fast as it goes
};

struct Plan {
  explicit Plan(std::uint64_t seed);

  // The bounds of what clients ask for.
  Milliseconds delay_max() const { return std::min(5 * 1000 * pace, seconds(900)); }
  Milliseconds visibility_max() const { return seconds(10) * pace; }
  Milliseconds retention_short() const { return seconds(60) * pace; }
  static constexpr Milliseconds kRetentionLong = seconds(1'209'600);

  /// What a failing run prints beside its seed.
  std::string text() const;

  unsigned shards = 1;
  unsigned clients = 1;
  Milliseconds length = 0;          // of the run, before everything heals
  std::size_t memory_bytes = 0;     // of a shard
  std::size_t batch_bytes_max = 0;  // of a commit
  std::size_t body_bytes_max = 0;
  Milliseconds commit_time_max = 1;
  Milliseconds load_time_max = 1;
  Milliseconds think_time_max = 1;
  std::uint64_t commits_per_crash = 0;   // on average; 0: never
  Milliseconds crash_interval = 0;       // of crashes at any moment, on average; 0: never
  Milliseconds restart_interval = 0;     // of clean restarts, on average; 0: never
  Milliseconds relocation_interval = 0;  // of rounds of relocations, on average; 0: never
  Milliseconds down_time_max = 0;        // after a crash
  // How much longer than usual everything takes that clients decide: what lasts minutes elsewhere
  // takes days.
  std::int64_t pace = 1;
  std::uint64_t commits_per_stall = 0;  // on average, until the disk is slow once; 0: never
  std::uint64_t loads_per_failure = 0;  // on average, until one cannot be read; 0: never
  Milliseconds full_disk_interval = 0;  // of times at which a disk is full, on average; 0: never
  // The wall clock of a process that starts is off by no more, in either direction.
  Milliseconds clock_step_max = 0;

  // What a client does next, by weight.
  enum Action : std::size_t {
    send,
    receive,
    erase,
    change,
    forget,
    purge,
    delete_queue,
    move_task,
    set_attributes,
    kActions
  };
  std::array<std::uint64_t, kActions> weights{};

  std::vector<QueueFacts> queues;  // by slot
  unsigned groups = 1;             // of each queue that has groups
  std::vector<PlannedMove> moves;  // the move tasks that clients start
  Mutation mutation = {};          // none

 private:
  void plan_moves(Random& random);
};

}  // namespace millrace::sim
