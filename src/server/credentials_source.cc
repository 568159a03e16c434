#include "server/credentials_source.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "auth/managed_policies.h"
#include "server/credentials_file.h"

namespace millrace {

namespace {

constexpr std::size_t kSecretFileMax = 1'024;   // bytes
constexpr std::size_t kPolicyFileMax = 65'536;  // bytes

StartResult<std::string> checked_secret(std::string secret, const std::string& source) {
  if (is_secret_access_key(secret)) return text_result(std::move(secret));
  return StartError(source + " must hold a secret of 16 to 128 visible characters without spaces");
}

/// The first `bytes` bytes of a file, or all of it. @param what the file holds, for errors.
StartResult<std::string> beginning_of_file(const std::string& path, std::size_t bytes,
                                           std::string_view what) {
  const std::string failure = std::string("cannot read the ").append(what).append(" in ") + path;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return StartError(failure + ": " + (error ? error.message() : "it is not a regular file"));
  }
  std::ifstream file(path);
  std::string text(bytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.empty() && !file.eof()) return StartError(failure);
  return text_result(std::move(text));
}

/// The first line of a file. Its permissions are left to whoever made it: container platforms hand
/// secrets to a process in files of their own.
StartResult<std::string> secret_of_file(const std::string& path) {
  StartResult<std::string> text = beginning_of_file(path, kSecretFileMax, "secret");
  if (!text) return text;
  text->resize(std::min(text->find_first_of("\r\n"), text->size()));
  return checked_secret(std::move(*text), path);
}

StartResult<std::string> secret_of(const KeyEntry& key, const Environment& environment) {
  if (!key.secret_file.empty()) return secret_of_file(key.secret_file);
  if (key.secret_variable.empty()) return text_result(key.secret);
  const char* value = environment(key.secret_variable.c_str());
  if (value == nullptr) {
    return StartError("the secret of the key " + key.id + " is to be in the environment variable " +
                      key.secret_variable + ", which is not set");
  }
  return checked_secret(value, key.secret_variable);
}

StartResult<std::string> document_of(const PolicyEntry& policy) {
  if (policy.policy_file.empty()) return text_result(policy.document);
  StartResult<std::string> text =
      beginning_of_file(policy.policy_file, kPolicyFileMax + 1, "policy");
  if (text && text->size() > kPolicyFileMax) {
    return StartError(policy.policy_file + " is longer than 64 KiB");
  }
  return text;
}

/// @param owner of the policy, for errors: "the user ada".
StartResult<PolicyPointer> compile(const PolicyEntry& policy, const std::string& owner) {
  const StartResult<std::string> document = document_of(policy);
  const std::string wrong = "the policy " + policy.name + " of " + owner + ": ";
  if (!document) return StartError(wrong + document.error().message());
  Expected<Policy> compiled = Policy::of_identity(*document);
  if (!compiled) return StartError(wrong + compiled.error().message());
  return PolicyPointer(std::make_shared<const Policy>(std::move(*compiled)));
}

/// What the users of an account may do.
class AccountPolicies {
 public:
  /// @param account outlives this. @return a StartError for a policy that is none.
  static StartResult<AccountPolicies> of(const AccountEntry& account) {
    AccountPolicies policies(account);
    for (const PolicyEntry& policy : account.policies) {
      const auto compiled = compile(policy, "the account " + account.id.text());
      if (!compiled) return compiled.error();
      policies.compiled_[policy.name] = *compiled;
    }
    return policies;
  }

  /// All policies of `user`: its own, those of its groups, and those that are in nobody else's
  /// hand.
  StartResult<std::vector<PolicyPointer>> of(const UserEntry& user) const {
    std::vector<PolicyPointer> policies;
    add(user.policies, policies);
    for (const std::string& group : user.groups) {
      add(std::ranges::find(account_.groups, group, &GroupEntry::name)->policies, policies);
    }
    for (const PolicyEntry& policy : user.inline_policies) {
      const auto compiled = compile(policy, "the user " + user.name);
      if (!compiled) return compiled.error();
      policies.push_back(*compiled);
    }
    return policies;
  }

 private:
  explicit AccountPolicies(const AccountEntry& account) : account_(account) {}

  void add(const std::vector<std::string>& names, std::vector<PolicyPointer>& policies) const {
    for (const std::string& name : names) {
      const auto own = compiled_.find(name);
      PolicyPointer policy = own != compiled_.end() ? own->second : find_managed_policy(name);
      if (std::ranges::find(policies, policy) == policies.end()) {
        policies.push_back(std::move(policy));
      }
    }
  }

  const AccountEntry& account_;
  std::map<std::string, PolicyPointer> compiled_;  // by name
};

}  // namespace

CredentialsSource::CredentialsSource(const ServeOptions& options, Environment environment)
    : account_(AccountId::parse(options.account).value()),
      root_id_(options.root_access_key_id),
      root_secret_(options.root_secret_access_key),
      root_secret_file_(options.root_secret_access_key_file),
      path_(options.credentials),
      environment_(std::move(environment)) {}

StartResult<CredentialsPointer> CredentialsSource::load() const {
  CredentialsFile file;
  if (!path_.empty()) {
    StartResult<CredentialsFile> read = read_credentials_file(path_);
    if (!read) return read.error();
    file = std::move(*read);
  }
  const auto in_file = [this](const StartError& error) {
    return StartError(path_ + ": " + error.message());
  };
  std::vector<AccessKey> keys;
  const auto add = [&](const KeyEntry& entry, Caller caller) -> StartResult<void> {
    // A disabled key's secret is not needed, so that what holds it may be gone.
    StartResult<std::string> secret =
        entry.enabled ? secret_of(entry, environment_) : text_result({});
    if (!secret) return secret.error();
    keys.push_back({.id = entry.id,
                    .secret = std::move(*secret),
                    .session_token = entry.session_token,
                    .expires_at = entry.expires_at,
                    .enabled = entry.enabled,
                    .caller = std::move(caller)});
    return {};
  };
  for (const AccountEntry& account : file.accounts) {
    const StartResult<AccountPolicies> account_policies = AccountPolicies::of(account);
    if (!account_policies) return in_file(account_policies.error());
    for (const UserEntry& user : account.users) {
      const StartResult<std::vector<PolicyPointer>> policies = account_policies->of(user);
      if (!policies) return in_file(policies.error());
      for (const KeyEntry& key : user.keys) {
        const auto added = add(key, caller_of_user(account.id, user.name, key.id, *policies));
        if (!added) return added.error();
      }
    }
  }
  if (!root_id_.empty()) {
    if (!is_access_key_id(root_id_)) {
      return StartError(
          "the root access key's id must be 3 to 128 letters, digits, '-', '_' and '.'");
    }
    if (std::ranges::find(keys, root_id_, &AccessKey::id) != keys.end()) {
      return StartError("the root access key " + root_id_ + " stands in " + path_ + " too");
    }
    StartResult<std::string> secret =
        root_secret_file_.empty() ? checked_secret(root_secret_, "MILLRACE_ROOT_SECRET_ACCESS_KEY")
                                  : secret_of_file(root_secret_file_);
    if (!secret) return secret.error();
    keys.push_back({.id = root_id_,
                    .secret = std::move(*secret),
                    .session_token = {},
                    .expires_at = {},
                    .caller = caller_of_user(account_, kRootUser, root_id_)});
  }
  return CredentialsPointer(std::make_shared<const Credentials>(std::move(keys)));
}

}  // namespace millrace
