// The texts of refusals, and decisions of several identity policies. The table of decisions is
// tests/policy/decisions.txt.
#include "auth/decision.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace millrace {
namespace {

AccessRequest request_of_alice() {
  AccessRequest request;
  request.principal.kind = PrincipalKind::user;
  request.principal.account = "111122223333";
  request.principal.arn = "arn:aws:iam::111122223333:user/alice";
  request.principal.name = "alice";
  request.resource = "arn:aws:sqs:eu-west-1:111122223333:jobs";
  request.action = PolicyAction::send_message;
  return request;
}

PolicyPointer identity_policy(const std::string& effect, const std::string& action) {
  return std::make_shared<const Policy>(Policy::of_identity(R"({"Statement":{"Effect":")" + effect +
                                                            R"(","Action":")" + action +
                                                            R"(","Resource":"*"}})")
                                            .value());
}

ApiError denied(DecisionReason reason, const AccessRequest& request) {
  return access_denied(Decision{reason, std::nullopt}, request);
}

TEST(AccessDenied, HasTheTextsOfSqs) {
  const AccessRequest request = request_of_alice();
  const std::string start =
      "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sqs:sendmessage on "
      "resource: arn:aws:sqs:eu-west-1:111122223333:jobs ";
  const auto error = [&](const std::string& end) {
    return ApiError(ErrorCode::access_denied, start + end);
  };
  using enum DecisionReason;
  EXPECT_EQ(denied(no_identity_policy_allows, request),
            error("because no identity-based policy allows the sqs:sendmessage action"));
  EXPECT_EQ(denied(no_queue_policy_allows, request),
            error("because no resource-based policy allows the sqs:sendmessage action"));
  EXPECT_EQ(denied(owner_only_action, request),
            error("because no resource-based policy allows the sqs:sendmessage action"));
  EXPECT_EQ(denied(denied_by_identity_policy, request),
            error("with an explicit deny in an identity-based policy"));
  EXPECT_EQ(denied(denied_by_queue_policy, request),
            error("with an explicit deny in a resource-based policy"));
}

TEST(Decide, WhatIsMillracesOwnIsNamedByItsOwnPrefix) {
  AccessRequest request = request_of_alice();
  request.resource = "arn:aws:sqs:eu-west-1:111122223333:";
  request.action = PolicyAction::list_access_keys;
  const auto allowed_by = [&](const std::string& action) {
    const std::vector<PolicyPointer> policies = {identity_policy("Allow", action)};
    return decide(request, policies, nullptr).allowed();
  };
  EXPECT_TRUE(allowed_by("millrace:ListAccessKeys"));
  EXPECT_TRUE(allowed_by("Millrace:List*"));
  EXPECT_TRUE(allowed_by("*"));
  EXPECT_FALSE(allowed_by("sqs:*"));
  EXPECT_FALSE(allowed_by("sqs:ListAccessKeys"));
  EXPECT_FALSE(allowed_by("millrace:ListSessions"));
  EXPECT_EQ(denied(DecisionReason::no_identity_policy_allows, request).message(),
            "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: "
            "millrace:listaccesskeys on resource: arn:aws:sqs:eu-west-1:111122223333: because no "
            "identity-based policy allows the millrace:listaccesskeys action");
  request.action = PolicyAction::list_queues;
  EXPECT_FALSE(allowed_by("millrace:*"));
}

TEST(AccessDenied, NamesServicesAndNobody) {
  AccessRequest request;
  request.resource = "arn:aws:sqs:eu-west-1:111122223333:jobs";
  const auto starts = [&](const std::string& start) {
    return denied(DecisionReason::no_queue_policy_allows, request).message().starts_with(start);
  };
  EXPECT_TRUE(starts("User: anonymous is not authorized"));
  request.principal.kind = PrincipalKind::service;
  request.principal.name = "sns.amazonaws.com";
  EXPECT_TRUE(starts("User: sns.amazonaws.com is not authorized"));
}

TEST(Decision, LooksAtAllPoliciesOfTheCaller) {
  const AccessRequest request = request_of_alice();
  std::vector<PolicyPointer> policies = {identity_policy("Allow", "sqs:ReceiveMessage"),
                                         identity_policy("Allow", "sqs:SendMessage"),
                                         identity_policy("Allow", "sqs:*")};
  const Decision allowed = decide(request, policies, nullptr);
  EXPECT_TRUE(allowed.allowed());
  EXPECT_EQ(allowed.reason, DecisionReason::identity_policy);
  EXPECT_EQ(allowed.identity_policy, 1U);

  policies.push_back(identity_policy("Deny", "sqs:*"));
  const Decision refused = decide(request, policies, nullptr);
  EXPECT_FALSE(refused.allowed());
  EXPECT_EQ(refused.reason, DecisionReason::denied_by_identity_policy);
  EXPECT_EQ(refused.identity_policy, 3U);
}

}  // namespace
}  // namespace millrace
