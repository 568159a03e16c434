#include "server/key_edits.h"

#include <algorithm>
#include <string_view>

#include "base/encoding.h"
#include "server/random_bytes.h"

namespace millrace {

namespace {

constexpr std::size_t kSecretBytes = 30;   // 40 characters of Base64
constexpr std::size_t kIdCharacters = 16;  // behind "AKIA", as AWS has it

}  // namespace

KeyEntry new_key() {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  KeyEntry key;
  key.id = "AKIA";
  for (const std::uint8_t byte : random_bytes<kIdCharacters>()) {
    key.id += kDigits[byte % kDigits.size()];
  }
  const auto secret = random_bytes<kSecretBytes>();
  key.secret = to_base64({reinterpret_cast<const char*>(secret.data()), secret.size()});
  return key;
}

std::optional<KeyPlace> find_key(CredentialsFile& file, const std::string& id) {
  for (AccountEntry& account : file.accounts) {
    for (UserEntry& user : account.users) {
      const auto found = std::ranges::find(user.keys, id, &KeyEntry::id);
      if (found != user.keys.end()) {
        return KeyPlace{&account, &user, static_cast<std::size_t>(found - user.keys.begin())};
      }
    }
  }
  return std::nullopt;
}

AccountEntry& account_of(CredentialsFile& file, const AccountId& id) {
  auto account = std::ranges::find(file.accounts, id, &AccountEntry::id);
  if (account == file.accounts.end()) {
    account = file.accounts.insert(
        account, AccountEntry{.id = id, .policies = {}, .groups = {}, .users = {}});
  }
  return *account;
}

UserEntry& user_of(AccountEntry& account, const std::string& name) {
  auto user = std::ranges::find(account.users, name, &UserEntry::name);
  if (user == account.users.end()) {
    user = account.users.insert(
        user,
        UserEntry{.name = name, .policies = {}, .groups = {}, .inline_policies = {}, .keys = {}});
  }
  return *user;
}

bool set_enabled(const KeyPlace& place, bool enabled) {
  KeyEntry& key = place.key();
  const bool counts = enabled && !key.enabled && key.session_token.empty();
  if (counts && enabled_keys(*place.user) >= kEnabledKeysMax) return false;
  key.enabled = enabled;
  return true;
}

void remove_key(const KeyPlace& place) {
  place.user->keys.erase(place.user->keys.begin() + static_cast<std::ptrdiff_t>(place.index));
}

}  // namespace millrace
