// ReceiveAttempts: what receives with a ReceiveRequestAttemptId brought in the last five minutes,
// so that the same attempt gets the same messages again.
//
// Owned by its queue, on the shard's thread. Each is a row on disk, in the commit of its receive.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/fingerprint.h"
#include "queue/records.h"

namespace millrace {

class ReceiveAttempts {
 public:
  /// Forgets attempts that began five minutes before `now` or earlier.
  void prune(Timestamp now);
  /// What the attempt brought, or null. Right after prune(); valid until the next change.
  AttemptRecord* find(const Fingerprint& attempt);
  /// Notes an attempt, in place of an older one of the same id; in the order of `began_at`.
  void put(const Fingerprint& attempt, AttemptRecord record);
  void clear();
  /// When the oldest attempt began, or kNever.
  Timestamp oldest() const { return order_.empty() ? kNever : order_.front().first; }

  /// An estimate of the memory that it takes.
  std::size_t bytes() const;

 private:
  std::unordered_map<Fingerprint, AttemptRecord, FingerprintHash> attempts_;
  std::deque<std::pair<Timestamp, Fingerprint>> order_;  // oldest first; some put anew since
  std::size_t deliveries_ = 0;
};

}  // namespace millrace
