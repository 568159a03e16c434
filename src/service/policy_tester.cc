#include "service/policy_tester.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "auth/access_request.h"
#include "auth/address_range.h"
#include "auth/date_text.h"
#include "auth/decision.h"
#include "auth/policy.h"
#include "base/ascii.h"
#include "model/policy_actions.h"
#include "service/registry.h"
#include "service/resolve.h"

namespace millrace {

namespace {

/// Who is asked about, with what the evaluator's views point to.
struct TestedPrincipal {
  Principal principal;
  std::string arn;
  std::string account;
  std::string name;
  std::string id;
  std::string role_arn;
  std::span<const PolicyPointer> policies;
};

ApiError wrong_principal(const std::string& given) {
  return invalid_parameter(given, "PrincipalArn",
                           "It must be the ARN of a user, a role's session or the root of an "
                           "account, the name of a service, or *.");
}

/// The user with that ARN among those who have access keys; or null.
const Caller* find_user(const Context& context, std::string_view arn) {
  if (context.credentials == nullptr) return nullptr;
  const std::span<const AccessKey> keys = context.credentials->all();
  const auto key = std::ranges::find(
      keys, arn, [](const AccessKey& one) -> std::string_view { return one.caller.arn; });
  return key != keys.end() ? &key->caller : nullptr;
}

/// Fills in what stands in an ARN of IAM or STS.
Expected<void> read_arn(const Context& context, TestedPrincipal& tested) {
  const std::string_view arn = tested.arn;
  const ApiError wrong = wrong_principal(tested.arn);
  const std::string_view account = account_of_arn(arn);
  if (!AccountId::parse(account)) return wrong;
  tested.account = account;
  const std::string_view resource = arn.substr(arn.rfind(':') + 1);
  const bool by_sts = arn.find(":sts:") != std::string_view::npos;
  const std::string_view kind = resource.substr(0, resource.find('/'));
  tested.name = resource.substr(std::min(resource.rfind('/') + 1, resource.size()));
  if (!by_sts && resource == kRootUser) {
    tested.principal.kind = PrincipalKind::root;
    tested.id = tested.account;
  } else if (!by_sts && kind == "user" && resource != kind) {
    tested.principal.kind = PrincipalKind::user;
  } else if (by_sts && kind == "assumed-role" && resource != kind) {
    tested.principal.kind = PrincipalKind::assumed_role;
    const std::string_view role = resource.substr(kind.size() + 1);
    const std::string_view partition = arn.substr(0, arn.find(":sts:"));
    tested.role_arn = std::string(partition) + ":iam::" + tested.account + ":role/" +
                      std::string(role.substr(0, role.find('/')));
  } else if (by_sts && kind == "federated-user" && resource != kind) {
    tested.principal.kind = PrincipalKind::federated_user;
  } else {
    return wrong;
  }
  const Caller* const user = find_user(context, arn);
  if (user != nullptr && user->account == context.caller->account) {
    tested.id = user->sender_id;
    tested.policies = user->policies;
  }
  return {};
}

/// Fills in who `request` asks about. @param tested outlives what is made of it.
Expected<void> read_principal(const Context& context, const api::TestPolicyRequest& request,
                              TestedPrincipal& tested) {
  tested.arn = request.principal_arn;
  if (tested.arn.empty() && !request.account_id.empty()) {
    tested.arn = "arn:" + std::string(context.service.region.partition()) +
                 ":iam::" + request.account_id + ":root";
  }
  if (tested.arn == "*" || tested.arn.empty()) return {};
  if (tested.arn.ends_with(".amazonaws.com")) {
    tested.principal.kind = PrincipalKind::service;
    tested.name = std::exchange(tested.arn, {});
  } else if (const Expected<void> read = read_arn(context, tested); !read) {
    return read;
  }
  tested.principal.account = tested.account;
  tested.principal.arn = tested.arn;
  tested.principal.role_arn = tested.role_arn;
  tested.principal.name = tested.name;
  tested.principal.id = tested.id;
  return {};
}

/// What a request says of the condition keys that the evaluator takes from elsewhere than `others`.
class TestedContext {
 public:
  Expected<void> add(const std::string& key, const std::string& value, AccessRequest& request) {
    const std::string lower = to_lower(key);
    const auto wrong = [&](std::string_view reason) {
      return invalid_parameter(value, "Context." + key, reason);
    };
    if (lower == "aws:sourceip") {
      if (!IpAddress::parse(value)) return wrong("It must be an address.");
      request.source_ip = value;
    } else if (lower == "aws:securetransport") {
      if (value != "true" && value != "false") return wrong("It must be true or false.");
      request.secure_transport = value == "true";
    } else if (lower == "aws:currenttime" || lower == "aws:epochtime") {
      const std::optional<Timestamp> time = parse_date_text(value);
      if (!time) return wrong("It must be a date as in ISO 8601.");
      request.now = *time;
    } else if (lower == "aws:useragent") {
      request.user_agent = value;
    } else if (lower == "aws:referer") {
      request.referer = value;
    } else if (lower == "aws:sourcevpce") {
      request.source_vpce = value;
    } else if (lower == "aws:sourcearn") {
      request.source_arn = value;
    } else if (lower == "aws:sourceaccount") {
      request.source_account = value;
    } else if (lower == "aws:principalorgid") {
      request.principal.organization = value;
    } else if (lower.starts_with(kRequestTag)) {
      request_tags_.insert_or_assign(key.substr(kRequestTag.size()), value);
    } else {
      facts_.push_back({key, std::span(&value, 1)});
    }
    return {};
  }

