#include "service/authorize.h"

#include <algorithm>
#include <string>
#include <utility>

#include "service/registry.h"
#include "service/resolve.h"

namespace millrace {

namespace {

/// What the Query protocol says, and what both say to those who are nobody.
std::string denied_text(std::string_view url) {
  return std::string("Access to the resource ").append(url).append(" is denied.");
}

/// The action as AWS writes it in such texts: "sqs:sendmessage".
std::string action_text(std::string_view action) {
  std::string text = "sqs:";
  for (const char c : action) text += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return text;
}

}  // namespace

Expected<void> authorize(const Context& context, const QueueInfo& queue) {
  if (!context.service.access_enforced) return {};
  const Caller& caller = *context.caller;
  if (!caller.anonymous() && caller.account == queue.account) return {};
  std::string denied = denied_text(url_of(context, queue));
  if (caller.anonymous()) return ApiError(ErrorCode::access_denied, std::move(denied));
  const std::string action = action_text(context.action);
  return ApiError(ErrorCode::access_denied,
                  "User: " + caller.arn + " is not authorized to perform: " + action +
                      " on resource: " + context.service.registry.arn_of(queue).text() +
                      " because no identity-based policy allows the " + action + " action",
                  std::move(denied));
}

Expected<void> authorize(const Context& context) {
  if (!context.service.access_enforced || !context.caller->anonymous()) return {};
  return ApiError(ErrorCode::access_denied, denied_text(context.base_url + "/"));
}

}  // namespace millrace
