// Authenticator: who sent a request.
//
// With credentials, a request is its signer's, and one without a signature is nobody's; what nobody
// may do is decided later. Without credentials the server is in development mode and believes
// everybody: the access key is read and no signature is looked at. One per core, on its thread.
#pragma once

#include <atomic>

#include "auth/credentials.h"
#include "auth/sigv4.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/http_message.h"
#include "model/names.h"

namespace millrace {

/// The credentials in force. Any thread may take them, and others may be put in their place.
using CurrentCredentials = std::atomic<CredentialsPointer>;

/// The id of the access key that `request` names, whether or not it proves anything; empty if there
/// is none that could be one.
std::string_view claimed_access_key(const HttpRequest& request);

class Authenticator {
 public:
  struct Options {
    AccountId account;                                // of callers of whom nothing else is known
    Region region;                                    // that signatures must be for
    const CurrentCredentials* credentials = nullptr;  // outlive this; null: development mode
    const Clock* wall_clock = nullptr;                // outlives this; needed with credentials
  };

  explicit Authenticator(Options options);

  /// @return who sent `request`, never null; or an error of SignatureVerifier::verify().
  Expected<CallerPointer> authenticate(const HttpRequest& request);

 private:
  CallerPointer claimed_caller(const HttpRequest& request) const;

  const Options options_;
  const CallerPointer nobody_;  // whoever does not say who it is
  SignatureVerifier verifier_;
};

}  // namespace millrace
