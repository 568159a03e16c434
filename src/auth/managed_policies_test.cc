#include "auth/managed_policies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "auth/decision.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;

/// The actions that the managed policy `name` allows a user in its own account.
std::vector<std::string> allowed_by(std::string_view name) {
  const std::vector<PolicyPointer> policies = {find_managed_policy(name)};
  std::vector<std::string> allowed;
  for (const PolicyActionRow& row : policy_actions()) {
    AccessRequest request;
    request.principal.kind = PrincipalKind::user;
    request.principal.account = "111122223333";
    request.resource = "arn:aws:sqs:eu-west-1:111122223333:jobs";
    request.action = row.action;
    if (decide(request, policies, nullptr).allowed()) allowed.emplace_back(row.name);
  }
  return allowed;
}

TEST(ManagedPolicies, AreThoseOfAws) {
  EXPECT_EQ(allowed_by(kFullAccessPolicy).size(), policy_actions().size());
  EXPECT_THAT(allowed_by("AmazonSQSReadOnlyAccess"),
              ElementsAre("GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues",
                          "ListMessageMoveTasks", "ListQueues", "ListQueueTags"));
  EXPECT_EQ(managed_policies().size(), 2U);
}

TEST(ManagedPolicies, AreFoundByTheirExactNames) {
  EXPECT_EQ(find_managed_policy("amazonsqsfullaccess"), nullptr);
  EXPECT_EQ(find_managed_policy(""), nullptr);
  EXPECT_EQ(find_managed_policy(kFullAccessPolicy), find_managed_policy(kFullAccessPolicy));
}

}  // namespace
}  // namespace millrace
