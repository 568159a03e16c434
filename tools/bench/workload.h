// The load: producers and consumers on their connections, closed loop or at a fixed rate, measured.
//
// Closed loop: a producer sends its next batch when the last one is acknowledged. At a fixed rate:
// each batch has an intended time; when the server is late, the next batches wait but their latency
// counts from the time they were meant to go (no coordinated omission). A consumer receives,
// removes what came, and receives again.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "bench/client.h"
#include "bench/histogram.h"
#include "bench/ledger.h"
#include "bench/queue_times.h"
#include "bench/server_sample.h"
#include "bench/tenants.h"

namespace millrace::bench {

/// What to do. Connections are dealt evenly to the threads.
struct LoadPlan {
  std::size_t producers = 0;
  std::size_t consumers = 0;
  std::size_t batch = 1;
  std::size_t threads = 1;
  Nanoseconds warmup = 0;    // at the start, not measured
  Nanoseconds duration = 0;  // after the warm-up; then the producers stop
  std::uint64_t count = 0;   // producers stop after so many messages; 0: only by time
  double rate = 0;           // messages per second of all producers; 0: closed loop
  Nanoseconds patience = 0;  // give up after so long without any progress
  Nanoseconds work = 0;      // for so long a consumer has messages before it removes them: the mean
                             // of times from half of it to one and a half
  bool drain = true;         // consumers go on until all is removed; else they end with the rest
  QueueTimes* times = nullptr;  // where the times in the queue are measured; null: they are not
  Tenants tenants = {};         // of those only the quiet ones' times are measured
  std::optional<pid_t> server;  // whose use is measured
};

/// What one thread, or all of them together, have counted since the warm-up ended.
struct Tally {
  Histogram send;     // a batch, from its intended start to its acknowledgement
  Histogram receive;  // a receive that brought something
  Histogram remove;   // a removal, of as many as were received
  Histogram queued;   // a message, from the start of its send to its receipt
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t removed = 0;
  std::uint64_t requests = 0;
  std::uint64_t empty_receives = 0;
  std::uint64_t failures = 0;  // over the whole run, warm-up included
  std::string first_failure;
  Nanoseconds last_event = 0;  // when something was last sent, received or removed

  void merge(const Tally& other);
};

struct LoadResult {
  Tally tally;
  Nanoseconds elapsed = 0;  // from the end of the warm-up to the last event
  double own_cpu_seconds = 0;
  std::optional<ServerSample> server_before;  // at the end of the warm-up
  std::optional<ServerSample> server_after;
  bool gave_up = false;  // no progress for `patience`
};

/// Runs the load: producers until time or count is up, consumers (if there are any) until
/// everything in `ledger` that was acknowledged has been removed. Throws BenchError if it cannot
/// connect.
LoadResult run_load(const LoadPlan& plan, const ClientFactory& make_client, Ledger& ledger);

}  // namespace millrace::bench
