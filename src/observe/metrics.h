// Metrics: what the server counts of its requests, connections and commits.
//
// Each core and each shard writes its own, on its own thread (counters.h); values() adds them up
// on any. What queues do is counted by their shards and kept by the history (history.h). How all
// this is called outside stands in THE TABLE OF METRICS (exposition.cc). Outlives whoever counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "observe/counters.h"

namespace millrace {

/// How many error codes there are; error.cc asserts that this is the last of them.
inline constexpr std::size_t kErrorCodes =
    static_cast<std::size_t>(ErrorCode::service_unavailable) + 1;

/// What a core counts of its connections.
struct HttpMetrics {
  Gauge connections;            // that are open
  Counter connections_opened;   // that have been served, open or not
  Counter connections_refused;  // closed as they came: their client had too many
  Counter handshakes;           // of TLS, that succeeded
  Counter handshakes_failed;
  Counter requests_refused;  // answered by http/ itself, since they broke its rules or limits
  Counter bytes_in;          // of requests, without TLS
  Counter bytes_out;         // of replies, without TLS
};

/// What a core counts of its requests, by action and by how they ended.
class RequestMetrics {
 public:
  /// @param actions how many there are; requests whose action is not known count as one more.
  explicit RequestMetrics(std::size_t actions);

  /// A request is answered. @param action its number, or the number of actions where it is not
  /// known. @param error what it was answered with; nothing: it succeeded.
  void count(std::size_t action, std::optional<ErrorCode> error, std::int64_t microseconds) {
    const std::size_t outcome = error ? static_cast<std::size_t>(*error) + 1 : 0;
    outcomes_[action * kOutcomes + outcome].add();
    durations_[action].observe(microseconds);
  }

  std::uint64_t count_of(std::size_t action, std::optional<ErrorCode> error) const {
    const std::size_t outcome = error ? static_cast<std::size_t>(*error) + 1 : 0;
    return outcomes_[action * kOutcomes + outcome].value();
  }
  Durations durations_of(std::size_t action) const { return durations_[action].values(); }

 private:
  static constexpr std::size_t kOutcomes = kErrorCodes + 1;

  std::vector<Counter> outcomes_;  // by action, and of each by outcome
  std::vector<DurationHistogram> durations_;
};

/// What a shard counts of its work with the disk.
struct ShardMetrics {
  Counter commits;
  Counter commit_bytes;  // rows and messages
  DurationHistogram commit_durations;
  Counter loads;     // of messages from disk
  Counter failures;  // after which the shard was opened again
  Gauge store_bytes;
  Gauge disk_available_bytes;
  Gauge sends_refused;  // 1 while the disk is nearly full
  Gauge memory_bytes;   // of windows and of what is in flight
  Gauge reply_bytes;    // of replies that are under way
  Gauge queues;
};

struct MetricsOptions {
  std::vector<std::string_view> actions;  // their names, by number; outlive the metrics
  std::size_t cores = 1;
  std::size_t shards = 1;
};

/// The sum of all cores or shards at one moment.
struct MetricsValues {
  struct Requests {
    std::string_view action;  // empty: it was not known
    std::string_view code;    // of the error, as AWS JSON calls it; empty: success
    std::uint64_t count = 0;
  };
  struct ActionDurations {
    std::string_view action;
    Durations durations;
  };
  struct Http {
    std::uint64_t connections = 0;
    std::uint64_t connections_opened = 0;
    std::uint64_t connections_refused = 0;
    std::uint64_t handshakes = 0;
    std::uint64_t handshakes_failed = 0;
    std::uint64_t requests_refused = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
  };
  struct Shards {
    std::uint64_t commits = 0;
    std::uint64_t commit_bytes = 0;
    Durations commit_durations = {};
    std::uint64_t loads = 0;
    std::uint64_t failures = 0;
    std::uint64_t store_bytes = 0;
    std::uint64_t disk_available_bytes = 0;  // the least of any shard
    std::uint64_t sends_refused = 0;         // how many shards refuse them
    std::uint64_t memory_bytes = 0;
    std::uint64_t reply_bytes = 0;
    std::uint64_t queues = 0;
  };

  std::vector<Requests> requests;                  // those that are not 0
  std::vector<ActionDurations> request_durations;  // likewise
  Http http;
  Shards shards;

  /// Requests that were answered, and those of them that were answered with an error.
  std::uint64_t requests_answered() const;
  std::uint64_t requests_failed() const;
  /// The durations of all requests but those that may wait for messages.
  Durations durations_without_waiting() const;
};

class Metrics {
 public:
  explicit Metrics(const MetricsOptions& options);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  HttpMetrics& http(std::size_t core) { return cores_[core]->http; }
  RequestMetrics& requests(std::size_t core) { return cores_[core]->requests; }
  ShardMetrics& shard(std::size_t shard) { return *shards_[shard]; }

  MetricsValues values() const;

 private:
  struct Core {
    HttpMetrics http;
    RequestMetrics requests;
  };

  void add_requests(std::size_t action, MetricsValues& values) const;

  const std::vector<std::string_view> actions_;
  // On the heap each, so that no two threads write to one cache line.
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::unique_ptr<ShardMetrics>> shards_;
};

}  // namespace millrace