  void finish(AccessRequest& request) {
    for (const auto& [key, value] : request_tags_) tag_keys_.push_back(key);
    if (!request_tags_.empty()) request.request_tags = &request_tags_;
    request.tag_keys = tag_keys_;
    request.others = facts_;
  }

 private:
  static constexpr std::string_view kRequestTag = "aws:requesttag/";

  TagMap request_tags_;
  std::vector<std::string> tag_keys_;
  std::vector<ContextFact> facts_;
};

constexpr std::string_view kService = "sqs:";

Expected<std::vector<PolicyAction>> read_actions(const std::vector<std::string>& names) {
  std::vector<PolicyAction> actions;
  if (names.empty()) {
    for (const PolicyActionRow& row : policy_actions()) actions.push_back(row.action);
    return actions;
  }
  for (const std::string& given : names) {
    std::string_view name = given;
    if (equal_ignoring_case(name.substr(0, kService.size()), kService)) {
      name.remove_prefix(kService.size());
    }
    const std::optional<PolicyAction> action = policy_action_of(name);
    if (!action || policy_action_row(*action).service != "sqs") {
      return invalid_parameter(given, "Actions", "It is no action of SQS.");
    }
    actions.push_back(*action);
  }
  return actions;
}

std::string_view word_of(const Decision& decision) {
  if (decision.allowed()) return "allowed";
  const bool denied = decision.reason == DecisionReason::denied_by_identity_policy ||
                      decision.reason == DecisionReason::denied_by_queue_policy;
  return denied ? "explicitDeny" : "implicitDeny";
}

api::TestedStatement statement_of(const AppliedStatement& applied, std::string_view source) {
  return {.source = std::string(source),
          .sid = std::string(applied.sid),
          .index = static_cast<std::int64_t>(applied.index),
          .effect = applied.allows ? "Allow" : "Deny"};
}

api::TestedAction test(const AccessRequest& request, std::span<const PolicyPointer> identity,
                       const Policy* queue) {
  api::TestedAction tested;
  tested.action = policy_action_row(request.action).name;
  tested.decision = word_of(decide(request, identity, queue));
  for (const PolicyPointer& policy : identity) {
    const std::optional<AppliedStatement> applied = policy->evaluate(request);
    if (applied) tested.statements.push_back(statement_of(*applied, "identity"));
  }
  if (queue == nullptr) return tested;
  const std::optional<AppliedStatement> applied = queue->evaluate(request);
  if (applied) tested.statements.push_back(statement_of(*applied, "queue"));
  return tested;
}

}  // namespace

Answer<api::TestPolicyResponse> test_policy(Context& context, api::TestPolicyRequest& request) {
  const Expected<QueueInfoPointer> info = find_queue(context, request.queue_url);
  if (!info) co_return info.error();
  const QueueArn arn = context.service.registry.arn_of(**info);
  const Policy* queue_policy = (*info)->policy.get();
  std::optional<Policy> given;
  if (request.policy) {
    queue_policy = nullptr;
    if (!request.policy->empty()) {
      Expected<Policy> compiled = Policy::of_queue(*request.policy, arn);
      if (!compiled) co_return compiled.error();
      queue_policy = &given.emplace(std::move(*compiled));
    }
  }
  const Expected<std::vector<PolicyAction>> actions = read_actions(request.actions);
  if (!actions) co_return actions.error();

  TestedPrincipal tested;
  const Expected<void> known = read_principal(context, request, tested);
  if (!known) co_return known.error();
  const std::string resource = arn.text();
  AccessRequest asked;
  asked.principal = tested.principal;
  asked.resource = resource;
  asked.now = context.now;
  asked.resource_tags = &(*info)->tags;
  TestedContext conditions;
  for (const auto& [key, value] : request.context) {
    const Expected<void> added = conditions.add(key, value, asked);
    if (!added) co_return added.error();
  }
  conditions.finish(asked);

  api::TestPolicyResponse response;
  for (const PolicyAction action : *actions) {
    asked.action = action;
    response.results.push_back(test(asked, tested.policies, queue_policy));
  }
  co_return response;
}

}  // namespace millrace
