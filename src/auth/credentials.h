// Who may sign requests: access keys, and the users and accounts that they belong to.
//
// Credentials is an immutable set that is replaced whole: whoever works with one holds a pointer to
// it, and goes on with it when the server takes another. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/policy.h"
#include "base/clock.h"
#include "model/names.h"

namespace millrace {

/// The name of the user who is the account itself.
inline constexpr std::string_view kRootUser = "root";

/// Who sent a request.
struct Caller {
  AccountId account;       // of an anonymous caller: the server's own
  std::string user;        // kRootUser or a user's name; empty: not known
  std::string arn;         // "arn:aws:iam::<account>:root" or ":user/<name>"; empty: not known
  std::string sender_id;   // the principal's id, which messages carry as their SenderId
  std::string access_key;  // id of the access key that the request names; empty: anonymous
  /// What a user may do: the policies of its own and of its groups. Root needs none.
  std::vector<PolicyPointer> policies = {};

  bool anonymous() const { return access_key.empty(); }
};

using CallerPointer = std::shared_ptr<const Caller>;

/// The caller whom an access key of `user` stands for.
///
/// The principal's id of root is the account; that of another user is made from account and name,
/// in the form of AWS's ("AIDA" and 17 letters or digits), so it is the same after every start.
Caller caller_of_user(const AccountId& account, std::string_view user, std::string access_key,
                      std::vector<PolicyPointer> policies = {});

/// An access key with all that there is to know of it.
struct AccessKey {
  std::string id;
  std::string secret;
  std::string session_token;            // empty: the key needs none
  std::optional<Timestamp> expires_at;  // from then on it is refused
  bool enabled = true;
  Caller caller;
};

class Credentials {
 public:
  /// @param keys no two with the same id.
  explicit Credentials(std::vector<AccessKey> keys);

  /// @return the key, enabled or not, or null. It lives as long as these Credentials.
  const AccessKey* find(std::string_view id) const;

  /// All keys, the disabled ones included, sorted by id. They live as long as these Credentials.
  std::span<const AccessKey> all() const { return keys_; }

  /// How many keys there are, the disabled ones included.
  std::size_t size() const { return keys_.size(); }

 private:
  std::vector<AccessKey> keys_;  // sorted by id
};

using CredentialsPointer = std::shared_ptr<const Credentials>;

/// Whether `text` can be the id of an access key: 3 to 128 letters, digits, '-', '_' and '.'.
bool is_access_key_id(std::string_view text);
/// Whether `text` can be a secret: 16 to 128 visible ASCII characters.
bool is_secret_access_key(std::string_view text);
/// Whether `text` can be the name of a user: 1 to 64 of [A-Za-z0-9+=,.@_-], as in IAM.
bool is_user_name(std::string_view text);
/// Whether `text` can be the name of a policy or of a group: 1 to 128 of the same characters.
bool is_policy_name(std::string_view text);

}  // namespace millrace
