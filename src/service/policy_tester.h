// TestPolicy: who may do what with a queue, by the same evaluator that decides about requests.
#pragma once

#include "api/console.h"
#include "service/handlers.h"

namespace millrace {

/// Whoever may see a queue's attributes may ask this. A user of the caller's own account is tested
/// with its identity policies; of anybody else nothing but the queue's policy is known.
/// @return InvalidParameterValue for a principal, an action or a value of `Context` that is none;
/// the errors of Policy::of_queue().
Answer<api::TestPolicyResponse> test_policy(Context& context, api::TestPolicyRequest& request);

}  // namespace millrace
