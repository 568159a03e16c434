#include "service/authorize.h"

#include <optional>
#include <utility>

#include "auth/decision.h"
#include "base/check.h"
#include "service/resolve.h"

namespace millrace {

namespace {

/// What the Query protocol says, and what both say to those who are nobody.
std::string denied_text(const Context& context, const QueueInfo* queue) {
  const std::string url = queue != nullptr ? url_of(context, *queue) : context.base_url + "/";
  return "Access to the resource " + url + " is denied.";
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

std::string arn_of(const Region& region, const Resource& resource) {
  std::string arn = "arn:";
  arn.append(region.partition()).append(":sqs:").append(region.text()).append(":");
  return arn.append(resource.account.text()).append(":").append(resource.name);
}

Expected<void> check(const Context& context, PolicyAction action, const Resource& resource,
                     const RequestTags& tags) {
  if (!context.service.access_enforced) return {};
  const Caller& caller = *context.caller;
  const QueueInfo* const queue = resource.queue;
  const Policy* const queue_policy = queue != nullptr ? queue->policy.get() : nullptr;
  const bool own = !caller.anonymous() && caller.account == resource.account;
  if (own && caller.user == kRootUser && queue_policy == nullptr) return {};
  if (queue == nullptr && !own && !caller.anonymous()) return {};
  const std::string arn = arn_of(context.service.region, resource);
  AccessRequest request;
  request.principal = principal_of(caller);
  request.action = action;
  request.resource = arn;
  request.now = context.now;
  request.source_ip = context.source_address;
  request.secure_transport = context.secure;
  request.user_agent = context.user_agent;
  request.resource_tags = queue != nullptr ? &queue->tags : nullptr;
  request.request_tags = tags.tags;
  request.tag_keys = tags.keys;
  const Decision decision = decide(request, caller.policies, queue_policy);
  if (decision.allowed()) return {};
  std::string denied = denied_text(context, queue);
  if (caller.anonymous()) return ApiError(ErrorCode::access_denied, std::move(denied));
  return ApiError(ErrorCode::access_denied, access_denied(decision, request).message(),
                  std::move(denied));
}

/// Notes the queue and the outcome; of an action with two queues the first, unless it is the second
/// that the caller may not use.
void note(RequestNotes* notes, const Region& region, const Resource& resource, bool denied) {
  if (notes == nullptr) return;
  notes->denied = denied;
  if (!resource.name.empty() && (notes->resource.empty() || denied)) {
    note_queue(notes, region, resource.account, resource.name);
  }
}

Expected<void> check_known(const Context& context) {
  if (!context.service.access_enforced || !context.caller->anonymous()) return {};
  return ApiError(ErrorCode::access_denied, denied_text(context, nullptr));
}

}  // namespace

Expected<void> authorize(const Context& context, PolicyAction action, const Resource& resource,
                         const RequestTags& tags) {
  const Expected<void> allowed = check(context, action, resource, tags);
  note(context.notes, context.service.region, resource, !allowed);
  return allowed;
}

Expected<void> authorize(const Context& context, const Resource& resource,
                         const RequestTags& tags) {
  if (!context.service.access_enforced) {
    note(context.notes, context.service.region, resource, false);
    return {};
  }
  const std::optional<PolicyAction> action = policy_action_of(context.action);
  CHECK(action);  // it is in the table of actions
  return authorize(context, *action, resource, tags);
}

bool may(const Context& context, PolicyAction action, const Resource& resource) {
  return check(context, action, resource, {}).operator bool();
}

Expected<void> deny_nobody(const Context& context) {
  Expected<void> allowed = check_known(context);
  if (context.notes != nullptr) context.notes->denied = !allowed;
  return allowed;
}

}  // namespace millrace
