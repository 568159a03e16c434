#include "service/policy_tester.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/service_fixture.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;

class TestPolicy : public ServiceFixture {
 protected:
  void SetUp() override {
    context_->action = "GetQueueAttributes";
    ASSERT_TRUE(create("q"));
  }

  static api::TestPolicyRequest about(std::vector<std::string> actions,
                                      std::optional<std::string> policy = {},
                                      std::string principal = {}, api::TextMap context = {}) {
    api::TestPolicyRequest request;
    request.actions = std::move(actions);
    request.policy = std::move(policy);
    request.principal_arn = std::move(principal);
    request.context = std::move(context);
    return request;
  }

  /// Each action with what is decided, or the error.
  std::vector<std::string> test(api::TestPolicyRequest request) {
    request.queue_url = url("q");
    const auto response = ask(test_policy, std::move(request));
    if (!response) return {response.error().message()};
    std::vector<std::string> results;
    for (const api::TestedAction& result : response->results) {
      std::string& text = results.emplace_back(result.action + " " + result.decision);
      for (const api::TestedStatement& statement : result.statements) {
        text += " " + statement.source + std::to_string(statement.index) + statement.sid;
      }
    }
    return results;
  }

  std::string policy(const std::string& statements) const {
    return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
  }
  std::string statement(const std::string& effect, const std::string& fields) const {
    return R"({"Effect":")" + effect +
           R"(","Principal":"*","Action":"sqs:SendMessage","Resource":")" + arn("q") + "\"" +
           fields + "}";
  }
};

TEST_F(TestPolicy, TellsWhichStatementDecides) {
  const std::string text =
      policy(statement("Allow", R"(,"Sid":"All")") + "," +
             statement("Deny", R"(,"Condition":{"Bool":{"aws:SecureTransport":"false"}})"));
  EXPECT_THAT(test(about({"SendMessage", "sqs:ReceiveMessage"}, text)),
              ElementsAre("SendMessage explicitDeny queue1", "ReceiveMessage implicitDeny"));
  EXPECT_THAT(test(about({"SQS:SendMessage"}, text, "*", {{"aws:SecureTransport", "true"}})),
              ElementsAre("SendMessage allowed queue0All"));
}

TEST_F(TestPolicy, TakesAllKindsOfPrincipals) {
  const std::string text = policy(
      statement("Allow", R"(,"Condition":{"StringLike":{"aws:PrincipalArn":"*:role/worker"}})"));
  const auto decide = [&](const std::string& principal) {
    return test(about({"SendMessage"}, text, principal)).front();
  };
  EXPECT_EQ(decide("arn:aws:sts::444455556666:assumed-role/worker/one"),
            "SendMessage implicitDeny queue0")
      << "its own account must allow it, too";
  EXPECT_EQ(decide("arn:aws:iam::444455556666:root"), "SendMessage implicitDeny");
  EXPECT_EQ(decide("sns.amazonaws.com"), "SendMessage implicitDeny");
  for (const char* wrong : {"ada", "arn:aws:iam::1:root", "arn:aws:iam::444455556666:group/x",
                            "arn:aws:sts::444455556666:user/ada"}) {
    EXPECT_THAT(decide(wrong), ::testing::HasSubstr("for parameter PrincipalArn is invalid"));
  }
  api::TestPolicyRequest of_root = about({"PurgeQueue"});
  of_root.account_id = kAccount.text();
  EXPECT_EQ(test(std::move(of_root)).front(), "PurgeQueue allowed");
}

TEST_F(TestPolicy, SaysWhatItCannotRead) {
  EXPECT_THAT(test(about({}, "{}")).front(), ::testing::HasSubstr("Policy"));
  EXPECT_THAT(test(about({"Publish"})).front(), ::testing::HasSubstr("no action of SQS"));
  for (const char* action : {"ListAccessKeys", "sqs", "sqs:", ""}) {
    EXPECT_THAT(test(about({action})).front(), ::testing::HasSubstr("no action of SQS")) << action;
  }
  EXPECT_THAT(test(about({}, {}, {}, {{"aws:CurrentTime", "soon"}})).front(),
              ::testing::HasSubstr("Context.aws:CurrentTime"));
  EXPECT_EQ(test(about({})).size(), 20u);
}

}  // namespace
}  // namespace millrace
