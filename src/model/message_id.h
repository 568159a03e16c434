// A MessageId is (queue, sequence) through a keyed permutation, in the form of a UUID of version 4:
// a message is found by its id without an index, and an id tells a client nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/sip_hash.h"
#include "model/message.h"

namespace millrace {

/// The place of a message: its queue and its position there.
struct MessagePlace {
  QueueId queue;
  SequenceNumber sequence;

  friend bool operator==(const MessagePlace&, const MessagePlace&) = default;
};

/// A Feistel network over two halves of 61 bits. Immutable after construction; any thread.
class MessageIdCipher {
 public:
  /// @param key the installation's key; another key gives another permutation.
  explicit MessageIdCipher(std::span<const std::uint8_t, 32> key);

  /// Queue and sequence must be below 2^61.
  MessageId id(MessagePlace place) const;
  /// The place whose id this is. Nothing if it has not the form of one; a made-up id of the right
  /// form gives some place, at which no message needs to be.
  std::optional<MessagePlace> place(const MessageId& id) const;

 private:
  static constexpr std::size_t kRounds = 6;
  std::array<SipKey, kRounds> keys_;
};

}  // namespace millrace
