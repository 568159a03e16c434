// The credentials file: accounts, their policies, groups and users, and the users' access keys, in
// TOML.
//
//   [[account]]
//   id = "111122223333"
//
//   [[account.policy]]            # for the users and groups that name it
//   name = "own-queues"
//   document = '''{"Version": ...}'''   # or policy_file
//
//   [[account.group]]
//   name = "team"
//   policies = ["own-queues"]
//
//   [[account.user]]
//   name = "ada"                  # "root" is the account itself
//   policies = ["AmazonSQSReadOnlyAccess"]
//   groups = ["team"]
//
//   [[account.user.policy]]       # for this user alone; as above
//
//   [[account.user.key]]
//   id = "AKIA..."
//   secret = "..."                # or secret_variable, or secret_file
//   enabled = false               # without it: true
//   session_token = "..."         # of a temporary key
//   expires = 2027-01-01T00:00:00Z
//
// Values and functions; used on one thread at a time. docs/security.md is the manual for users.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/names.h"
#include "server/start_error.h"

namespace millrace {

/// A user may have this many enabled keys that need no session token: one, and its successor.
inline constexpr std::size_t kEnabledKeysMax = 2;

/// An access key as it stands in the file. Exactly one of the three that tell its secret is set.
struct KeyEntry {
  std::string id;
  std::string secret;
  std::string secret_variable;  // the environment variable that holds it
  std::string secret_file;      // the file that holds it, on one line
  bool enabled = true;
  std::string session_token;            // empty: none is needed
  std::optional<Timestamp> expires_at;  // to the second
  friend bool operator==(const KeyEntry&, const KeyEntry&) = default;
};

/// A policy as it stands in the file. Exactly one of the two that tell its document is set.
struct PolicyEntry {
  std::string name;
  std::string document;     // JSON
  std::string policy_file;  // the file that holds it
  friend bool operator==(const PolicyEntry&, const PolicyEntry&) = default;
};

struct GroupEntry {
  std::string name;
  std::vector<std::string> policies;  // names, as of a user
  friend bool operator==(const GroupEntry&, const GroupEntry&) = default;
};

struct UserEntry {
  std::string name;
  std::vector<std::string> policies;         // names: of the account's, or managed ones
  std::vector<std::string> groups;           // names
  std::vector<PolicyEntry> inline_policies;  // nobody else's
  std::vector<KeyEntry> keys;                // in the order in which they were made
  friend bool operator==(const UserEntry&, const UserEntry&) = default;
};

struct AccountEntry {
  AccountId id;
  std::vector<PolicyEntry> policies;
  std::vector<GroupEntry> groups;
  std::vector<UserEntry> users;
  friend bool operator==(const AccountEntry&, const AccountEntry&) = default;
};

/// The whole file, in its order.
struct CredentialsFile {
  std::vector<AccountEntry> accounts;
  friend bool operator==(const CredentialsFile&, const CredentialsFile&) = default;
};

/// How many enabled keys of `user` need no session token.
std::size_t enabled_keys(const UserEntry& user);

/// Whether users of `account` may name the policy `name`: it is the account's, or a managed one.
bool has_policy(const AccountEntry& account, std::string_view name);

/// Reads `text`, the content of the file `path`; the documents of its policies are not looked at.
/// @return a StartError that names the line of what is wrong: an unknown key, a missing or
/// malformed value, two of one name or id, a policy or group that is not there, too many enabled
/// keys.
StartResult<CredentialsFile> parse_credentials_file(std::string_view text, const std::string& path);

/// `file` as text, with every secret as it stands in `file`.
std::string credentials_file_text(const CredentialsFile& file);

/// Reads the file `path`. @return also a StartError for a file that is no regular file, or one that
/// its group or others may read.
StartResult<CredentialsFile> read_credentials_file(const std::string& path);

/// Changes the file `path`, which is made if it is missing: reads it, edits it and puts the new
/// file in the place of the old one, whole or not at all, readable for its owner only. Those who
/// edit at the same time wait for each other. @return the error of `edit`, of reading or of
/// writing; the file is then as it was.
StartResult<void> edit_credentials_file(
    const std::string& path, const std::function<StartResult<void>(CredentialsFile&)>& edit);

}  // namespace millrace
