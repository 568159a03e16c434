// HttpHandler: what answers a request; http/ calls it and knows nothing more.
#pragma once

#include <functional>

#include <boost/asio/awaitable.hpp>

#include "base/http_message.h"

namespace millrace {

/// Answers one request by filling the response, which comes reset to an empty 200. Runs on the
/// connection's thread and may suspend for as long as it likes; request and response stay where
/// they are until it ends. An exception that leaves it is logged and answered with 500.
using HttpHandler = std::function<boost::asio::awaitable<void>(const HttpRequest&, HttpResponse&)>;

}  // namespace millrace
