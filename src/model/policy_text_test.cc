#include "model/policy_text.h"

#include <gtest/gtest.h>

#include <vector>

namespace millrace {
namespace {

const QueueArn& arn() {
  static const QueueArn kArn = QueueArn::parse("arn:aws:sqs:eu-west-1:111122223333:jobs").value();
  return kArn;
}

// A policy of `count` statements, each with `extra` behind its obligatory fields.
std::string policy_of(std::size_t count, const std::string& extra = "") {
  std::string text = R"({"Version":"2012-10-17","Statement":[)";
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += ',';
    text += R"({"Effect":"Allow","Principal":"*","Action":"sqs:*")" + extra + "}";
  }
  return text + "]}";
}

// ["x","x",...]
std::string list_of(std::size_t count) {
  std::string text = "[";
  for (std::size_t i = 0; i < count; ++i) text += i > 0 ? R"(,"x")" : R"("x")";
  return text + "]";
}

ApiError error_of(const std::string& policy) {
  return check_policy(policy).error();
}

TEST(Policy, IsTakenInTheFormsOfTheGuide) {
  for (const std::string& policy :
       {policy_of(1), policy_of(20),
        std::string(
            R"({"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"1"},"NotAction":["a"]}})"),
        std::string(R"({"Version":"2008-10-17","Id":"x","Statement":[{"Sid":"s","Effect":"Allow",
            "Principal":{"AWS":["1","2"],"Service":"sns.amazonaws.com"},"Action":["SQS:a","SQS:b"],
            "Resource":["r"],"Condition":{"ArnEquals":{"aws:SourceArn":["a","b"]},
            "Bool":{"aws:SecureTransport":true},"NumericLessThan":{"aws:TokenAge":3}}}]})")}) {
    EXPECT_TRUE(check_policy(policy)) << policy;
  }
}

TEST(Policy, IsRefusedInAnyOtherForm) {
  for (const std::string& policy :
       {std::string("x"),
        std::string("[]"),
        std::string("{}"),
        policy_of(0),
        std::string(R"({"Statement":"x"})"),
        std::string(R"({"Statement":[1]})"),
        std::string(R"({"Version":"2020-01-01","Statement":[]})"),
        policy_of(1, R"(,"Other":1)"),
        policy_of(1, R"(,"NotAction":"a")"),
        policy_of(1, R"(,"NotPrincipal":"*")"),
        policy_of(1, R"(,"Resource":[])"),
        policy_of(1, R"(,"Resource":[1])"),
        policy_of(1, R"(,"Resource":"a","NotResource":"b")"),
        policy_of(1, R"(,"Condition":"x")"),
        policy_of(1, R"(,"Condition":{"Bool":true})"),
        policy_of(1, R"(,"Condition":{"Bool":{"a":{}}})"),
        policy_of(1, R"(,"Condition":{"Bool":{"a":[]}})"),
        policy_of(1, R"(,"Sid":1)"),
        std::string(R"({"Id":1,"Statement":{"Effect":"Allow","Principal":"*","Action":"a"}})"),
        std::string(R"({"X":1,"Statement":{"Effect":"Allow","Principal":"*","Action":"a"}})"),
        std::string(R"({"Statement":{"Effect":"allow","Principal":"*","Action":"a"}})"),
        std::string(R"({"Statement":{"Effect":"Allow","Principal":"me","Action":"a"}})"),
        std::string(R"({"Statement":{"Effect":"Allow","Principal":{"X":"1"},"Action":"a"}})"),
        std::string(R"({"Statement":{"Effect":"Allow","Principal":{},"Action":"a"}})"),
        std::string(R"({"Statement":{"Effect":"Allow","Principal":"*"}})"),
        std::string(R"({"Statement":{"Effect":"Allow","Action":"a"}})"),
        std::string(R"({"Statement":{"Principal":"*","Action":"a"}})"),
        policy_of(1) + std::string(8192, ' ')}) {
    ASSERT_FALSE(check_policy(policy)) << policy;
    EXPECT_EQ(error_of(policy), ApiError(ErrorCode::invalid_attribute_value,
                                         "Invalid value for the parameter Policy."));
  }
}

