#include "auth/decision.h"

#include <string>

#include "base/check.h"

namespace millrace {

namespace {

// What the root of its account can always do to a queue: see its policy, and replace it.
bool unlocks_queue(PolicyAction action) {
  return action == PolicyAction::get_queue_attributes ||
         action == PolicyAction::set_queue_attributes || action == PolicyAction::get_queue_url ||
         action == PolicyAction::list_queues;
}

// Who it is that a refusal speaks of.
std::string_view name_of(const Principal& principal) {
  if (principal.kind == PrincipalKind::anonymous) return "anonymous";
  return principal.kind == PrincipalKind::service ? principal.name : principal.arn;
}

// Why, in the words of SQS; behind it the action, or nothing.
std::string_view words_of(DecisionReason reason) {
  switch (reason) {
    case DecisionReason::denied_by_identity_policy:
      return "with an explicit deny in an identity-based policy";
    case DecisionReason::denied_by_queue_policy:
      return "with an explicit deny in a resource-based policy";
    case DecisionReason::no_identity_policy_allows:
      return "because no identity-based policy allows the ";
    case DecisionReason::owner_only_action:
    case DecisionReason::no_queue_policy_allows:
      return "because no resource-based policy allows the ";
    case DecisionReason::account_root:
    case DecisionReason::identity_policy:
    case DecisionReason::queue_policy:
      break;
  }
  CHECK(false);
  return {};
}

}  // namespace

Decision decide(const AccessRequest& request, std::span<const PolicyPointer> identity,
                const Policy* queue) {
  using enum DecisionReason;
  const Principal& principal = request.principal;
  const bool own_account = in_own_account(request);
  const bool root = principal.kind == PrincipalKind::root;

  Decision by_identity{no_identity_policy_allows, std::nullopt};
  for (std::size_t i = 0; i < identity.size(); ++i) {
    const std::optional<AppliedStatement> applied = identity[i]->evaluate(request);
    if (applied && !applied->allows) return {denied_by_identity_policy, applied, i};
    if (applied && !by_identity.statement) by_identity = {identity_policy, applied, i};
  }
  std::optional<AppliedStatement> by_queue;
  if (queue != nullptr) by_queue = queue->evaluate(request);
  const bool spared = root && own_account && unlocks_queue(request.action);
  if (by_queue && !by_queue->allows && !spared) return {denied_by_queue_policy, by_queue};

  if (own_account) {
    if (root) return {account_root, std::nullopt};
    if (by_identity.statement) return by_identity;
    if (by_queue) return {queue_policy, by_queue};
    return by_identity;
  }
  if (policy_action_row(request.action).owner_only) return {owner_only_action, std::nullopt};
  const bool has_identity_policies = principal.kind != PrincipalKind::anonymous &&
                                     principal.kind != PrincipalKind::service && !root;
  if (has_identity_policies && !by_identity.statement) return by_identity;
  if (!by_queue) return {no_queue_policy_allows, std::nullopt};
  return {queue_policy, by_queue};
}

ApiError access_denied(const Decision& decision, const AccessRequest& request) {
  const PolicyActionRow& row = policy_action_row(request.action);
  const std::string action = std::string(row.service).append(":").append(row.lower_name);
  const std::string_view words = words_of(decision.reason);
  std::string text = "User: ";
  text.append(name_of(request.principal)).append(" is not authorized to perform: ");
  text.append(action).append(" on resource: ").append(request.resource).append(" ").append(words);
  if (words.ends_with(' ')) text.append(action).append(" action");
  return {ErrorCode::access_denied, std::move(text)};
}

}  // namespace millrace
