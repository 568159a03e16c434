// What a policy document must be. What policies decide is in tests/policy/.
#include "auth/policy.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

constexpr std::string_view kQueue = "arn:aws:sqs:eu-west-1:111122223333:jobs";

Expected<Policy> of_queue(const std::string& statement, const std::string& version = "2012-10-17") {
  return Policy::of_queue(R"({"Version":")" + version + R"(","Statement":)" + statement + "}",
                          QueueArn::parse(kQueue).value());
}

// A statement that is good but for `fields`, which may take the place of its own.
std::string statement_with(const std::string& fields) {
  std::string text = R"({"Effect":"Allow")";
  if (fields.find(R"(Principal":)") == std::string::npos) text += R"(,"Principal":"*")";
  if (fields.find(R"(Action":)") == std::string::npos) text += R"(,"Action":"sqs:*")";
  return text + "," + fields + "}";
}

TEST(PolicyOfQueue, IsRefusedWhereItMeansNothing) {
  for (const char* fields : {
           R"("Action":"sns:Publish")",
           R"("Action":"SendMessage")",
           R"("Action":["sqs:SendMessage","s3:*"])",
           R"("Action":"")",
           R"("NotAction":"sns:*")",
           R"("Principal":{"AWS":"me"})",
           R"("Principal":{"AWS":"12345"})",
           R"("Principal":{"AWS":"arn:aws:iam::111122223333:user/*"})",
           R"("Principal":{"AWS":"arn:aws:iam::111122223333:user/"})",
           R"("Principal":{"AWS":"arn:aws:iam::111122223333:group/x"})",
           R"("Principal":{"AWS":"arn:aws:iam::1:root"})",
           R"("Principal":{"AWS":"arn:aws:iam:eu-west-1:111122223333:root"})",
           R"("Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/x"})",
           R"("Principal":{"AWS":"arn:mars:iam::111122223333:root"})",
           R"("Principal":{"AWS":"arn:aws:s3:::bucket"})",
           R"("Principal":{"AWS":["*","me"]})",
           R"("Principal":{"Service":"sns"})",
           R"("Principal":{"Service":"*"})",
           R"("NotPrincipal":{"AWS":"${aws:username}"})",
           R"("Resource":"jobs")",
           R"("Resource":"*:sqs:x")",
           R"("Resource":"https://sqs/1/q")",
           R"("Resource":"arn:aws:sqs:eu-west-1:111122223333:other")",
           R"("Resource":"arn:aws:sqs:eu-west-1:444455556666:*")",
           R"("NotResource":"*")",
           R"("NotResource":["arn:aws:sqs:*:*:jo*"])",
           R"("Resource":"arn:aws:sqs:eu-west-1:${aws:PrincipalAccount}:jobs")",
           R"("Resource":"arn:aws:sqs:*:*:${aws:username")",
           R"("Resource":"arn:aws:sqs:*:*:${}")",
           R"("Resource":"arn:aws:sqs:*:*:${a b}")",
           R"("Resource":"arn:aws:sqs:*:*:${a, b}")",
           R"("Resource":"arn:aws:sqs:*:*:${a, 'b}")",
           R"("Condition":{"StringIs":{"aws:UserAgent":"x"}})",
           R"("Condition":{"IfExists":{"aws:UserAgent":"x"}})",
           R"("Condition":{"NullIfExists":{"aws:UserAgent":"true"}})",
           R"("Condition":{"ForAnyValue:Null":{"aws:UserAgent":"true"}})",
           R"("Condition":{"ForSomeValue:StringEquals":{"aws:UserAgent":"x"}})",
           R"("Condition":{"ForAnyValue:ForAllValues:StringEquals":{"aws:UserAgent":"x"}})",
           R"("Condition":{"StringEquals":{"":"x"}})",
           R"("Condition":{"StringEquals":{"aws:UserAgent":"${aws:username"}})",
           R"("Condition":{"NumericEquals":{"aws:TokenAge":"ten"}})",
           R"("Condition":{"NumericEquals":{"aws:TokenAge":""}})",
           R"("Condition":{"NumericEquals":{"aws:TokenAge":"inf"}})",
           R"("Condition":{"NumericEquals":{"aws:TokenAge":"${aws:TokenAge}"}})",
           R"("Condition":{"DateEquals":{"aws:CurrentTime":"yesterday"}})",
           R"("Condition":{"DateEquals":{"aws:CurrentTime":"2026-02-30"}})",
           R"("Condition":{"Bool":{"aws:SecureTransport":"yes"}})",
           R"("Condition":{"Null":{"aws:SecureTransport":"x"}})",
           R"("Condition":{"BinaryEquals":{"x":"***"}})",
           R"("Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}})",
           R"("Condition":{"IpAddress":{"aws:SourceIp":"10.0.0/8"}})",
           R"("Condition":{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","here"]}})",
           R"("Condition":{"ArnLike":{"aws:SourceArn":"topic"}})",
           R"("Condition":{"ArnEquals":{"aws:SourceArn":"urn:aws:sns:::x"}})",
       }) {
    const Expected<Policy> policy = of_queue(statement_with(fields));
    ASSERT_FALSE(policy) << fields;
    EXPECT_EQ(policy.error(), ApiError(ErrorCode::invalid_attribute_value,
                                       "Invalid value for the parameter Policy."));
  }
}

TEST(PolicyOfQueue, IsTakenWhereItMeansSomething) {
  for (
      const char* fields : {
          R"("Sid":"")",
          R"("Action":"sqs:NoSuchAction")",
          R"("Principal":{"AWS":"AIDAEXAMPLEEXAMPLE00"})",
          R"("Principal":{"AWS":"arn:aws-cn:iam::111122223333:role/a/b/c"})",
          R"("Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/r/s"})",
          R"("Principal":{"CanonicalUser":"x","Federated":"y"})",
          R"("Resource":"arn:aws:sqs:*:*:${aws:PrincipalTag/team}")",
          R"("Resource":["arn:aws:sqs:eu-west-1:111122223333:other","arn:aws:sqs:*:*:j*"])",
          R"("NotResource":"arn:aws:sqs:*:*:other")",
          R"("Condition":{"ArnLike":{"aws:SourceArn":["*","arn:aws:sns:*","arn:*:${a:b}:*:*:x"]}})",
          R"("Condition":{"IpAddress":{"aws:SourceIp":["::ffff:10.0.0.0/104","fe80::/10"]}})",
          R"("Condition":{"NumericLessThan":{"aws:TokenAge":[1,2.5,"-3"]}})",
      }) {
    EXPECT_TRUE(of_queue(statement_with(fields))) << fields;
  }
}

TEST(PolicyOfQueue, OfTheOlderVersionHasNoVariablesToBeBroken) {
  const std::string statement =
      statement_with(R"("Condition":{"StringEquals":{"aws:UserAgent":"${"}})");
  EXPECT_TRUE(of_queue(statement, "2008-10-17"));
  EXPECT_FALSE(of_queue(statement, "2012-10-17"));
}

TEST(PolicyOfQueue, MayAlsoSpeakOfOtherQueues) {
  const std::string other =
      statement_with(R"("Resource":"arn:aws:sqs:eu-west-1:111122223333:other")");
  const std::string ours =
      statement_with(R"("Resource":"arn:aws:sqs:eu-west-1:111122223333:jobs")");
  EXPECT_TRUE(of_queue("[" + other + "," + ours + "]"));
  EXPECT_FALSE(of_queue("[" + other + "," + other + "]"));
}

TEST(PolicyOfQueue, HasTheShapeAndTheQuotasOfPolicies) {
  EXPECT_FALSE(of_queue("[]"));
  EXPECT_FALSE(of_queue("{}"));
  std::string statements = "[" + statement_with(R"("Sid":"0")");
  for (int i = 1; i < 21; ++i) statements += "," + statement_with(R"("Sid":"x")");
  EXPECT_EQ(of_queue(statements + "]").error(),
            ApiError(ErrorCode::over_limit, "21 Statements were found, maximum allowed is 20."));
}

TEST(PolicyOfIdentity, SaysWhatIsWrong) {
  const auto message = [](const std::string& statements) {
    return Policy::of_identity(R"({"Version":"2012-10-17","Statement":)" + statements + "}")
        .error()
        .message();
  };
  const std::string good = R"({"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"})";
  EXPECT_EQ(message("[" + good + R"(,{"Effect":"Allow","Action":"Send","Resource":"*"}])"),
            "Statement 2: Invalid action: Send");
  EXPECT_EQ(message(R"({"Effect":"Allow","Action":"*","Resource":"jobs"})"),
            "Statement 1: Invalid resource: jobs");
  EXPECT_EQ(message(R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Is":{"a":1}}})"),
            "Statement 1: Unknown condition operator: Is");
  EXPECT_EQ(message(R"({"Effect":"Allow","Action":"*","Resource":"*",
                        "Condition":{"Bool":{"aws:SecureTransport":"on"}}})"),
            "Statement 1: Bool cannot compare with: on");
  EXPECT_EQ(message(R"({"Effect":"Allow","Action":"*"})"),
            "Statement 1: it needs either Resource or NotResource");
  EXPECT_TRUE(message(good + "x").starts_with("it is not JSON: ")) << message(good + "x");
}

TEST(Policy, TellsWhichStatementDecides) {
  const Policy policy = of_queue(R"([
      {"Sid":"first","Effect":"Allow","Principal":"*","Action":"sqs:ReceiveMessage"},
      {"Sid":"second","Effect":"Allow","Principal":"*","Action":"sqs:*"},
      {"Effect":"Deny","Principal":"*","Action":"sqs:PurgeQueue"}])")
                            .value();
  AccessRequest request;
  request.resource = kQueue;
  request.action = PolicyAction::receive_message;
  EXPECT_EQ(policy.evaluate(request)->sid, "first");
  request.action = PolicyAction::send_message;
  EXPECT_EQ(policy.evaluate(request)->sid, "second");
  EXPECT_EQ(policy.evaluate(request)->index, 1U);
  request.action = PolicyAction::purge_queue;
  EXPECT_FALSE(policy.evaluate(request)->allows);
  EXPECT_EQ(policy.evaluate(request)->index, 2U);
  EXPECT_EQ(policy.evaluate(request)->sid, "");
}

}  // namespace
}  // namespace millrace
