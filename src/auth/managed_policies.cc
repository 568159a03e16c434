#include "auth/managed_policies.h"

#include <algorithm>
#include <array>
#include <memory>

namespace millrace {

namespace {

// THE TABLE OF MANAGED POLICIES.
constexpr std::array kPolicies = {
    ManagedPolicyRow{kFullAccessPolicy, R"({
  "Version": "2012-10-17",
  "Statement": [{"Action": ["sqs:*"], "Effect": "Allow", "Resource": "*"}]
})"},
    ManagedPolicyRow{"AmazonSQSReadOnlyAccess", R"({
  "Version": "2012-10-17",
  "Statement": [{
    "Sid": "AmazonSQSReadOnlyAccess",
    "Effect": "Allow",
    "Action": ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues",
               "sqs:ListQueues", "sqs:ListMessageMoveTasks", "sqs:ListQueueTags"],
    "Resource": "*"
  }]
})"},
};

std::array<PolicyPointer, kPolicies.size()> compile_all() {
  std::array<PolicyPointer, kPolicies.size()> compiled;
  std::ranges::transform(kPolicies, compiled.begin(), [](const ManagedPolicyRow& row) {
    return std::make_shared<const Policy>(Policy::of_identity(row.document).value());
  });
  return compiled;
}

}  // namespace

std::span<const ManagedPolicyRow> managed_policies() {
  return kPolicies;
}

PolicyPointer find_managed_policy(std::string_view name) {
  static const std::array<PolicyPointer, kPolicies.size()> compiled = compile_all();
  const auto* const row = std::ranges::find(kPolicies, name, &ManagedPolicyRow::name);
  if (row == kPolicies.end()) return nullptr;
  return compiled[static_cast<std::size_t>(row - kPolicies.begin())];
}

}  // namespace millrace
