// The policies that are there without anybody writing them: AWS's own for SQS, by AWS's names.
//
// THE TABLE OF MANAGED POLICIES is in managed_policies.cc. Any thread.
#pragma once

#include <span>
#include <string_view>

#include "auth/policy.h"

namespace millrace {

/// The name of the policy that allows every action with every queue of the account.
inline constexpr std::string_view kFullAccessPolicy = "AmazonSQSFullAccess";

/// One row of the table of managed policies. (AWS Managed Policy Reference Guide.)
struct ManagedPolicyRow {
  std::string_view name;
  std::string_view document;
};

/// All rows.
std::span<const ManagedPolicyRow> managed_policies();

/// The managed policy `name`, or null if there is none. Compiled once.
PolicyPointer find_managed_policy(std::string_view name);

}  // namespace millrace
