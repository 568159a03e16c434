// The text of a queue's Policy: its shape, and the edits of AddPermission and RemovePermission.
// What a policy allows is decided in auth/. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "model/names.h"

namespace millrace {

/// Checks that `json` is a policy that SQS takes: its fields, their types and the quotas on it.
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
