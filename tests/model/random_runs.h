// Random runs: lists of operations that are compared with a naive model, each in a child process,
// since a CHECK ends it. A failing list is shrunk and printed.
//
// A run is a list of operations; each brings the seed of what the world does meanwhile, so a list
// with some taken away is still a run. MILLRACE_SEED replays one seed, MILLRACE_RUNS says how many.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "support/loop_harness.h"

namespace millrace {

/// A kind of operation, by its place in the list: its name, and how often it is chosen.
struct OperationKind {
  const char* name;
  std::uint64_t weight;
};

struct Operation {
  std::size_t kind = 0;
  std::uint64_t seed = 0;
};

struct Plan {
  LoopHarness::Options options;
  std::vector<Operation> operations;
};

/// Runs many plans; the test fails with the shrunk list of the first run that throws or dies.
/// @param memory what a shard may have of it: one is chosen for each run.
void check_random_runs(std::span<const OperationKind> kinds, std::span<const std::size_t> memory,
                       const std::function<void(const Plan&)>& run);

}  // namespace millrace
