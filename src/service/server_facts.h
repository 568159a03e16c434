// What is known of the server from its start on. Plain values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/names.h"

namespace millrace {

/// One option as it is in force.
struct OptionFact {
  std::string name;
  std::string value;   // of a secret only that there is one
  std::string source;  // "default", "flag", "environment" or "file"
  std::string description;
};

/// What is known of the server from its start on.
struct ServerFacts {
  AccountId account;  // whose people run the server: they alone are told of it
  std::string version;
  Timestamp started = {};
  std::string data_directory = {};  // empty: everything is in memory
  std::uint64_t memory_limit_bytes = 0;
  std::size_t cores = 1;
  bool development = false;
  bool tls = false;
  std::vector<OptionFact> options = {};
};

}  // namespace millrace
