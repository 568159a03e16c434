// What the fuzz targets of signatures share: one access key, and what must hold of every request
// whose signature is verified. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "auth/sigv4.h"
#include "base/check.h"

namespace millrace {

/// The key that the corpus is signed with, on 2026-01-01.
inline const CredentialsPointer& example_credentials() {
  static const CredentialsPointer credentials = [] {
    const AccountId account = AccountId::parse("111122223333").value();
    std::vector<AccessKey> keys;
    keys.push_back({.id = "AKIDEXAMPLE",
                    .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                    .session_token = {},
                    .expires_at = {},
                    .caller = caller_of_user(account, kRootUser, "AKIDEXAMPLE")});
    return std::make_shared<const Credentials>(std::move(keys));
  }();
  return credentials;
}

/// Verifies `request`, which is_signed(). Only the corpus has right signatures; all else must be
/// refused with an error of signatures, in visible text, and alike by a verifier that is warm and
/// by one that is not.
inline void check_verification(const HttpRequest& request) {
  constexpr Timestamp kNow{1'767'268'800'000};  // 2026-01-01T12:00:00Z
  static SignatureVerifier warm(Region::parse("us-east-1").value(), "sqs");
  SignatureVerifier cold(Region::parse("us-east-1").value(), "sqs");
  const auto verified = warm.verify(request, example_credentials(), kNow);
  const auto again = cold.verify(request, example_credentials(), kNow);
  CHECK(verified.has_value() == again.has_value());
  if (verified) return;
  const ApiError error = verified.error();
  CHECK(error == again.error());
  constexpr std::array kKnown = {ErrorCode::incomplete_signature, ErrorCode::invalid_signature,
                                 ErrorCode::unrecognized_client, ErrorCode::request_expired};
  CHECK(std::ranges::find(kKnown, error.code()) != kKnown.end());
  for (const char c : error.query_message()) {
    CHECK((c >= ' ' && c <= '~') || c == '\n');
  }
}

}  // namespace millrace
