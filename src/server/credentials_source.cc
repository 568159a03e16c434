#include "server/credentials_source.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "server/credentials_file.h"

namespace millrace {

namespace {

constexpr std::size_t kSecretFileMax = 1'024;  // bytes

StartResult<std::string> checked_secret(std::string secret, const std::string& source) {
  if (is_secret_access_key(secret)) return text_result(std::move(secret));
  return StartError(source + " must hold a secret of 16 to 128 visible characters without spaces");
}

/// The first line of a file. Its permissions are left to whoever made it: container platforms hand
/// secrets to a process in files of their own.
StartResult<std::string> secret_of_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return StartError("cannot read the secret in " + path + ": " +
                      (error ? error.message() : "it is not a regular file"));
  }
  std::ifstream file(path);
  std::string text(kSecretFileMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.empty() && !file.eof()) return StartError("cannot read the secret in " + path);
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  return checked_secret(std::move(text), path);
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
  std::vector<AccessKey> keys;
  const auto add = [&](const AccountId& account, std::string_view user,
                       const KeyEntry& entry) -> StartResult<void> {
    // A disabled key's secret is not needed, so that what holds it may be gone.
    StartResult<std::string> secret =
        entry.enabled ? secret_of(entry, environment_) : text_result({});
    if (!secret) return secret.error();
    keys.push_back({.id = entry.id,
                    .secret = std::move(*secret),
                    .session_token = entry.session_token,
                    .expires_at = entry.expires_at,
                    .enabled = entry.enabled,
                    .caller = caller_of_user(account, user, entry.id)});
    return {};
  };
  for (const AccountEntry& account : file.accounts) {
    for (const UserEntry& user : account.users) {
      for (const KeyEntry& key : user.keys) {
        if (const auto added = add(account.id, user.name, key); !added) return added.error();
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
