// Fuzzes the compiling of policies: whatever is taken as a policy of a queue has the shape of one,
// compiles alike again, and can be asked about requests.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/decision.h"
#include "base/check.h"
#include "model/policy_text.h"

namespace millrace {
namespace {

const std::string kQueue = "arn:aws:sqs:eu-west-1:111122223333:jobs";

AccessRequest request_of(PrincipalKind kind, const TagMap& tags,
                         const std::vector<std::string>& tag_keys) {
  AccessRequest request;
  request.principal.kind = kind;
  if (kind == PrincipalKind::service) {
    request.principal.name = "sns.amazonaws.com";
  } else if (kind != PrincipalKind::anonymous) {
    request.principal.account = "111122223333";
    request.principal.arn = "arn:aws:iam::111122223333:user/alice";
    request.principal.name = "alice";
    request.principal.id = "AIDAALICEALICEALICE0";
    request.principal.token_issued = Timestamp{1'780'000'000'000};
  }
  request.resource = kQueue;
  request.now = Timestamp{1'790'000'000'000};
  request.source_ip = "203.0.113.7";
  request.user_agent = "aws-cli/2.0";
  request.source_arn = "arn:aws:sns:eu-west-1:111122223333:topic";
  request.resource_tags = &tags;
  request.tag_keys = tag_keys;
  return request;
}

void read(std::string_view text) {
  static const QueueArn kArn = QueueArn::parse(kQueue).value();
  static const TagMap kTags = {{"team", "red"}};
  static const std::vector<std::string> kTagKeys = {"team", "stage"};
  const Expected<Policy> queue = Policy::of_queue(text, kArn);
  const Expected<Policy> again = Policy::of_queue(text, kArn);
  Expected<Policy> identity = Policy::of_identity(text);
  CHECK(queue.has_value() == again.has_value());
  if (queue) CHECK(check_policy(text) && !identity);
  std::vector<PolicyPointer> identity_policies;
  if (identity) {
    identity_policies.push_back(std::make_shared<const Policy>(std::move(*identity)));
  } else {
    CHECK(!identity.error().message().empty());
  }

  for (const PrincipalKind kind :
       {PrincipalKind::anonymous, PrincipalKind::user, PrincipalKind::service}) {
    AccessRequest request = request_of(kind, kTags, kTagKeys);
    for (const PolicyActionRow& row : policy_actions()) {
      request.action = row.action;
      const Decision decision = decide(request, identity_policies, queue ? &*queue : nullptr);
      const Decision same = decide(request, identity_policies, again ? &*again : nullptr);
      CHECK(decision.reason == same.reason);
      if (!decision.allowed()) CHECK(!access_denied(decision, request).message().empty());
    }
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::read({reinterpret_cast<const char*>(data), size});
  return 0;
}