TEST(Policy, OfAnIdentityHasNoPrincipalButResources) {
  const auto read = [](const std::string& statement) {
    return read_policy(R"({"Statement":)" + statement + "}", PolicyKind::identity);
  };
  const Expected<boost::json::object> read_one =
      read(R"({"Effect":"Allow","Action":)" + list_of(8) + R"(,"Resource":"*"})");
  ASSERT_TRUE(read_one);
  EXPECT_EQ(read_one->at("Statement").as_array().size(), 1U);
  const auto error_of = [&](const std::string& statement) {
    const Expected<boost::json::object> wrong = read(statement);
    return wrong ? "" : wrong.error().message();
  };
  EXPECT_EQ(error_of(R"({"Effect":"Allow","Action":"a"})"),
            "Statement 1: it needs either Resource or NotResource");
  EXPECT_EQ(error_of(R"({"Effect":"Allow","Resource":"*"})"),
            "Statement 1: it needs either Action or NotAction");
  EXPECT_EQ(error_of(R"({"Effect":"Allow","Action":"a","Resource":"*","Principal":"*"})"),
            "Statement 1: the policy of an identity is for nobody else, so it has no Principal");
  EXPECT_EQ(error_of(R"([{"Effect":"Allow","Action":"a","Resource":"*"},{"Efect":"Allow"}])"),
            "Statement 2: there is no such field: Efect");
  EXPECT_EQ(error_of(R"({"Effect":"Allow","Action":[1],"Resource":"*"})"),
            "Statement 1: Action must be a text, or an array of texts");
  EXPECT_EQ(error_of("3"), "it needs a Statement, an object or an array of objects");
  EXPECT_TRUE(error_of("{").starts_with("it is not JSON: ")) << error_of("{");
}

TEST(Policy, HasQuotas) {
  EXPECT_EQ(error_of(policy_of(21)),
            ApiError(ErrorCode::over_limit, "21 Statements were found, maximum allowed is 20."));
  const auto statement = [](std::size_t principals, std::size_t actions, std::size_t conditions) {
    std::string keys;
    for (std::size_t i = 0; i < conditions; ++i) {
      keys += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":\"v\"";
    }
    return R"({"Statement":{"Effect":"Allow","Principal":{"AWS":)" + list_of(principals) +
           R"(},"Action":)" + list_of(actions) + R"(,"Condition":{"StringEquals":{)" + keys +
           "}}}}";
  };
  EXPECT_TRUE(check_policy(statement(50, 7, 10)));
  EXPECT_EQ(error_of(statement(51, 7, 10)).message(),
            "51 Principals were found, maximum allowed is 50.");
  EXPECT_EQ(error_of(statement(50, 8, 10)).message(),
            "8 Actions were found, maximum allowed is 7.");
  EXPECT_EQ(error_of(statement(50, 7, 11)).message(),
            "11 Conditions were found, maximum allowed is 10.");
}

using Texts = std::vector<std::string>;

Expected<std::string> add(std::string_view policy, std::string_view label,
                          const Texts& accounts = {"444455556666"},
                          const Texts& actions = {"ReceiveMessage"}) {
  return add_permission(policy, arn(), label, accounts, actions);
}

TEST(AddPermission, MakesThePolicyThatSqsMakes) {
  EXPECT_EQ(add("", "one").value(),
            R"({"Version":"2008-10-17","Id":"arn:aws:sqs:eu-west-1:111122223333:jobs/)"
            R"(SQSDefaultPolicy","Statement":[{"Sid":"one","Effect":"Allow","Principal":)"
            R"({"AWS":"arn:aws:iam::444455556666:root"},"Action":"SQS:ReceiveMessage",)"
            R"("Resource":"arn:aws:sqs:eu-west-1:111122223333:jobs"}]})");
}

