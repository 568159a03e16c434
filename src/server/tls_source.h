// TlsSource: where a server's certificate, its key and the authority of its clients come from: the
// files that its options name. Any thread.
#pragma once

#include <memory>
#include <string>

#include "http/tls_context.h"
#include "server/config.h"
#include "server/start_error.h"

namespace millrace {

class TlsSource {
 public:
  explicit TlsSource(const ServeOptions& options);

  /// Reads all files anew; blocks on the disk. @return what to serve with, or a StartError that
  /// says which file is wrong, how, and what would be right.
  StartResult<std::shared_ptr<const TlsContext>> load() const;

 private:
  const std::string certificate_path_;
  const std::string key_path_;
  const std::string client_ca_path_;
  const TlsVersion minimum_version_;
};

}  // namespace millrace
