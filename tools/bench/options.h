// Options: what the command line asks for, as plain values (main.cc fills them in).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "bench/bodies.h"
#include "bench/sqs_client.h"

namespace millrace::bench {

struct Options {
  std::string case_name;
  SqsSettings server;
  std::string queue;       // empty: queues of our own, deleted afterwards
  std::size_t queues = 1;  // over which the load is spread
  std::size_t producers = 16;
  std::size_t consumers = 16;
  std::size_t threads = 1;
  std::size_t batch = 1;
  std::size_t body_bytes = 1024;
  std::uint64_t seed = 1;
  double rate = 0;              // messages per second; 0: closed loop
  double seconds = 3;           // measured time
  double warmup_seconds = 0.5;  // before it
  double patience_seconds = 40;
  std::uint64_t count = 0;           // messages; 0: as the case has it
  std::uint64_t quiet_tenants = 50;  // fair
  std::uint64_t noisy_times = 100;   // fair: the noisy tenant's traffic, in that of a quiet one
  double work_milliseconds = 20;     // fair: for so long a consumer has a message
  double gap_milliseconds = 5;       // wake: from the poll to the send
  std::size_t connections = 10000;   // idle
  std::string directory;             // disk
  std::optional<pid_t> server_pid;
};

}  // namespace millrace::bench
