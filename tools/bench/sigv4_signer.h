// Signer: signs requests as AWS SDKs do (Signature Version 4, service "sqs").
//
// Written apart from the server's verifier in src/auth/, on purpose: a generator that shared its
// code could not show that the two sides agree with the specification. The signing key of a day is
// kept. One thread each.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.h"

namespace millrace::bench {

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string region;
};

/// What is signed of a POST to "/" without a query.
struct SignedRequest {
  std::string_view content_type;
  std::string_view host;    // the Host field's value
  std::string_view target;  // the X-Amz-Target field's value; empty: the field is not sent
  std::string_view body;
};

class Signer {
 public:
  explicit Signer(Credentials credentials);

  /// Appends the lines "X-Amz-Date: ..." and "Authorization: ..." for a request that is sent at
  /// `date`, "YYYYMMDDTHHMMSSZ".
  void append_fields(std::string& out, const SignedRequest& request, std::string_view date);

 private:
  Credentials credentials_;
  std::string day_;    // the first eight characters of the last date
  std::string scope_;  // "<day>/<region>/sqs/aws4_request"
  std::optional<KeyedHash> signing_key_;
  std::string canonical_;  // kept for its memory
};

/// `moment` as SigV4 writes it: "20260101T120000Z".
std::string signature_date(std::time_t moment);

}  // namespace millrace::bench
