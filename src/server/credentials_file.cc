#include "server/credentials_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <span>
#include <unordered_set>
#include <utility>

#include "auth/credentials.h"
#include "auth/managed_policies.h"
#include "server/private_file.h"

namespace millrace {

namespace {

constexpr mode_t kOwnerOnly = 0600;

// --- reading -------------------------------------------------------------------------------------

/// A table of the file, and how to speak of what stands in it.
class Table {
 public:
  Table(const toml::table& table, const std::string& path) : table_(table), path_(path) {}

  StartError wrong(const toml::node& node, const std::string& what) const {
    return StartError(path_ + ":" + std::to_string(node.source().begin.line) + ": " + what);
  }
  StartError wrong(const std::string& what) const { return wrong(table_, what); }

  /// @return a StartError for a key that is none of `known`.
  StartResult<void> check_keys(std::span<const std::string_view> known) const {
    for (const auto& [key, value] : table_) {
      if (std::ranges::find(known, key.str()) != known.end()) continue;
      std::string text = std::string(key.str()) + ": there is no such key here; known are:";
      for (const std::string_view one : known) text.append(" ").append(one);
      return wrong(value, text);
    }
    return {};
  }

  /// Reads the string `key`, if it is there.
  StartResult<void> read(std::string_view key, std::string& into) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    if (!node->is_string()) return wrong(*node, std::string(key) + " must be a string, in quotes");
    into = node->as_string()->get();
    if (into.empty()) return wrong(*node, std::string(key) + " must not be empty");
    return {};
  }

  StartResult<void> read(std::string_view key, std::vector<std::string>& into) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    const auto is_text = [](const toml::node& one) { return one.is_string(); };
    if (array == nullptr || !std::all_of(array->begin(), array->end(), is_text)) {
      return wrong(*node, std::string(key) + " must be a list of strings, in [ ]");
    }
    for (const toml::node& one : *array) into.push_back(one.as_string()->get());
    return {};
  }

  StartResult<void> read(std::string_view key, bool& into) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    if (!node->is_boolean()) {
      return wrong(*node, std::string(key) + " must be true or false, without quotes");
    }
    into = node->as_boolean()->get();
    return {};
  }

  StartResult<void> read(std::string_view key, std::optional<Timestamp>& into) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const auto* moment = node->as_date_time();
    if (moment == nullptr || !moment->get().offset) {
      return wrong(*node, std::string(key) + " must be a moment, like 2027-01-01T00:00:00Z");
    }
    const toml::date date = moment->get().date;
    const toml::time time = moment->get().time;
    const std::chrono::sys_days day(std::chrono::year(date.year) / date.month / date.day);
    const std::int64_t minutes =
        (std::int64_t{day.time_since_epoch().count()} * 24 + time.hour) * 60 + time.minute -
        moment->get().offset->minutes;
    into = Timestamp{seconds(minutes * 60 + time.second)};
    return {};
  }

  /// Calls `each` with every table of the list `key`.
  template <class Each>
  StartResult<void> for_each(std::string_view key, Each each) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
      return wrong(*node, std::string(key) + " must be tables, written in [[ ]], one each");
    }
    for (const toml::node& element : *array) {
      if (const StartResult<void> read = each(Table(*element.as_table(), path_)); !read) {
        return read.error();
      }
    }
    return {};
  }

 private:
  const toml::table& table_;
  const std::string& path_;
};

