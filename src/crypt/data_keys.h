// DataKeys: the data keys that a shard has in use: those that it seals new messages under, one for
// each master key, and those that it has lately opened messages with.
//
// A data key seals for one shard alone, from one opening of its store to the next at most, so its
// nonces are a count: none is ever used twice. It is replaced when its master key's reuse period is
// over, and long before NIST's bounds for GCM (SP 800-38D, section 8.3) are near. What is known of
// keys is asked anew when the provider's generation changes: a disabled key is of no use at once.
//
// Owned by its shard, on the shard's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "crypt/cipher.h"
#include "crypt/key_provider.h"

namespace millrace {

/// The nonce of message `number` of a data key.
GcmNonce counted_nonce(std::uint64_t number);

/// A data key that new messages are sealed under.
class SealingKey {
 public:
  SealingKey(const DataKey& key, Timestamp made_at);

  /// What opens it again; to be stored beside the messages.
  const std::string& wrapped() const { return wrapped_; }
  /// Counts a message of `bytes`. @return its number under this key, which gives its nonce.
  std::uint64_t number_for(std::size_t bytes);
  /// Seals message `number`, whose text `content` begins with; the tag takes the last kGcmTagBytes.
  void seal(std::uint64_t number, std::string_view associated, std::span<char> content);

  /// Whether it may seal `messages` more at `now`.
  bool good_for(std::size_t messages, Milliseconds reuse, Timestamp now) const;

 private:
  GcmSealer cipher_;
  std::string wrapped_;
  Timestamp made_at_;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
};

class DataKeys {
 public:
  /// A data key seals no more messages and bytes than these, give or take one request's.
  static constexpr std::uint64_t kMessagesMax = std::uint64_t{1} << 32;
  static constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 36;
  /// So many opened keys are remembered, each for so long.
  static constexpr std::size_t kOpenedMax = 256;
  static constexpr Milliseconds kOpenedReuse = seconds(300);

  /// @param provider outlives this.
  explicit DataKeys(const KeyProvider& provider) : provider_(provider) {}

  /// A key to seal `messages` messages under. @param reuse how old it may be. @return the errors of
  /// KeyProvider::make_data_key().
  Expected<std::shared_ptr<SealingKey>> sealing(std::string_view master_key, Milliseconds reuse,
                                                std::size_t messages, Timestamp now);
  /// What opens messages that were sealed under the key that `wrapped` holds. @return what is
  /// good until the next call; the errors of KeyProvider::unwrap().
  Expected<GcmOpener*> opening(std::string_view wrapped, Timestamp now);

 private:
  struct Opened {
    GcmOpener opener;
    Timestamp until;
  };
  using OpenedKeys = std::map<std::string, Opened, std::less<>>;

  void ask_anew();

  const KeyProvider& provider_;
  std::uint64_t generation_ = 0;
  // By master key, as queues name it.
  std::map<std::string, std::shared_ptr<SealingKey>, std::less<>> sealing_;
  OpenedKeys opened_;                          // by the wrapped key
  OpenedKeys::iterator last_ = opened_.end();  // most messages are of the same as before
};

}  // namespace millrace
