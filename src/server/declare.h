// The queues of the configuration file, made when the server starts.
#pragma once

#include <span>

#include <boost/asio/awaitable.hpp>

#include "base/error.h"
#include "model/names.h"
#include "server/config.h"
#include "service/handlers.h"

namespace millrace {

/// Makes the declared queues that do not exist, and sets the attributes and tags of those that
/// differ; the log tells of both. Dead-letter queues may be declared in any order. To be awaited
/// after the directory has been filled.
/// @return the first error, with the queue's name in its text.
boost::asio::awaitable<Expected<void>> declare_queues(const Service& service,
                                                      const AccountId& account,
                                                      std::span<const QueueDeclaration> queues);

}  // namespace millrace