StartResult<void> check_key(const KeyEntry& key, const Table& table) {
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

StartResult<KeyEntry> read_key(const Table& table) {
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
StartResult<void> add_once(Entry entry, std::string_view kind, const Table& table,
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

StartResult<PolicyEntry> read_policy_entry(const Table& table) {
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
StartResult<std::vector<PolicyEntry>> read_policies(const Table& owner) {
  std::vector<PolicyEntry> policies;
  const auto read = owner.for_each("policy", [&](const Table& one) -> StartResult<void> {
    StartResult<PolicyEntry> policy = read_policy_entry(one);
    if (!policy) return policy.error();
    return add_once(std::move(*policy), "policy", one, policies);
  });
  if (!read) return read.error();
  return policies;
}

/// @return a StartError for a name that is no policy of `account`.
StartResult<void> check_policy_names(const std::vector<std::string>& names,
                                     const AccountEntry& account, const Table& table) {
  for (const std::string& name : names) {
    if (!has_policy(account, name)) {
      return table.wrong("there is no policy " + name + " in the account " + account.id.text());
    }
  }
  return {};
}

StartResult<GroupEntry> read_group(const Table& table, const AccountEntry& account) {
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
StartResult<void> read_permissions(const Table& table, const AccountEntry& account,
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
StartResult<UserEntry> read_user(const Table& table, const AccountEntry& account,
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
  const auto keys = table.for_each("key", [&](const Table& one) -> StartResult<void> {
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
StartResult<void> read_account_policies(const Table& table, AccountEntry& account) {
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

StartResult<AccountEntry> read_account(const Table& table, std::unordered_set<std::string>& ids) {
  static constexpr std::array<std::string_view, 4> kKnown = {"id", "policy", "group", "user"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  std::string digits;
  if (const auto read = table.read("id", digits); !read) return read.error();
  const std::optional<AccountId> id = AccountId::parse(digits);
  if (!id) return table.wrong("the id of an account must be twelve digits, in quotes");
  AccountEntry account{.id = *id, .policies = {}, .groups = {}, .users = {}};
  if (const auto read = read_account_policies(table, account); !read) return read.error();
  const auto groups = table.for_each("group", [&](const Table& one) -> StartResult<void> {
    StartResult<GroupEntry> group = read_group(one, account);
    if (!group) return group.error();
    return add_once(std::move(*group), "group", one, account.groups);
  });
  if (!groups) return groups.error();
  const auto users = table.for_each("user", [&](const Table& one) -> StartResult<void> {
    StartResult<UserEntry> user = read_user(one, account, ids);
    if (!user) return user.error();
    return add_once(std::move(*user), "user", one, account.users);
  });
  if (!users) return users.error();
  return account;
}

// --- files ---------------------------------------------------------------------------------------

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(descriptor, text.data(), text.size());
    if (size < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

/// Whose the file at `path` is, if there is one.
struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};
std::optional<Owner> owner_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Owner{status.st_uid, status.st_gid};
}

/// Writes a file beside `path`, syncs it and renames it to `path`; its owner stays who it was,
/// since that is who the server runs as. @param folder of both, open.
StartResult<void> replace_file(const OpenFile& folder, const std::string& path,
                               std::string_view text) {
  const std::optional<Owner> owner = owner_of(path);
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());  // of an edit that was cut short
  const OpenFile file(fresh, O_WRONLY | O_CREAT | O_EXCL, kOwnerOnly);
  if (!file) return file_error("cannot write", fresh);
  const bool written = ::fchmod(file.get(), kOwnerOnly) == 0 &&
                       (!owner || ::fchown(file.get(), owner->user, owner->group) == 0) &&
                       write_all(file.get(), text) && ::fsync(file.get()) == 0 &&
                       ::rename(fresh.c_str(), path.c_str()) == 0;
  if (!written) {
    StartError error = file_error("cannot write", path);
    ::unlink(fresh.c_str());
    return error;
  }
  if (::fsync(folder.get()) != 0) return file_error("cannot write", path);
  return {};
}

// --- writing -------------------------------------------------------------------------------------

/// `text` as a TOML string. Ids, names and secrets have visible characters only; a path or a token
/// may have others.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (byte < ' ' || byte == 0x7f) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\u%04x", unsigned{byte});
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// `text` as a TOML string of the same lines, if it is ASCII and TOML has a way to write it so.
std::string toml_lines(std::string_view text) {
  const auto plain = [](char c) { return c == '\n' || c == '\t' || (c >= ' ' && c != '\x7f'); };
  if (!std::ranges::all_of(text, plain) || text.ends_with('\'') ||
      text.find("'''") != std::string_view::npos) {
    return toml_string(text);
  }
  return std::string("'''\n").append(text).append("'''");
}

void append_string(std::string& out, std::string_view key, const std::string& value) {
  if (!value.empty()) out.append(key).append(" = ").append(toml_string(value)).append("\n");
}

/// "2027-01-01T00:00:00Z"
std::string moment_text(Timestamp moment) {
  const std::chrono::sys_seconds second(std::chrono::seconds(moment.milliseconds / 1000));
  const auto midnight = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss time(second - midnight);
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return text.data();
}

void append_key(std::string& out, const KeyEntry& key) {
  out += "\n[[account.user.key]]\n";
  append_string(out, "id", key.id);
  append_string(out, "secret", key.secret);
  append_string(out, "secret_variable", key.secret_variable);
  append_string(out, "secret_file", key.secret_file);
  if (!key.enabled) out += "enabled = false\n";
  append_string(out, "session_token", key.session_token);
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
  append_string(out, "name", policy.name);
  append_string(out, "policy_file", policy.policy_file);
  if (!policy.document.empty()) out += "document = " + toml_lines(policy.document) + "\n";
}

void append_user(std::string& out, const UserEntry& user) {
  out += "\n[[account.user]]\n";
  append_string(out, "name", user.name);
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
  toml::table parsed;
  try {
    parsed = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return StartError(path + ":" + std::to_string(error.source().begin.line) + ": " +
                      std::string(error.description()));
  }
  static constexpr std::array<std::string_view, 1> kKnown = {"account"};
  const Table table(parsed, path);
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  CredentialsFile file;
  std::unordered_set<std::string> ids;
  const auto accounts = table.for_each("account", [&](const Table& one) -> StartResult<void> {
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
    append_string(out, "id", account.id.text());
    for (const PolicyEntry& policy : account.policies) append_policy(out, "account", policy);
    for (const GroupEntry& group : account.groups) {
      out += "\n[[account.group]]\n";
      append_string(out, "name", group.name);
      append_list(out, "policies", group.policies);
    }
    for (const UserEntry& user : account.users) append_user(out, user);
  }
  return out;
}

StartResult<CredentialsFile> read_credentials_file(const std::string& path) {
  const StartResult<std::string> text = read_private_file(path, "the credentials file");
  if (!text) return text.error();
  return parse_credentials_file(*text, path);
}

StartResult<void> edit_credentials_file(
    const std::string& path, const std::function<StartResult<void>(CredentialsFile&)>& edit) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder_path = parent.empty() ? "." : parent.string();
  const OpenFile folder(folder_path, O_RDONLY | O_DIRECTORY);
  if (!folder) return file_error("cannot open the folder", folder_path);
  // The file itself is replaced, so the lock is on its folder. It ends with the descriptor.
  if (::flock(folder.get(), LOCK_EX) != 0) return file_error("cannot lock the folder", folder_path);

  CredentialsFile content;
  if (struct stat status{}; ::stat(path.c_str(), &status) == 0 || errno != ENOENT) {
    StartResult<CredentialsFile> read = read_credentials_file(path);
    if (!read) return read.error();
    content = std::move(*read);
  }
  if (const StartResult<void> edited = edit(content); !edited) return edited.error();
  return replace_file(folder, path, credentials_file_text(content));
}

}  // namespace millrace
