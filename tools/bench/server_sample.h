// What the measured server and the generator itself have used so far, read from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "bench/stopwatch.h"

namespace millrace::bench {

/// The use of a process with all its descendants (a server may have worker processes) up to now.
struct ServerSample {
  double cpu_seconds = 0;         // user and system, to within a clock tick (10 ms) per process
  std::uint64_t rss_bytes = 0;    // resident memory now; pages shared by processes count for each
  std::uint64_t write_bytes = 0;  // caused to be written to the disk; 0 if /proc may not say
};

/// Reads the use of process `pid`; nothing if there is no such process.
std::optional<ServerSample> sample_server(pid_t pid);

/// CPU time of this process, user and system, in seconds.
double own_cpu_seconds();

}  // namespace millrace::bench
