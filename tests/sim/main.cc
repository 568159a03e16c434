// sim: plays seeds against the simulated server. A failing seed is printed with the broken promise
// and the command that replays it; `sim --seed N` alone plays that one.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "sim/workload.h"

namespace {

using namespace millrace::sim;

char running[64];  // says which seed is being played, for a CHECK that fails

void tell_seed(int) {
  std::size_t length = 0;
  while (running[length] != '\0') ++length;
  static_cast<void>(!::write(STDERR_FILENO, running, length));
  std::signal(SIGABRT, SIG_DFL);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::uint64_t runs = 1;
  std::uint64_t time_limit = 0;
  std::string mutation = "none";
  bool expect_violation = false;
  bool verbose = false;
  bool list_mutations = false;
  CLI::App app(
      "Plays seeds against a simulated Millrace that crashes, and audits what it promises");
  app.add_option("--seed", seed, "The first seed");
  CLI::Option* runs_option = app.add_option("--runs", runs, "How many seeds to play");
  app.add_option("--seconds", time_limit, "Play further seeds for so long");
  std::vector<std::string> names{"none"};
  std::string help = "A fault to build in:";
  for (const Mutation& one : mutations()) {
    names.emplace_back(one.name);
    help += "\n" + names.back() + ": " + std::string(one.fault);
  }
  app.add_option("--mutation", mutation, help)->check(CLI::IsMember(names));
  app.add_flag("--list-mutations", list_mutations, "Print their names and play nothing");
  app.add_flag("--expect-violation", expect_violation, "Succeed only if a promise is broken");
  app.add_flag("--verbose", verbose, "Print a line for each seed");
  CLI11_PARSE(app, argc, argv);
  if (list_mutations) {
    for (const Mutation& one : mutations()) std::printf("%s\n", std::string(one.name).c_str());
    return 0;
  }

  std::signal(SIGABRT, tell_seed);
  const auto started = std::chrono::steady_clock::now();
  std::uint64_t played = 0;
  std::uint64_t messages = 0;
  std::uint64_t disturbances = 0;
  millrace::Milliseconds simulated = 0;
  const auto more = [&] {
    if (time_limit == 0 || !runs_option->empty()) {
      if (played >= runs) return false;
      if (time_limit == 0) return true;
    }
    return std::chrono::steady_clock::now() - started < std::chrono::seconds(time_limit);
  };
  for (; more(); ++played) {
    const std::uint64_t current = seed + played;
    std::snprintf(running, sizeof running, "this was seed %llu\n",
                  static_cast<unsigned long long>(current));
    Plan plan(current);
    if (const Mutation* chosen = find_mutation(mutation)) plan.mutation = *chosen;
    Workload workload(plan, current);
    const auto began = std::chrono::steady_clock::now();
    const std::optional<std::string> violation = workload.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    simulated += workload.simulated();
    messages += workload.auditor().messages();
    disturbances += workload.disturbances();
    const std::string number = std::to_string(current);
    if (verbose) {
      std::printf("seed %s: %.2f s, %zu messages, %zu deliveries, %llu disturbances; %s\n",
                  number.c_str(), took.count(), workload.auditor().messages(),
                  workload.auditor().deliveries(),
                  static_cast<unsigned long long>(workload.disturbances()), plan.text().c_str());
    }
    if (!violation) continue;
    std::printf(
        "seed %s breaks a promise: %s\n  the plan: %s\n  replay it: ./dev sim --seed %s%s\n",
        number.c_str(), violation->c_str(), plan.text().c_str(), number.c_str(),
        mutation == "none" ? "" : (" --mutation=" + mutation).c_str());
    return expect_violation ? 0 : 1;
  }
  std::printf(
      "%llu seeds from %llu on: %.1f simulated hours, %llu messages, "
      "%llu crashes, restarts and slow commits; no promise broken\n",
      static_cast<unsigned long long>(played), static_cast<unsigned long long>(seed),
      static_cast<double>(simulated) / 3'600'000, static_cast<unsigned long long>(messages),
      static_cast<unsigned long long>(disturbances));
  return expect_violation ? 1 : 0;
}
