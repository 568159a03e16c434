#include "random_runs.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string>

#include "base/random.h"

namespace millrace {

namespace {

constexpr std::size_t kOperations = 200;

Plan make_plan(std::uint64_t seed, std::span<const OperationKind> kinds,
               std::span<const std::size_t> memory) {
  Random random(seed);
  Plan plan;
  plan.options.memory_bytes = memory[random.below(memory.size())];
  if (random.chance(1, 3)) plan.options.batch_bytes_max = 600;
  std::uint64_t sum = 0;
  for (const OperationKind& kind : kinds) sum += kind.weight;
  for (std::size_t i = 0; i < kOperations; ++i) {
    std::uint64_t at = random.below(sum);
    std::size_t kind = 0;
    while (at >= kinds[kind].weight) at -= kinds[kind++].weight;
    plan.operations.push_back({kind, random.next()});
  }
  return plan;
}

// @return why the run fails, or an empty text.
std::string failure(const Plan& plan, const std::function<void(const Plan&)>& run) {
  int ends[2];
  if (::pipe(ends) != 0) return "there is no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    ::dup2(ends[1], STDERR_FILENO);
    ::alarm(5);
    int status = 0;
    try {
      run(plan);
    } catch (const std::exception& error) {
      const std::string text = error.what();
      status = ::write(ends[1], text.data(), text.size()) < 0 ? 2 : 1;
    }
    ::_exit(status);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[512];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return text.empty() ? "ended by signal " + std::to_string(WTERMSIG(status)) : text;
}

// Takes operations away, in ever smaller pieces, for as long as the run still fails.
Plan shrink(Plan plan, const std::function<void(const Plan&)>& run) {
  for (std::size_t piece = plan.operations.size() / 2; piece > 0;) {
    bool smaller = false;
    for (std::size_t at = 0; at + piece <= plan.operations.size();) {
      Plan candidate = plan;
      const auto first = candidate.operations.begin() + static_cast<std::ptrdiff_t>(at);
      candidate.operations.erase(first, first + static_cast<std::ptrdiff_t>(piece));
      if (failure(candidate, run).empty()) {
        at += piece;
      } else {
        plan = std::move(candidate);
        smaller = true;
      }
    }
    if (!smaller || piece > plan.operations.size()) piece /= 2;
  }
  return plan;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

void check_random_runs(std::span<const OperationKind> kinds, std::span<const std::size_t> memory,
                       const std::function<void(const Plan&)>& run) {
  const bool replay = std::getenv("MILLRACE_SEED") != nullptr;
  const std::uint64_t first = number_from("MILLRACE_SEED", 1);
  const std::uint64_t runs = replay ? 1 : number_from("MILLRACE_RUNS", 300);
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    const Plan plan = make_plan(seed, kinds, memory);
    const std::string text = failure(plan, run);
    if (text.empty()) continue;
    const Plan small = shrink(plan, run);
    std::string list;
    for (const Operation& operation : small.operations) {
      list +=
          std::string("\n  ") + kinds[operation.kind].name + " " + std::to_string(operation.seed);
    }
    FAIL() << text << "\nreplay with MILLRACE_SEED=" << seed << "; memory "
           << small.options.memory_bytes << ", batch " << small.options.batch_bytes_max
           << "; shrunk to " << small.operations.size()
           << " operations, which say: " << failure(small, run) << list;
  }
}

}  // namespace millrace
