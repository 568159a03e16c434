// Policy: a policy of a queue or of an identity, compiled once and asked often.
//
// What a statement says about a request:
//  - Effect, Action and NotAction, Resource and NotResource, Condition: as in the IAM User Guide,
//    "IAM JSON policy element reference". Actions and condition keys are compared in any case.
//  - Principal: an account (by its number or as …:root) stands for everybody in it where that
//    refuses (Deny, or Allow with NotPrincipal). An Allow for an account is an offer to that
//    account, whose identity policies pass it on: so it covers everybody of another account, of
//    which an identity policy must allow the request as well, and in the queue's own account only
//    root. With NotPrincipal an account in a Deny spares only its root: users and roles must be
//    named too.
//  - "*" and {"AWS": "*"} are everybody, also services and callers without credentials.
//  - A role stands for every session of it.
// Policy variables need the version 2012-10-17, as everywhere. Immutable; any thread; evaluating
// allocates nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "auth/access_request.h"
#include "base/error.h"
#include "model/names.h"

namespace millrace {

/// A statement of a policy that applies to a request.
struct AppliedStatement {
  bool allows;           // false: it denies
  std::size_t index;     // in its policy, from 0
  std::string_view sid;  // empty when it has none; lives as long as the policy
};

class Policy {
 public:
  /// The policy of the queue `arn`.
  /// @return the errors of check_policy(), and "Invalid value for the parameter Policy." also for
  /// what has the right shape and no meaning: operators that do not exist, values that their
  /// operator cannot compare with (dates, CIDR blocks, ARNs …), principals that nobody can be,
  /// actions of other services, broken variables, and a policy none of whose statements is about
  /// this queue.
  static Expected<Policy> of_queue(std::string_view text, const QueueArn& arn);

  /// The policy of a user or role. Actions and resources of other services may stand in it.
  /// @return InvalidAttributeValue; its text says what is wrong in which statement.
  static Expected<Policy> of_identity(std::string_view text);

  Policy(Policy&&) noexcept;
  Policy& operator=(Policy&&) noexcept;
  ~Policy();

  /// The first Deny that applies to the request, else the first Allow, else nothing.
  std::optional<AppliedStatement> evaluate(const AccessRequest& request) const;

 private:
  struct Statement;
  class Compiler;
  explicit Policy(std::vector<Statement> statements);

  std::vector<Statement> statements_;
};

/// A policy as those hold it whom it is for: one of an account serves many users. Never null where
/// it stands in a list.
using PolicyPointer = std::shared_ptr<const Policy>;

}  // namespace millrace
