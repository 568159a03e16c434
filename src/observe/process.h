// What the system says of this process. Any thread.
#pragma once

#include <cstdint>

namespace millrace {

struct ProcessValues {
  std::uint64_t resident_bytes = 0;
  double cpu_seconds = 0;  // of all threads, since it began
  double started_at = 0;   // seconds since 1970
  std::uint64_t open_descriptors = 0;
  std::uint64_t descriptors_max = 0;
};

/// Asks the system (proc(5), getrusage(2)). What it does not tell stays 0.
ProcessValues read_process();

/// Its resident_bytes alone, which cost less.
std::uint64_t read_resident_bytes();

}  // namespace millrace
