// What GET /metrics answers: the server's counters, histograms and gauges in the text format of
// Prometheus.
//
// THE TABLE OF METRICS is in exposition.cc: one row per metric with its name, kind, labels, help
// and where its values come from. docs/metrics.md is made from it. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "observe/history.h"
#include "observe/metrics.h"
#include "observe/process.h"

namespace millrace {

/// All that one answer tells, at one moment.
struct Scrape {
  struct Queue {
    std::string_view account;
    std::string_view name;
    QueueTotals totals;
  };

  Timestamp now;  // by the clock of the queues
  std::string_view version;
  MetricsValues values;
  ProcessValues process;
  std::uint64_t memory_limit_bytes = 0;
  QueueTotals all;              // of all queues, and the traffic of those that are gone
  std::vector<Queue> queues;    // those that are told one by one
  std::optional<Queue> others;  // the rest of them, in one; its name is none of a queue
};

/// Of the text format, as a Content-Type.
inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

/// The answer.
std::string exposition(const Scrape& scrape);

/// docs/metrics.md.
std::string metrics_document();

}  // namespace millrace
