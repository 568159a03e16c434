// ServerHistory: what the server as a whole did lately, in the steps of history.h: the newest
// points of each, one for every period in which it was looked at.
//
// Any thread; one lock, which no request on messages takes. Time is a parameter.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/circular_buffer.hpp>

#include "base/clock.h"
#include "observe/history.h"
#include "observe/metrics.h"

namespace millrace {

/// One point: what happened in it, and how the server stood when it was last looked at.
struct ServerPoint {
  std::uint64_t requests = 0;  // that were answered
  std::uint64_t errors = 0;    // those of them that were answered with an error
  // In milliseconds; nothing where there was none. Requests that may wait for messages are left
  // out.
  std::optional<double> request_p50;
  std::optional<double> request_p99;
  std::optional<double> commit_p50;
  std::optional<double> commit_p99;
  std::uint64_t connections = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t store_bytes = 0;
};

class ServerHistory {
 public:
  ServerHistory();
  ServerHistory(const ServerHistory&) = delete;
  ServerHistory& operator=(const ServerHistory&) = delete;

  /// Takes up how things stand. @param metrics read in turn, since counts must not go back where
  /// two look at once. @param resident_bytes of the process.
  void record(const Metrics& metrics, std::uint64_t resident_bytes, Timestamp now);

  /// The points of `span`, oldest first; nothing for periods that nobody looked at.
  std::vector<std::optional<ServerPoint>> points_of(const HistorySpan& span) const;

 private:
  // What a point counts from.
  struct Base {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    Durations request_durations;
    Durations commit_durations;
  };
  struct Point {
    std::int64_t period = 0;  // its number: time divided by the step's length
    ServerPoint values;
  };
  struct Ring {
    boost::circular_buffer<Point> points;
    Base base;  // of the last point
  };

  mutable std::mutex mutex_;
  Base latest_;
  std::array<Ring, kHistorySteps> rings_;
};

}  // namespace millrace
