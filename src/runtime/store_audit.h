// Store audit: reads everything that a store holds and says what of it is not as it was written, or
// does not fit together. For `millrace check`; nothing is changed.
//
// Blocks the thread that calls it, for as long as it takes to read the store once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/store.h"

namespace millrace {

/// What was found in one store.
struct StoreAudit {
  /// More faults than this are only counted.
  static constexpr std::size_t kFaultsListed = 20;

  std::uint64_t queues = 0;
  std::uint64_t messages = 0;  // not deleted
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;  // of chunks that were read
  std::uint64_t fault_count = 0;
  std::vector<std::string> faults;  // in words for an operator

  void fault(std::string text);
  bool sound() const { return fault_count == 0; }
};

/// Reads each row, and each chunk that a row names; checks checksums, the form of records, that
/// rows name each other, and that the queues' counts are right.
/// @param store nothing may be committed to it meanwhile.
StoreAudit audit_store(const Store& store);

}  // namespace millrace
