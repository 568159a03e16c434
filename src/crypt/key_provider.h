// KeyProvider: who keeps the master keys. Messages are sealed under data keys; a data key is stored
// beside them, wrapped under a master key that never leaves its provider (envelope encryption).
//
// Keyring (keyring.h) is the one that is there. One that asks a KMS would implement the same two
// questions, GenerateDataKey and Decrypt; since shards ask on their threads, it must not wait but
// answer KmsThrottled until it has fetched what it was asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypt/cipher.h"

namespace millrace {

/// The master key of SSE-SQS, which always exists.
inline constexpr std::string_view kManagedKeyAlias = "alias/aws/sqs";

struct DataKey {
  SecretKey key;
  std::string wrapped;  // names its master key; may be stored anywhere
};

/// Any thread, several at a time.
class KeyProvider {
 public:
  virtual ~KeyProvider() = default;

  /// A new data key. @param master_key its id, its ARN, an alias ("alias/name") or an alias's ARN.
  /// @return KmsNotFound, KmsDisabled, KmsInvalidState, KmsAccessDenied, KmsThrottled.
  virtual Expected<DataKey> make_data_key(std::string_view master_key) const = 0;
  /// The data key that make_data_key() has wrapped. @return the same errors; InternalFailure where
  /// `wrapped` is not what was made.
  virtual Expected<SecretKey> unwrap(std::string_view wrapped) const = 0;
  /// Another number each time that keys were changed: what was learnt before is to be asked anew.
  virtual std::uint64_t generation() const = 0;
};

}  // namespace millrace
