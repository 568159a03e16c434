// Keyring: the master keys of an installation, as a value. server/keyring_file.h keeps it in a
// file.
//
// A key has versions: rotating it adds one, under which data keys are wrapped from then on; the old
// ones stay for what was wrapped under them. The managed key, alias/aws/sqs, is always there and
// enabled.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypt/key_provider.h"

namespace millrace {

struct MasterKeyVersion {
  std::uint32_t number = 1;
  Timestamp created_at;  // to the second
  SecretKey secret;
  friend bool operator==(const MasterKeyVersion&, const MasterKeyVersion&) = default;
};

struct MasterKey {
  std::string id;                    // a UUID
  std::vector<std::string> aliases;  // each "alias/…"
  bool enabled = true;
  std::vector<MasterKeyVersion> versions;  // rising; at least one

  bool managed() const;
  friend bool operator==(const MasterKey&, const MasterKey&) = default;
};

/// A new key with one version and, unless it is empty, one alias.
MasterKey make_master_key(std::string_view alias, Timestamp now);
/// Adds a version, under which data keys are wrapped from now on.
void rotate(MasterKey& key, Timestamp now);
/// Whether `text` can name a key in commands: "alias/" and then 1 to 250 of [A-Za-z0-9/_-] (KMS API
/// Reference, CreateAlias).
bool is_key_alias(std::string_view text);

/// Immutable after construction.
class Keyring final : public KeyProvider {
 public:
  /// @param keys no two with the same id or alias; the managed key is among them.
  explicit Keyring(std::vector<MasterKey> keys) : keys_(std::move(keys)) {}
  /// With a new managed key alone.
  static Keyring fresh(Timestamp now);

  const std::vector<MasterKey>& keys() const { return keys_; }
  /// @param name as in KeyProvider::make_data_key(); the region and the account of an ARN do not
  /// matter. @return null if there is no such key.
  const MasterKey* find(std::string_view name) const;

  Expected<DataKey> make_data_key(std::string_view master_key) const override;
  Expected<SecretKey> unwrap(std::string_view wrapped) const override;
  std::uint64_t generation() const override { return 0; }

 private:
  std::vector<MasterKey> keys_;
};

/// The id of the master key that `wrapped` names, for texts; empty if it is no wrapped key.
std::string master_key_of(std::string_view wrapped);

}  // namespace millrace
