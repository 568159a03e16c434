// CredentialsSource: where the credentials of a server come from: the root access key of its
// options, and its credentials file. Any thread, one at a time.
#pragma once

#include <string>

#include "auth/credentials.h"
#include "server/config.h"
#include "server/start_error.h"

namespace millrace {

class CredentialsSource {
 public:
  /// @param environment of the secrets that the file says to be there.
  CredentialsSource(const ServeOptions& options, Environment environment);

  /// Reads everything anew; blocks on the disk. @return the credentials, or a StartError that says
  /// which file, line or key is wrong; never one that tells a secret.
  StartResult<CredentialsPointer> load() const;

 private:
  const AccountId account_;  // of the root access key
  const std::string root_id_;
  const std::string root_secret_;
  const std::string root_secret_file_;
  const std::string path_;
  const Environment environment_;
};

}  // namespace millrace
