// Fingerprints: keyed hashes that stand for what clients chose (group ids, deduplication ids), so
// that tables and rows hold a few bytes of each and the disk nothing that could be guessed from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>

#include "base/encoding.h"
#include "base/strong_type.h"
#include "model/message.h"
#include "model/message_id.h"

namespace millrace {

/// Stands for a MessageGroupId within its queue. Two groups that share one (a chance of one in 10^6
/// among five million) are delivered as if they were one group.
using GroupKey = StrongType<struct GroupKeyTag, std::uint64_t>;

/// Stands for a deduplication id or a receive attempt id: no two ever share one.
using Fingerprint = std::array<std::uint8_t, 16>;

/// Any bytes of it are as good as any hash.
struct FingerprintHash {
  std::size_t operator()(const Fingerprint& fingerprint) const noexcept {
    std::size_t hash;
    std::memcpy(&hash, fingerprint.data(), sizeof hash);
    return hash;
  }
};

/// Makes them under the installation's key. Immutable after construction; any thread, several at a
/// time.
class Fingerprinter {
 public:
  explicit Fingerprinter(std::span<const std::uint8_t, 32> key);

  GroupKey group(std::string_view group_id) const;
  /// @param group_id empty where the id counts for the whole queue (DeduplicationScope queue).
  Fingerprint deduplication(std::string_view group_id, std::string_view deduplication_id) const;
  Fingerprint receive_attempt(std::string_view attempt_id) const;
  /// The id of a message move task, in the form of a UUID of version 4. @param number of the task
  /// among those of its source queue.
  Fingerprint move_task(QueueId source, std::uint64_t number) const;
  /// Says that a message was put to `place`. @param bytes what is known of it.
  Fingerprint stored_message(const MessagePlace& place, std::string_view bytes) const;

 private:
  KeyedHash hash_;
};

}  // namespace millrace
