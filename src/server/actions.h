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

/// Whether an action leaves everything as it is.
enum class ActionEffect { reads, changes };

/// One row of the table of actions.
struct ActionRow {
  std::string_view name;
  RunAction run;
  ActionEffect effect;
  /// The action of a policy that it counts as (model/policy_actions.h); empty: its own name.
  std::string_view counts_as = {};

  constexpr std::string_view policy_name() const { return counts_as.empty() ? name : counts_as; }
};

/// All rows of a set, sorted by name.
std::span<const ActionRow> actions(wire::ActionSet set);

/// The row of the action `name` of a set, or null.
const ActionRow* find_action(wire::ActionSet set, std::string_view name);

}  // namespace millrace
