// BrowserGuard: whether a request that a browser sends to the console's API comes from the
// console's own page.
//
// Other pages can make a browser send requests here, with its cookies. They are told apart by what
// browsers say of themselves and no page can change: Sec-Fetch-Site, or else Origin; by a content
// type that a page of another origin may not use without being asked (and asking, by OPTIONS, is
// refused); and by Host, since a name that an attacker owns can be made to lead here (DNS
// rebinding). SameSite cookies alone would not do: sites ignore ports. Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/http_message.h"
#include "server/trusted_proxies.h"

namespace millrace {

class BrowserGuard {
 public:
  /// @param hosts names by which browsers may come, without ports. "localhost" and addresses in
  /// digits, which nobody can rebind, are good anyway.
  explicit BrowserGuard(const std::vector<std::string>& hosts);

  /// Whether something in `request` is what browsers send, and scripts do not.
  static bool is_browser(const HttpRequest& request);

  /// @return ErrorCode::request_refused, whose text says what is wrong, for a Host that nobody may
  /// come by.
  Expected<void> check_host(const HttpRequest& request) const;

  /// All that stands above, for a request to the API. @return ErrorCode::request_refused.
  Expected<void> check(const HttpRequest& request, const Origin& origin) const;

 private:
  std::vector<std::string> hosts_;  // in lower case
};

/// The name or address in the value of a Host field, without port and brackets.
std::string_view host_name(std::string_view host);

/// Whether nobody but this machine can listen to the request on its way: it came from this machine,
/// by a name of this machine.
bool is_loopback(const HttpRequest& request, const Origin& origin);

}  // namespace millrace
