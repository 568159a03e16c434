// SignatureVerifier: whether a request was signed with the secret of the access key that it names,
// by AWS Signature Version 4 (AWS General Reference, "Signature Version 4 signing process").
//
// Both forms are known: the Authorization field, and a presigned URL. The checks, in their order:
//
//   all parts are there and can be read        400 IncompleteSignature
//   the key is known, enabled, its token right 403 InvalidClientTokenId (UnrecognizedClient)
//   the key has not expired                    403 ExpiredToken
//   the date is within 15 minutes of now       403 SignatureDoesNotMatch (InvalidSignature)
//   a presigned URL has not expired            400 RequestExpired
//   date, region and service of the scope      403 SignatureDoesNotMatch
//   Host and what decides the action is signed 403 SignatureDoesNotMatch
//   the signature                              403 SignatureDoesNotMatch, whose text for Query
//   shows
//                                              what the server made of the request
//
// The signing key of a day is kept, so that a request costs one digest of its body, one of its
// canonical form and one keyed hash. A warm verifier asks the allocator for nothing. Pure but for
// what it keeps: one per thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "auth/credentials.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/error.h"
#include "base/http_message.h"
#include "model/names.h"

namespace millrace {

class SignatureVerifier {
 public:
  /// @param region, service of the scope that requests must be signed for.
  SignatureVerifier(Region region, std::string service);

  /// Whether `request` says anything about a signature. One that does not is anonymous.
  static bool is_signed(const HttpRequest& request);

  /// @param request one that is_signed().
  /// @param now by the wall clock.
  /// @return the key that it was signed with, which lives as long as `credentials`; or an error as
  /// above.
  Expected<const AccessKey*> verify(const HttpRequest& request,
                                    const CredentialsPointer& credentials, Timestamp now);

 private:
  static constexpr std::size_t kDateSize = 16;  // "20260101T120000Z"

  /// What a request says about its signature. The views point into the request or into query_text_.
  struct Claim {
    bool presigned = false;
    std::string_view credential;
    std::string_view signed_fields;  // names, separated by ';'
    std::string_view signature;
    std::string_view session_token;
    std::string_view expires;  // of a presigned URL: seconds after the date

    // Of the credential:
    std::string_view access_key;
    std::string_view day;  // "20260101"
    std::string_view region;
    std::string_view service;
    std::string_view terminator;

    std::array<char, kDateSize> date{};
    Timestamp signed_at;
    std::string_view date_text() const { return {date.data(), date.size()}; }
  };
  using Pair = std::pair<std::string_view, std::string_view>;
  struct SigningKeyName {
    const AccessKey* key;
    std::uint32_t day;
    friend bool operator==(const SigningKeyName&, const SigningKeyName&) = default;
  };
  struct SigningKeyHash {
    std::size_t operator()(const SigningKeyName& name) const noexcept;
  };

  void read_query(std::string_view query);
  std::string_view query_value(std::string_view name) const;
  static Expected<void> read_authorization(const HttpRequest& request, Claim& claim);
  Expected<void> read_presigned(Claim& claim) const;
  Expected<void> check_scope(const Claim& claim) const;
  void write_canonical_request(const HttpRequest& request, const Claim& claim);
  void append_canonical_query(bool presigned);
  void write_string_to_sign(const Claim& claim);
  const KeyedHash& signing_key(const AccessKey& key, const Claim& claim);
  ApiError mismatch() const;

  const std::string region_;
  const std::string service_;

  CredentialsPointer credentials_;  // whose keys signing_keys_ is of
  std::unordered_map<SigningKeyName, KeyedHash, SigningKeyHash> signing_keys_;

  // Of the request at hand; kept for their memory.
  std::string query_text_;   // the query's names and values, decoded
  std::vector<Pair> query_;  // views into it
  std::string encoded_text_;
  std::vector<Pair> encoded_;
  std::string canonical_;
  std::string to_sign_;
  std::string signature_;  // in hex
};

}  // namespace millrace
