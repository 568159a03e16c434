// A receipt handle: the proof of one delivery, sealed so that only this installation makes it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/error.h"
#include "model/message.h"

namespace millrace {

/// What a handle says: which message of which queue, and which of its deliveries.
struct ReceiptHandle {
  QueueId queue;
  SequenceNumber sequence;
  std::uint32_t delivery = 0;  // number of the delivery of this message
  std::uint32_t epoch = 0;     // of the store when it was delivered, raised at each open

  friend bool operator==(const ReceiptHandle&, const ReceiptHandle&) = default;
};

/// Makes texts from handles and back, under the installation's key. Deterministic (a tag over the
/// content is also the nonce of its mask), so a repeated receive attempt gets the same text.
/// Immutable after construction; any thread, several at a time.
class ReceiptSealer {
 public:
  explicit ReceiptSealer(std::span<const std::uint8_t, 32> key);

  /// The 56 characters of base64 that a client gets.
  std::string seal(const ReceiptHandle& handle) const;
  /// @return ReceiptHandleIsInvalid when `text` was not made by seal() under the same key.
  Expected<ReceiptHandle> open(std::string_view text) const;

 private:
  KeyedHash tag_;
  KeyedHash mask_;
};

}  // namespace millrace
