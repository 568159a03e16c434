// MetricsAccess: who may read GET /metrics. It tells of all accounts together, so it is for whoever
// runs the server, not for those who have an account on it.
//
// Immutable; any thread.
#pragma once

#include <string>
#include <vector>

#include "auth/address_range.h"
#include "base/http_message.h"
#include "server/start_error.h"
#include "server/trusted_proxies.h"

namespace millrace {

class MetricsAccess {
 public:
  enum class Answer { yes, no_address, no_token };

  /// @param ranges whose addresses may ask, as AddressRange::parse() takes them; none: those of
  /// this machine, or with a token all. @param token what whoever asks must send as its bearer
  /// token; empty: nothing.
  MetricsAccess(const std::vector<std::string>& ranges, std::string token);

  /// Reads the token. @param token_file empty: there is none. @return a StartError if the file
  /// cannot be read, is not private, or holds something else than one line that fits in a field.
  static StartResult<MetricsAccess> open(const std::vector<std::string>& ranges,
                                         const std::string& token_file);

  /// Whether the request may read the metrics. One that says that it was forwarded, though by no
  /// proxy that is trusted, comes from nobody knows where, and from no address.
  Answer check(const HttpRequest& request, const Origin& origin) const;

 private:
  bool contains(std::string_view address) const;

  std::vector<AddressRange> ranges_;
  std::string token_;
};

}  // namespace millrace
