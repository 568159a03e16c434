// Facts: a request for a policy to decide about, with everything that it refers to. Named callers
// and short names for what can be known keep the tests readable.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access_request.h"

namespace millrace::policy_tests {

inline constexpr std::string_view kQueue = "arn:aws:sqs:eu-west-1:111122223333:jobs";

/// The values of every condition key of a request, by its name in lower case.
using Context = std::map<std::string, std::vector<std::string>>;

class Facts {
 public:
  /// @param caller one of callers(). @throws std::invalid_argument for any other.
  explicit Facts(std::string_view caller);
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;

  /// Sets one fact: ip, tls (yes or no), now (as a policy writes a date), agent, referer, vpce,
  /// org, source-arn, source-account, resource, token and mfa (how many seconds ago), rtag/<key>,
  /// qtag/<key> and ptag/<key> (tags of the request, the queue and the caller), keys (of tags, with
  /// commas between them), or, with a colon in it, any other condition key and its values.
  /// @throws std::invalid_argument for a name that is none of these.
  void set(const std::string& name, const std::string& value);
  void set_action(PolicyAction action) { request_.action = action; }

  /// Good as long as this object, until the next set().
  const AccessRequest& request();
  /// What a policy can see of it, found out without the code under test.
  Context context();

  static const std::vector<std::string>& callers();

 private:
  std::map<std::string, std::string> texts_;
  TagMap request_tags_;
  TagMap queue_tags_;
  TagMap caller_tags_;
  std::vector<std::string> tag_keys_;
  std::map<std::string, std::vector<std::string>> other_values_;
  std::vector<ContextFact> others_;
  AccessRequest request_;
};

}  // namespace millrace::policy_tests
