// A policy evaluator of its own, slow and plain: it walks the JSON anew for each request and knows
// nothing of the code in auth/. What the two disagree about is wrong in one of them.
#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "auth/access_request.h"
#include "policy/facts.h"

namespace millrace::policy_tests {

/// What decides, in the words of decisions.txt: "allowed by queue 1", "no identity" and so on.
/// @param identity the policies of the caller. @param queue a policy, or null for none.
std::string decide_naively(const std::vector<boost::json::value>& identity,
                           const boost::json::value& queue, const AccessRequest& request,
                           const Context& context);

}  // namespace millrace::policy_tests
