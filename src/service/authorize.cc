#include "service/authorize.h"

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "auth/decision.h"
#include "base/check.h"
#include "service/registry.h"
#include "service/resolve.h"

namespace millrace {

namespace {

/// What the Query protocol says, and what both say to those who are nobody.
std::string denied_text(std::string_view url) {
  return std::string("Access to the resource ").append(url).append(" is denied.");
}

/// The identity policy of every user: it may do what its account may.
const Policy& everything() {
  static const Policy policy =
      Policy::of_identity(
          R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})")
          .value();
  return policy;
}

Principal principal_of(const Caller& caller) {
  if (caller.anonymous()) return {};
  Principal principal;
  principal.kind = caller.user == kRootUser ? PrincipalKind::root : PrincipalKind::user;
  principal.account = caller.account.text();
  principal.arn = caller.arn;
  principal.name = caller.user;
  principal.id = caller.sender_id;
  return principal;
}

Expected<void> check(const Context& context, const QueueInfo& queue) {
  if (!context.service.access_enforced) return {};
  const Caller& caller = *context.caller;
  const bool own = !caller.anonymous() && caller.account == queue.account;
  if (own && queue.policy == nullptr) return {};
  const std::optional<PolicyAction> action = policy_action_of(context.action);
  CHECK(action);  // it is in the table of actions
  const std::string resource = context.service.registry.arn_of(queue).text();
  AccessRequest request;
  request.principal = principal_of(caller);
  request.action = *action;
  request.resource = resource;
  request.now = context.now;
  request.source_ip = context.source_address;
  request.secure_transport = context.secure;
  request.user_agent = context.user_agent;
  request.resource_tags = &queue.tags;
  const Policy* const identity[] = {&everything()};
  const bool user = request.principal.kind == PrincipalKind::user;
  const Decision decision = decide(request, std::span(identity, user ? 1 : 0), queue.policy.get());
  if (decision.allowed()) return {};
  std::string denied = denied_text(url_of(context, queue));
  if (caller.anonymous()) return ApiError(ErrorCode::access_denied, std::move(denied));
  return ApiError(ErrorCode::access_denied, access_denied(decision, request).message(),
                  std::move(denied));
}

Expected<void> check(const Context& context) {
  if (!context.service.access_enforced || !context.caller->anonymous()) return {};
  return ApiError(ErrorCode::access_denied, denied_text(context.base_url + "/"));
}

}  // namespace

Expected<void> authorize(const Context& context, const QueueInfo& queue) {
  Expected<void> allowed = check(context, queue);
  if (RequestNotes* const notes = context.notes) {
    notes->denied = !allowed;
    // Of an action with two queues the first, unless it is the second that the caller may not use.
    if (notes->resource.empty() || notes->denied) {
      note_queue(notes, context.service.region, queue.account, queue.name.text());
    }
  }
  return allowed;
}

Expected<void> authorize(const Context& context) {
  Expected<void> allowed = check(context);
  if (context.notes != nullptr) context.notes->denied = !allowed;
  return allowed;
}

}  // namespace millrace
