#include "server/credentials_file.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "auth/credentials.h"
#include "auth/managed_policies.h"
#include "server/private_file.h"
#include "server/toml_table.h"

namespace millrace {

namespace {

constexpr std::string_view kWhat = "the credentials file";

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

std::string wrong_name(std::string_view kind) {
  return std::string("the name of a ")
      .append(kind)
      .append(" must be 1 to 128 letters, digits and any of +=,.@_-");
}

/// Adds `entry` to `entries`. @return a StartError when there is one of its name already.
template <class Entry>
StartResult<void> add_once(Entry entry, std::string_view kind, const TomlTable& table,
                           std::vector<Entry>& entries) {
  if (std::ranges::find(entries, entry.name, &Entry::name) != entries.end()) {
    return table.wrong(std::string("the ")
                           .append(kind)
                           .append(" ")
                           .append(entry.name)
                           .append(" stands here twice"));
  }
  entries.push_back(std::move(entry));
  return {};
}

StartResult<PolicyEntry> read_policy_entry(const TomlTable& table) {
  static constexpr std::array<std::string_view, 3> kKnown = {"name", "document", "policy_file"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  static constexpr std::pair<std::string_view, std::string PolicyEntry::*> kTexts[] = {
      {"name", &PolicyEntry::name},
      {"document", &PolicyEntry::document},
      {"policy_file", &PolicyEntry::policy_file}};
  PolicyEntry policy;
  for (const auto& [name, member] : kTexts) {
    if (const auto read = table.read(name, policy.*member); !read) return read.error();
  }
  if (!is_policy_name(policy.name)) return table.wrong(wrong_name("policy"));
  if (policy.document.empty() == policy.policy_file.empty()) {
    return table.wrong("the policy " + policy.name + " must have one of document and policy_file");
  }
  return policy;
}

/// Reads the policies of an account or a user.
StartResult<std::vector<PolicyEntry>> read_policies(const TomlTable& owner) {
  std::vector<PolicyEntry> policies;
  const auto read = owner.for_each("policy", [&](const TomlTable& one) -> StartResult<void> {
    StartResult<PolicyEntry> policy = read_policy_entry(one);
    if (!policy) return policy.error();
    return add_once(std::move(*policy), "policy", one, policies);
  });
  if (!read) return read.error();
  return policies;
}

/// @return a StartError for a name that is no policy of `account`.
StartResult<void> check_policy_names(const std::vector<std::string>& names,
                                     const AccountEntry& account, const TomlTable& table) {
  for (const std::string& name : names) {
    if (!has_policy(account, name)) {
      return table.wrong("there is no policy " + name + " in the account " + account.id.text());
    }
  }
  return {};
}

StartResult<GroupEntry> read_group(const TomlTable& table, const AccountEntry& account) {
  static constexpr std::array<std::string_view, 2> kKnown = {"name", "policies"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  GroupEntry group;
  if (const auto read = table.read("name", group.name); !read) return read.error();
  if (!is_policy_name(group.name)) return table.wrong(wrong_name("group"));
  if (const auto read = table.read("policies", group.policies); !read) return read.error();
  const auto named = check_policy_names(group.policies, account, table);
  if (!named) return named.error();
  return group;
}

/// Reads what a user may do.
StartResult<void> read_permissions(const TomlTable& table, const AccountEntry& account,
                                   UserEntry& user) {
  if (const auto read = table.read("policies", user.policies); !read) return read.error();
  if (const auto read = table.read("groups", user.groups); !read) return read.error();
  StartResult<std::vector<PolicyEntry>> policies = read_policies(table);
  if (!policies) return policies.error();
  user.inline_policies = std::move(*policies);
  const bool any = !user.policies.empty() || !user.groups.empty() || !user.inline_policies.empty();
  if (user.name == kRootUser && any) {
    return table.wrong("root may do everything in its account, so it has no policies or groups");
  }
  for (const std::string& group : user.groups) {
    if (std::ranges::find(account.groups, group, &GroupEntry::name) == account.groups.end()) {
      return table.wrong("there is no group " + group + " in the account " + account.id.text());
    }
  }
  return check_policy_names(user.policies, account, table);
}

/// @param account whose it is, its policies and groups read.
StartResult<UserEntry> read_user(const TomlTable& table, const AccountEntry& account,
                                 std::unordered_set<std::string>& ids) {
  static constexpr std::array<std::string_view, 5> kKnown = {"name", "policies", "groups", "policy",
                                                             "key"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  UserEntry user;
  if (const auto read = table.read("name", user.name); !read) return read.error();
  if (!is_user_name(user.name)) {
    return table.wrong("the name of a user must be 1 to 64 letters, digits and any of +=,.@_-");
  }
  if (const auto read = read_permissions(table, account, user); !read) return read.error();
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

/// Reads the policies that the users and groups of an account may name.
StartResult<void> read_account_policies(const TomlTable& table, AccountEntry& account) {
  StartResult<std::vector<PolicyEntry>> policies = read_policies(table);
  if (!policies) return policies.error();
  for (const PolicyEntry& policy : *policies) {
    if (find_managed_policy(policy.name) != nullptr) {
      return table.wrong("the policy " + policy.name + " is AWS's own; choose another name");
    }
  }
  account.policies = std::move(*policies);
  return {};
}

StartResult<AccountEntry> read_account(const TomlTable& table,
                                       std::unordered_set<std::string>& ids) {
  static constexpr std::array<std::string_view, 4> kKnown = {"id", "policy", "group", "user"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  std::string digits;
  if (const auto read = table.read("id", digits); !read) return read.error();
  const std::optional<AccountId> id = AccountId::parse(digits);
  if (!id) return table.wrong("the id of an account must be twelve digits, in quotes");
  AccountEntry account{.id = *id, .policies = {}, .groups = {}, .users = {}};
  if (const auto read = read_account_policies(table, account); !read) return read.error();
  const auto groups = table.for_each("group", [&](const TomlTable& one) -> StartResult<void> {
    StartResult<GroupEntry> group = read_group(one, account);
    if (!group) return group.error();
    return add_once(std::move(*group), "group", one, account.groups);
  });
  if (!groups) return groups.error();
  const auto users = table.for_each("user", [&](const TomlTable& one) -> StartResult<void> {
    StartResult<UserEntry> user = read_user(one, account, ids);
    if (!user) return user.error();
    return add_once(std::move(*user), "user", one, account.users);
  });
  if (!users) return users.error();
  return account;
}

// --- writing -------------------------------------------------------------------------------------

/// `text` as a TOML string of the same lines, if it is ASCII and TOML has a way to write it so.
std::string toml_lines(std::string_view text) {
  const auto plain = [](char c) { return c == '\n' || c == '\t' || (c >= ' ' && c != '\x7f'); };
  if (!std::ranges::all_of(text, plain) || text.ends_with('\'') ||
      text.find("'''") != std::string_view::npos) {
    return toml_string(text);
  }
  return std::string("'''\n").append(text).append("'''");
}

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

void append_list(std::string& out, std::string_view key, const std::vector<std::string>& values) {
  if (values.empty()) return;
  std::string_view before = " = [";
  out += key;
  for (const std::string& value : values) {
    out.append(before).append(toml_string(value));
    before = ", ";
  }
  out += "]\n";
}

/// @param owner what the policy is of: "account" or "account.user".
void append_policy(std::string& out, std::string_view owner, const PolicyEntry& policy) {
  out.append("\n[[").append(owner).append(".policy]]\n");
  append_toml(out, "name", policy.name);
  append_toml(out, "policy_file", policy.policy_file);
  if (!policy.document.empty()) out += "document = " + toml_lines(policy.document) + "\n";
}

void append_user(std::string& out, const UserEntry& user) {
  out += "\n[[account.user]]\n";
  append_toml(out, "name", user.name);
  append_list(out, "policies", user.policies);
  append_list(out, "groups", user.groups);
  for (const PolicyEntry& policy : user.inline_policies) append_policy(out, "account.user", policy);
  for (const KeyEntry& key : user.keys) append_key(out, key);
}

}  // namespace

bool has_policy(const AccountEntry& account, std::string_view name) {
  return find_managed_policy(name) != nullptr ||
         std::ranges::find(account.policies, name, &PolicyEntry::name) != account.policies.end();
}

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
    for (const PolicyEntry& policy : account.policies) append_policy(out, "account", policy);
    for (const GroupEntry& group : account.groups) {
      out += "\n[[account.group]]\n";
      append_toml(out, "name", group.name);
      append_list(out, "policies", group.policies);
    }
    for (const UserEntry& user : account.users) append_user(out, user);
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
