// AccessRequest: all that is known about who asks for what, when a policy decides about it.
//
// Plain values; every view must outlive the decision. What nobody knows stays empty, and the
// condition key that stands for it is then absent. Whoever authenticates fills it in; a tester of
// policies may fill in anything.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/policy_actions.h"
#include "model/tags.h"

namespace millrace {

enum class PrincipalKind { anonymous, root, user, assumed_role, federated_user, service };

/// Who asks. (IAM User Guide, "Principal" and "Principal key values".)
struct Principal {
  PrincipalKind kind = PrincipalKind::anonymous;
  /// Its 12 digits; empty for nobody and for services.
  std::string_view account;
  /// arn:aws:iam::<account>:root or :user/<path and name>, arn:aws:sts::<account>:
  /// assumed-role/<role>/<session> or :federated-user/<name>; empty for nobody and for services.
  std::string_view arn;
  /// Of an assumed role: arn:aws:iam::<account>:role/<path and name>.
  std::string_view role_arn;
  /// A user's name without its path; of a service its own, such as sns.amazonaws.com.
  std::string_view name;
  /// The value of aws:userid: AIDA… of a user, AROA…:<session> of a role, the account of root.
  std::string_view id;
  std::string_view organization;           // aws:PrincipalOrgID
  const TagMap* tags = nullptr;            // aws:PrincipalTag/…
  std::optional<Timestamp> token_issued;   // with temporary credentials only
  std::optional<Timestamp> mfa_performed;  // with temporary credentials only: the second factor
};

/// A further condition key and its values; none or an empty list are the same as no such key.
struct ContextFact {
  std::string_view key;  // in any case
  std::span<const std::string> values;
};

struct AccessRequest {
  Principal principal;
  PolicyAction action = PolicyAction::send_message;
  /// The queue's ARN; of an action without a queue, `arn:<partition>:sqs:<region>:<account>:`.
  std::string_view resource;

  Timestamp now;
  std::string_view source_ip;  // an IPv4 or IPv6 address without its port
  bool secure_transport = false;
  std::string_view user_agent;
  std::string_view referer;
  std::string_view source_vpce;
  std::string_view source_arn;            // on whose behalf a service asks
  std::string_view source_account;        // its account
  const TagMap* resource_tags = nullptr;  // of the queue
  const TagMap* request_tags = nullptr;   // of a TagQueue or CreateQueue
  std::span<const std::string> tag_keys;  // of a TagQueue, CreateQueue or UntagQueue
  /// Looked at for every key that has no field above.
  std::span<const ContextFact> others;
};

/// Whether the caller belongs to the account of the resource.
bool in_own_account(const AccessRequest& request);

/// The account in an ARN, or an empty view.
std::string_view account_of_arn(std::string_view arn);
/// The region in an ARN, or an empty view.
std::string_view region_of_arn(std::string_view arn);

}  // namespace millrace
