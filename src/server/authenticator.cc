#include "server/authenticator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"

namespace millrace {

namespace {

/// The access key's id at the head of a credential, `<id>/<date>/<region>/sqs/aws4_request`; empty
/// if there is none.
std::string_view access_key_of(std::string_view credential) {
  const std::string_view id = credential.substr(0, credential.find_first_of("/,% "));
  return is_access_key_id(id) ? id : std::string_view();
}

std::string_view credential_of(const HttpRequest& request) {
  constexpr std::string_view kName = "Credential=";
  const std::string_view authorization = request.field("authorization");
  if (const std::size_t at = authorization.find(kName); at != std::string_view::npos) {
    return authorization.substr(at + kName.size());
  }
  return query_value(request.query(), "X-Amz-Credential");
}

/// In development mode nobody has a user: messages carry the access key, or else the account.
Caller unproven_caller(AccountId account, std::string_view access_key) {
  std::string sender(access_key.empty() ? std::string_view(account.text()) : access_key);
  return {.account = std::move(account),
          .user = {},
          .arn = {},
          .sender_id = std::move(sender),
          .access_key = std::string(access_key)};
}

}  // namespace

std::string_view claimed_access_key(const HttpRequest& request) {
  return access_key_of(credential_of(request));
}

Authenticator::Authenticator(Options options)
    : options_(std::move(options)),
      nobody_(std::make_shared<const Caller>(unproven_caller(options_.account, {}))),
      verifier_(options_.region, "sqs") {
  CHECK(options_.credentials == nullptr || options_.wall_clock != nullptr);
}

Expected<CallerPointer> Authenticator::authenticate(const HttpRequest& request) {
  if (options_.credentials == nullptr) return claimed_caller(request);
  if (!SignatureVerifier::is_signed(request)) return nobody_;
  const CredentialsPointer credentials = options_.credentials->load(std::memory_order_acquire);
  const Expected<const AccessKey*> key =
      verifier_.verify(request, credentials, options_.wall_clock->now());
  if (!key) return key.error();
  return CallerPointer(credentials, &(*key)->caller);
}

CallerPointer Authenticator::claimed_caller(const HttpRequest& request) const {
  const std::string_view key = claimed_access_key(request);
  if (key.empty()) return nobody_;
  return std::make_shared<const Caller>(
      unproven_caller(AccountId::parse(key).value_or(options_.account), key));
}

}  // namespace millrace
