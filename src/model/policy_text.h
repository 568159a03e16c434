// The text of a policy: its shape and quotas, and the edits of AddPermission and RemovePermission
// on a queue's Policy. What the words in it mean, and so whether they mean anything, is known in
// auth/policy.h, which also decides what a policy allows. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/error.h"
#include "model/names.h"

namespace millrace {

/// Whose policy it is: a queue's names principals and has SQS's quotas; that of an identity (a user
/// or a role) belongs to its principal and must name resources.
enum class PolicyKind { queue, identity };

/// Reads a policy whose fields have the names, types and numbers that they must have. Its member
/// "Statement" is an array in the result, also where the text has a single object.
/// @return InvalidAttributeValue, or OverLimit as check_policy(); of an identity's policy the text
/// says what is wrong.
Expected<boost::json::object> read_policy(std::string_view json, PolicyKind kind);

/// Checks that `json` is a policy of a queue: its fields, their types and the quotas on it.
/// @return InvalidAttributeValue, or OverLimit for too many statements, actions, principals or
/// conditions.
Expected<void> check_policy(std::string_view json);

/// AddPermission: `policy` (empty: none) with one more statement.
/// @param actions as in the request, without "SQS:" in front.
/// @return the new text; MissingParameter, InvalidParameterValue or OverLimit.
Expected<std::string> add_permission(std::string_view policy, const QueueArn& arn,
                                     std::string_view label,
                                     std::span<const std::string> account_ids,
                                     std::span<const std::string> actions);

/// RemovePermission: `policy` without the statement `label`.
/// @return the new text, empty when no statement is left; MissingParameter, or
/// InvalidParameterValue when there is no such label.
Expected<std::string> remove_permission(std::string_view policy, std::string_view label);

}  // namespace millrace