TEST(AddPermission, WritesSeveralAsLists) {
  const std::string policy =
      add("", "one", {"444455556666", "777788889999"}, {"SendMessage", "*"}).value();
  EXPECT_NE(
      policy.find(R"("Principal":{"AWS":["arn:aws:iam::444455556666:root",)"
                  R"("arn:aws:iam::777788889999:root"]},"Action":["SQS:SendMessage","SQS:*"])"),
      std::string::npos)
      << policy;
  EXPECT_TRUE(check_policy(policy));
}

TEST(AddPermission, AppendsToWhatIsThere) {
  const std::string policy =
      R"({"Id":"mine","Statement":{"Sid":"own","Effect":"Deny","Principal":"*","Action":"sqs:*"}})";
  const std::string added = add(policy, "one").value();
  EXPECT_TRUE(added.starts_with(R"({"Id":"mine","Statement":[{"Sid":"own")")) << added;
  EXPECT_EQ(remove_permission(added, "one").value(),
            R"({"Id":"mine","Statement":[{"Sid":"own","Effect":"Deny","Principal":"*",)"
            R"("Action":"sqs:*"}]})");
}

TEST(AddPermission, RefusesWithTheTextsOfSqs) {
  const auto message = [](const Expected<std::string>& result) { return result.error().message(); };
  EXPECT_EQ(message(add("", "")), "The request must contain the parameter Label.");
  EXPECT_EQ(message(add("", "a", {})), "The request must contain the parameter AWSAccountIds.");
  EXPECT_EQ(message(add("", "a", {"444455556666"}, {})),
            "The request must contain the parameter ActionName.");
  EXPECT_EQ(message(add("", "a", {"444455556666"}, {"DeleteQueue"})),
            "Value SQS:DeleteQueue for parameter ActionName is invalid. Reason: Only the queue "
            "owner is allowed to invoke this action.");
  EXPECT_EQ(message(add("", "a", {"444455556666"}, {"Foo"})),
            "Value SQS:Foo for parameter ActionName is invalid. Reason: Please refer to the "
            "appropriate WSDL for a list of valid actions.");
  EXPECT_EQ(add("", "a", {"444455556666"}, Texts(8, "SendMessage")).error(),
            ApiError(ErrorCode::over_limit, "8 Actions were found, maximum allowed is 7."));
  EXPECT_EQ(message(add(add("", "a").value(), "a")),
            "Value a for parameter Label is invalid. Reason: Already exists.");
  EXPECT_FALSE(add("", "a b"));
  EXPECT_FALSE(add("", std::string(81, 'a')));
  EXPECT_TRUE(add("", std::string(80, 'a')));
  EXPECT_FALSE(add("", "a", {"12345"}));
  EXPECT_EQ(add(policy_of(20), "a").error(),
            ApiError(ErrorCode::over_limit, "21 Statements were found, maximum allowed is 20."));
}

TEST(RemovePermission, LeavesNothingBehindTheLastLabel) {
  const std::string two = add(add("", "one").value(), "two").value();
  const std::string one = remove_permission(two, "two").value();
  EXPECT_EQ(one, add("", "one").value());
  EXPECT_EQ(remove_permission(one, "one").value(), "");
}

TEST(RemovePermission, RefusesUnknownLabels) {
  EXPECT_EQ(remove_permission("", "").error().message(),
            "The request must contain the parameter Label.");
  for (const std::string& policy : {std::string(), policy_of(1), add("", "one").value()}) {
    EXPECT_EQ(remove_permission(policy, "two").error(),
              ApiError(ErrorCode::invalid_parameter_value,
                       "Value two for parameter Label is invalid. Reason: can't find label."));
  }
}

}  // namespace
}  // namespace millrace
