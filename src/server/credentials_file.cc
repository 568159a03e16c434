#include "server/credentials_file.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "auth/credentials.h"
#include "server/private_file.h"
#include "server/toml_table.h"

namespace millrace {

namespace {

constexpr std::string_view kWhat = "credentials file";

// --- reading -------------------------------------------------------------------------------------

StartResult<void> check_key(const KeyEntry& key, const TomlTable& table) {
  if (!is_access_key_id(key.id)) {
    return table.wrong("the id of a key must be 3 to 128 letters, digits, '-', '_' and '.'");
  }
  const auto given = [](const std::string& text) { return text.empty() ? 0 : 1; };
  if (given(key.secret) + given(key.secret_variable) + given(key.secret_file) != 1) {
    return table.wrong("the key " + key.id +
                       " must have one of secret, secret_variable and secret_file");
  }
  if (!key.secret.empty() && !is_secret_access_key(key.secret)) {
    return table.wrong("the secret of the key " + key.id +
                       " must be 16 to 128 visible characters without spaces");
  }
  return {};
}

StartResult<KeyEntry> read_key(const TomlTable& table) {
  static constexpr std::array<std::string_view, 7> kKnown = {
      "id", "secret", "secret_variable", "secret_file", "enabled", "session_token", "expires"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  static constexpr std::pair<std::string_view, std::string KeyEntry::*> kTexts[] = {
      {"id", &KeyEntry::id},
      {"secret", &KeyEntry::secret},
      {"secret_variable", &KeyEntry::secret_variable},
      {"secret_file", &KeyEntry::secret_file},
      {"session_token", &KeyEntry::session_token}};
  KeyEntry key;
  for (const auto& [name, member] : kTexts) {
    if (const auto read = table.read(name, key.*member); !read) return read.error();
  }
  if (const auto read = table.read("enabled", key.enabled); !read) return read.error();
  if (const auto read = table.read("expires", key.expires_at); !read) return read.error();
  if (const auto checked = check_key(key, table); !checked) return checked.error();
  return key;
}

StartResult<UserEntry> read_user(const TomlTable& table, std::unordered_set<std::string>& ids) {
  static constexpr std::array<std::string_view, 2> kKnown = {"name", "key"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  UserEntry user;
  if (const auto read = table.read("name", user.name); !read) return read.error();
  if (!is_user_name(user.name)) {
    return table.wrong("the name of a user must be 1 to 64 letters, digits and any of +=,.@_-");
  }
  const auto keys = table.for_each("key", [&](const TomlTable& one) -> StartResult<void> {
    StartResult<KeyEntry> key = read_key(one);
    if (!key) return key.error();
    if (!ids.insert(key->id).second) return one.wrong("the key " + key->id + " stands here twice");
    user.keys.push_back(std::move(*key));
    return {};
  });
  if (!keys) return keys.error();
  if (enabled_keys(user) > kEnabledKeysMax) {
    return table.wrong("the user " + user.name + " has more than " +
                       std::to_string(kEnabledKeysMax) + " enabled keys");
  }
  return user;
}

StartResult<AccountEntry> read_account(const TomlTable& table,
                                       std::unordered_set<std::string>& ids) {
  static constexpr std::array<std::string_view, 2> kKnown = {"id", "user"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  std::string digits;
  if (const auto read = table.read("id", digits); !read) return read.error();
  const std::optional<AccountId> id = AccountId::parse(digits);
  if (!id) return table.wrong("the id of an account must be twelve digits, in quotes");
  AccountEntry account{.id = *id, .users = {}};
  const auto users = table.for_each("user", [&](const TomlTable& one) -> StartResult<void> {
    StartResult<UserEntry> user = read_user(one, ids);
    if (!user) return user.error();
    if (std::ranges::find(account.users, user->name, &UserEntry::name) != account.users.end()) {
      return one.wrong("the user " + user->name + " stands here twice");
    }
    account.users.push_back(std::move(*user));
    return {};
  });
  if (!users) return users.error();
  return account;
}

// --- writing -------------------------------------------------------------------------------------

void append_key(std::string& out, const KeyEntry& key) {
  out += "\n[[account.user.key]]\n";
  append_toml(out, "id", key.id);
  append_toml(out, "secret", key.secret);
  append_toml(out, "secret_variable", key.secret_variable);
  append_toml(out, "secret_file", key.secret_file);
  if (!key.enabled) out += "enabled = false\n";
  append_toml(out, "session_token", key.session_token);
  if (key.expires_at) out += "expires = " + moment_text(*key.expires_at) + "\n";
}

}  // namespace

std::size_t enabled_keys(const UserEntry& user) {
  return static_cast<std::size_t>(std::ranges::count_if(
      user.keys, [](const KeyEntry& key) { return key.enabled && key.session_token.empty(); }));
}

StartResult<CredentialsFile> parse_credentials_file(std::string_view text,
                                                    const std::string& path) {
  const StartResult<toml::table> parsed = parse_toml(text, path);
  if (!parsed) return parsed.error();
  static constexpr std::array<std::string_view, 1> kKnown = {"account"};
  const TomlTable table(*parsed, path);
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  CredentialsFile file;
  std::unordered_set<std::string> ids;
  const auto accounts = table.for_each("account", [&](const TomlTable& one) -> StartResult<void> {
    StartResult<AccountEntry> account = read_account(one, ids);
    if (!account) return account.error();
    if (std::ranges::find(file.accounts, account->id, &AccountEntry::id) != file.accounts.end()) {
      return one.wrong("the account " + account->id.text() + " stands here twice");
    }
    file.accounts.push_back(std::move(*account));
    return {};
  });
  if (!accounts) return accounts.error();
  return file;
}

std::string credentials_file_text(const CredentialsFile& file) {
  std::string out =
      "# Accounts, users and access keys of Millrace; see docs/security.md. `millrace keys` "
      "writes\n"
      "# this file anew and keeps no other comments.\n";
  for (const AccountEntry& account : file.accounts) {
    out += "\n[[account]]\n";
    append_toml(out, "id", account.id.text());
    for (const UserEntry& user : account.users) {
      out += "\n[[account.user]]\n";
      append_toml(out, "name", user.name);
      for (const KeyEntry& key : user.keys) append_key(out, key);
    }
  }
  return out;
}

StartResult<CredentialsFile> read_credentials_file(const std::string& path) {
  const StartResult<std::string> text = read_private_file(path, kWhat);
  if (!text) return text.error();
  return parse_credentials_file(*text, path);
}

StartResult<void> edit_credentials_file(
    const std::string& path, const std::function<StartResult<void>(CredentialsFile&)>& edit) {
  return edit_private_file(path, kWhat,
                           [&](const std::optional<std::string>& text) -> StartResult<std::string> {
                             CredentialsFile content;
                             if (text) {
                               auto parsed = parse_credentials_file(*text, path);
                               if (!parsed) return parsed.error();
                               content = std::move(*parsed);
                             }
                             if (const auto edited = edit(content); !edited) return edited.error();
                             return text_result(credentials_file_text(content));
                           });
}

}  // namespace millrace
