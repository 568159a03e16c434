// The actions that a client can call, by name.
//
// THE TABLE OF ACTIONS is in actions.cc: one row per action. Immutable; any thread.
#pragma once

#include <span>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/error.h"
#include "base/http_message.h"
#include "service/handlers.h"
#include "wire/wire.h"

namespace millrace {

/// Decodes the request of `call`, runs its handler and encodes the reply into `response`. All
/// arguments must outlive the awaitable. @return the error to answer with instead; `response` is
/// then as it was.
using RunAction = boost::asio::awaitable<Expected<void>> (*)(Context& context,
                                                             const wire::WireCall& call,
                                                             std::string_view request_id,
                                                             HttpResponse& response);

/// One row of the table of actions.
struct ActionRow {
  std::string_view name;
  RunAction run;
};

/// All rows, sorted by name.
std::span<const ActionRow> actions();

/// The row of the action `name`, or null.
const ActionRow* find_action(std::string_view name);

}  // namespace millrace
