// TrustedProxies: who is believed when it says for whom it asks.
//
// A request that comes from one of them has the address that X-Forwarded-For names and the scheme
// that X-Forwarded-Proto names; from anybody else these fields mean nothing. X-Forwarded-Host never
// does: the Host of a signed request is signed, so a proxy has to leave it as it is. Immutable; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/address_range.h"
#include "base/error.h"
#include "base/http_message.h"

namespace millrace {

/// Where a request comes from, as far as it is believed.
struct Origin {
  std::string_view address;  // the client's, without its port; lives as long as the request
  bool secure = false;       // the client spoke TLS
};

class TrustedProxies {
 public:
  /// None.
  TrustedProxies() = default;
  /// @param ranges as AddressRange::parse() takes them.
  explicit TrustedProxies(const std::vector<std::string>& ranges);

  /// The address is the right-most of X-Forwarded-For that is not a proxy's itself, with or without
  /// a port; the left-most if all are; the peer's if there is no such field. The scheme is the last
  /// of X-Forwarded-Proto, which is what the nearest proxy saw.
  /// @return ErrorCode::serialization if a proxy says something else than an address, "http" or
  ///   "https": the request would count as the proxy's own, which may be allowed more.
  Expected<Origin> origin_of(const HttpRequest& request) const;

 private:
  bool contains(std::string_view address) const;
  Expected<void> read_addresses(std::string_view list, Origin& origin) const;

  std::vector<AddressRange> ranges_;
};

}  // namespace millrace
