#include "auth/credentials.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"

namespace millrace {

namespace {

constexpr std::size_t kAccessKeyIdMin = 3;
constexpr std::size_t kAccessKeyIdMax = 128;
constexpr std::size_t kSecretMin = 16;
constexpr std::size_t kSecretMax = 128;
constexpr std::size_t kUserNameMax = 64;
constexpr std::size_t kPolicyNameMax = 128;
constexpr std::string_view kNameCharacters = "+=,.@_-";  // besides letters and digits

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Whether `text` has only letters, digits and characters of `also`.
bool consists_of(std::string_view text, std::string_view also) {
  return std::ranges::all_of(text, [also](char c) {
    return is_letter_or_digit(c) || also.find(c) != std::string_view::npos;
  });
}

std::string principal_id(const AccountId& account, std::string_view user) {
  if (user == kRootUser) return account.text();
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr std::size_t kLength = 17;
  const Sha256Digest digest = sha256(account.text() + "/" + std::string(user));
  std::string id = "AIDA";
  for (std::size_t i = 0; i < kLength; ++i) id += kDigits[digest[i] % kDigits.size()];
  return id;
}

}  // namespace

Caller caller_of_user(const AccountId& account, std::string_view user, std::string access_key,
                      std::vector<PolicyPointer> policies) {
  std::string arn = "arn:aws:iam::" + account.text() + ":";
  if (user != kRootUser) arn += "user/";
  return {.account = account,
          .user = std::string(user),
          .arn = arn.append(user),
          .sender_id = principal_id(account, user),
          .access_key = std::move(access_key),
          .policies = std::move(policies)};
}

Credentials::Credentials(std::vector<AccessKey> keys) : keys_(std::move(keys)) {
  std::ranges::sort(keys_, {}, &AccessKey::id);
  CHECK(std::ranges::adjacent_find(keys_, {}, &AccessKey::id) == keys_.end());
}

const AccessKey* Credentials::find(std::string_view id) const {
  const auto found = std::lower_bound(
      keys_.begin(), keys_.end(), id,
      [](const AccessKey& key, std::string_view wanted) { return key.id < wanted; });
  return found != keys_.end() && found->id == id ? &*found : nullptr;
}

bool is_access_key_id(std::string_view text) {
  return text.size() >= kAccessKeyIdMin && text.size() <= kAccessKeyIdMax &&
         consists_of(text, "-_.");
}

bool is_secret_access_key(std::string_view text) {
  return text.size() >= kSecretMin && text.size() <= kSecretMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_user_name(std::string_view text) {
  return !text.empty() && text.size() <= kUserNameMax && consists_of(text, kNameCharacters);
}

bool is_policy_name(std::string_view text) {
  return !text.empty() && text.size() <= kPolicyNameMax && consists_of(text, kNameCharacters);
}

}  // namespace millrace
