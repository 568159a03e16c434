// HttpHandler: what answers a request; http/ calls it and knows nothing more. HttpRefused: what is
// told of the requests that never get there.
#pragma once

#include <functional>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/http_message.h"

namespace millrace {

/// Answers one request by filling the response, which comes reset to an empty 200. Runs on the
/// connection's thread and may suspend for as long as it likes; request and response stay where
/// they are until it ends. An exception that leaves it is logged and answered with 500.
using HttpHandler = std::function<boost::asio::awaitable<void>(const HttpRequest&, HttpResponse&)>;

/// Told of a request that was refused before it could be handled, since it breaks the rules of HTTP
/// or a limit; `status` says which. On the connection's thread. May be empty.
using HttpRefused = std::function<void(std::string_view remote_address, unsigned status)>;

}  // namespace millrace
