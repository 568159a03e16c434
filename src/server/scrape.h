// What GET /metrics answers, put together.
#pragma once

#include <cstddef>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "service/handlers.h"

namespace millrace {

/// Measures anew and tells all of it. Any core's thread. @param service with telemetry. @param
/// queues_max queues that are told one by one, in the order of their making.
boost::asio::awaitable<std::string> scrape(const Service& service, std::size_t queues_max);

}  // namespace millrace
