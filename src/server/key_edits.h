// Changes of a credentials file that `millrace keys` and the management console have in common.
// Pure but for the randomness of a new key; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "server/credentials_file.h"

namespace millrace {

/// An enabled key whose id and secret nobody can guess.
KeyEntry new_key();

/// Where a key stands in the file.
struct KeyPlace {
  AccountEntry* account;
  UserEntry* user;
  std::size_t index;
  KeyEntry& key() const { return user->keys[index]; }
};

/// @return nothing if there is no key `id`.
std::optional<KeyPlace> find_key(CredentialsFile& file, const std::string& id);

/// The entry of that account, which is made if need be.
AccountEntry& account_of(CredentialsFile& file, const AccountId& id);

/// The user of that name, who is made, with leave to do nothing, if need be.
UserEntry& user_of(AccountEntry& account, const std::string& name);

/// Enables or disables a key. @return false, and nothing is changed, where its user would have too
/// many enabled ones.
bool set_enabled(const KeyPlace& place, bool enabled);

/// Takes a key out of the file.
void remove_key(const KeyPlace& place);

}  // namespace millrace
