// decide(): may this request pass? The one place where the policies of the caller and of the queue
// come together. (IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation
// logic"; SQS Developer Guide, "Overview of managing access".)
//
//   1. A Deny that applies, in any policy, refuses. The queue's policy cannot keep the root of its
//      own account from reading and setting the queue's attributes, or nobody could ever unlock it.
//   2. Of actions that only the owner may do, a policy gives nothing to anybody else.
//   3. The root of the queue's account may do all else.
//   4. In the queue's account it is enough that an identity policy or the queue's allows it.
//   5. Callers of another account need both; their root needs no identity policy.
//   6. Services and callers without credentials have no identity policies, so the queue's decides.
//   7. What nobody allows is refused.
//
// Pure; any thread; allocates nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "auth/access_request.h"
#include "auth/policy.h"
#include "base/error.h"

namespace millrace {

enum class DecisionReason {
  // allowed
  account_root,     // root of the queue's account
  identity_policy,  // of the caller, in its own account
  queue_policy,     // with the caller's identity policy where there must be one
  // refused
  denied_by_identity_policy,
  denied_by_queue_policy,
  owner_only_action,
  no_identity_policy_allows,
  no_queue_policy_allows,
};

struct Decision {
  DecisionReason reason;
  /// The statement that allowed or denied; of queue_policy, the queue's. Nothing for other reasons.
  std::optional<AppliedStatement> statement;
  /// Which of the identity policies it stands in; 0 where it stands in the queue's.
  std::size_t identity_policy = 0;

  bool allowed() const { return reason <= DecisionReason::queue_policy; }
};

/// @param identity the policies of the caller: its own, its groups'; root has none. @param queue
/// the policy of the queue, or null where it has none or there is no queue.
Decision decide(const AccessRequest& request, std::span<const PolicyPointer> identity,
                const Policy* queue);

/// AccessDenied with the text of SQS: "User: <arn> is not authorized to perform: sqs:<action> on
/// resource: <arn> because no identity-based policy allows the sqs:<action> action", or "… with an
/// explicit deny in a resource-based policy". The action is in lower case, and of a batch the one
/// that it repeats. @param decision one that refuses.
ApiError access_denied(const Decision& decision, const AccessRequest& request);

}  // namespace millrace
