// The cases that millrace-bench can run, by name.
#pragma once

#include <span>
#include <string_view>

#include "bench/options.h"
#include "bench/report.h"

namespace millrace::bench {

struct Case {
  std::string_view name;
  std::string_view help;
  /// Runs the case and adds its figures. Throws BenchError if it cannot be run.
  void (*run)(const Options& options, Report& report);
};

/// THE TABLE OF CASES.
std::span<const Case> cases();

}  // namespace millrace::bench
