// A receipt handle: the proof of one delivery, sealed so that only this installation makes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/error.h"
#include "base/sip_hash.h"
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
  static constexpr std::size_t kTextSize = 56;

  explicit ReceiptSealer(std::span<const std::uint8_t, 32> key);

  /// The kTextSize characters of base64 that a client gets.
  std::string seal(const ReceiptHandle& handle) const;
  /// @return ReceiptHandleIsInvalid when `text` was not made by seal() under the same key.
  Expected<ReceiptHandle> open(std::string_view text) const;

 private:
  SipKey tag_;
  SipKey mask_;
};

}  // namespace millrace
