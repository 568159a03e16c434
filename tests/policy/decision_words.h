// A decision in the words of decisions.txt.
#pragma once

#include <string>

#include "auth/decision.h"

namespace millrace::policy_tests {

inline std::string words_of(const Decision& decision) {
  const auto with_number = [&](const char* words) {
    return std::string(words) + " " + std::to_string(decision.statement.value().index + 1);
  };
  // Which of several policies of the caller it is, when it is not the first.
  const std::string of_policy = decision.identity_policy == 0
                                    ? ""
                                    : " of policy " + std::to_string(decision.identity_policy + 1);
  switch (decision.reason) {
    case DecisionReason::account_root:
      return "allowed as root";
    case DecisionReason::identity_policy:
      return with_number("allowed by identity") + of_policy;
    case DecisionReason::queue_policy:
      return with_number("allowed by queue");
    case DecisionReason::denied_by_identity_policy:
      return with_number("denied by identity") + of_policy;
    case DecisionReason::denied_by_queue_policy:
      return with_number("denied by queue");
    case DecisionReason::owner_only_action:
      return "owner only";
    case DecisionReason::no_identity_policy_allows:
      return "no identity";
    case DecisionReason::no_queue_policy_allows:
      return "no queue";
  }
  return "?";
}

}  // namespace millrace::policy_tests
