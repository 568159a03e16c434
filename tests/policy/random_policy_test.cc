// Random policies and requests: the evaluator must decide as the naive one does. RapidCheck shrinks
// what they disagree about and prints how to run it again.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "policy/decision_words.h"
#include "policy/facts.h"
#include "policy/naive_policy.h"

namespace millrace::policy_tests {
namespace {

namespace json = boost::json;

std::string one_of(const std::vector<std::string>& texts) {
  return *rc::gen::elementOf(texts);
}

// A number below `bound`; it shrinks to 0.
int below(int bound) {
  return *rc::gen::inRange(0, bound);
}

// One to three of `texts`, one of them at times not in an array.
json::value some_of(const std::vector<std::string>& texts) {
  const int count = below(3);
  if (count == 0) return json::value(one_of(texts));
  json::array list;
  for (int i = 0; i <= count; ++i) list.emplace_back(one_of(texts));
  return list;
}

json::value random_principals() {
  if (below(3) == 0) return "*";
  if (below(4) == 0)
    return json::object{{"Service", some_of({"sns.amazonaws.com", "s3.amazonaws.com"})}};
  static const std::vector<std::string> kNames = {
      "*",
      "111122223333",
      "444455556666",
      "arn:aws:iam::111122223333:root",
      "arn:aws:iam::444455556666:root",
      "arn:aws:iam::111122223333:user/team/alice",
      "arn:aws:iam::111122223333:user/alice",
      "arn:aws:iam::111122223333:role/app/worker",
      "arn:aws:sts::111122223333:assumed-role/worker/night",
      "arn:aws:sts::444455556666:assumed-role/fetch/run",
      "arn:aws:iam::444455556666:user/carol",
      "AIDAALICEALICEALICE0",
      "AROAFETCHFETCHFETCH0"};
  return json::object{{"AWS", some_of(kNames)}};
}

// A text of few different characters, so that wildcards meet what they stand for.
std::string random_word(const std::vector<std::string>& pieces, int length_max) {
  std::string word;
  const int length = below(length_max + 1);
  for (int i = 0; i < length; ++i) word += one_of(pieces);
  return word;
}

std::string random_text() {
  return random_word({"a", "b", "A", "*", "?", "$"}, 5);
}

std::string random_pattern() {
  return random_word({"a", "b", "*", "?", "A", "${*}", "${?}", "${$}", "${aws:Referer}",
                      "${aws:username}", "${AWS:Referer,'b'}", "${aws:TagKeys, 'a'}"},
                     5);
}

std::string random_arn() {
  std::string arn;
  for (const char* part : {"arn", "aws", "sns", "eu-west-1", "111122223333"}) {
    arn += (below(4) == 0 ? "x" : std::string(part)) + ":";
  }
  return arn + random_text();
}

std::string random_arn_pattern() {
  if (below(12) == 0) return "*";
  std::string arn = one_of({"arn", "*", "a?n"});
  const int parts = below(4) == 0 ? below(4) + 1 : 4;
  const char* const names[] = {"aws", "sns", "eu-west-1", "111122223333"};
  for (int i = 0; i < parts; ++i) {
    arn += ":" + (below(3) == 0 ? one_of({"*", "??*", "", "x", "${aws:SourceAccount}"})
                                : std::string(names[i]));
  }
  return parts < 4 ? arn : arn + ":" + random_pattern();
}

// A kind of operators: their names, the keys that go with them, and a value of a policy for them.
struct OperatorKind {
  std::vector<std::string> names;
  std::vector<std::string> keys;
  std::string (*value)();
};

const std::vector<OperatorKind>& operator_kinds() {
  static const std::vector<OperatorKind> kKinds = {
      {{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase"},
       {"aws:UserAgent", "aws:Referer", "aws:TagKeys", "aws:RequestTag/a", "sqs:Many", "sqs:None"},
       random_pattern},
      {{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
        "NumericGreaterThan", "NumericGreaterThanEquals"},
       {"aws:MultiFactorAuthAge", "aws:TokenAge", "sqs:Many", "aws:UserAgent"},
       [] {
         return one_of({"0", "1", "2", "2.5", "-1", "3e0"});
       }},
      {{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan",
        "DateGreaterThanEquals"},
       {"aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime", "aws:UserAgent"},
       [] {
         return one_of({"2026-09-21T14:13:20Z", "1790000000", "1789999999", "2026-09-21T14:13:18Z",
                        "2026", "2027", "2026-09-22"});
       }},
      {{"Bool"},
       {"aws:SecureTransport", "aws:MultiFactorAuthPresent", "aws:UserAgent"},
       [] {
         return one_of({"true", "false", "True"});
       }},
      {{"IpAddress", "NotIpAddress"},
       {"aws:SourceIp", "aws:UserAgent"},
       [] {
         return one_of({"10.0.0.0/8", "10.1.2.3", "10.1.2.0/31", "0.0.0.0/0", "::/0",
                        "2001:db8::/32", "2001:db8::1"});
       }},
      {{"ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"},
       {"aws:SourceArn", "aws:PrincipalArn", "aws:UserAgent"},
       random_arn_pattern},
      {{"BinaryEquals"},
       {"sqs:Many", "aws:UserAgent"},
       [] {
         return one_of({"YQ==", "Yg=="});
       }},
      {{"Null"}, {"aws:TokenIssueTime", "aws:TagKeys", "aws:UserAgent", "sqs:Many"}, [] {
         return one_of({"true", "false"});
       }}};
  return kKinds;
}

void add_random_condition(json::object& conditions) {
  const OperatorKind& kind = *rc::gen::elementOf(operator_kinds());
  std::string name = one_of(kind.names);
  if (name != "Null") {
    name = one_of({"", "", "ForAnyValue:", "ForAllValues:"}) + name + one_of({"", "", "IfExists"});
  }
  json::array values;
  for (int i = 0; i <= below(3); ++i) values.emplace_back(kind.value());
  json::value& keys = conditions[name];
  if (!keys.is_object()) keys = json::object();
  keys.get_object()[one_of(kind.keys)] = std::move(values);
}

json::object random_statement(bool for_queue) {
  json::object statement{{"Effect", below(3) == 0 ? "Deny" : "Allow"}};
  if (for_queue) statement[below(4) == 0 ? "NotPrincipal" : "Principal"] = random_principals();
  static const std::vector<std::string> kActions = {
      "*", "sqs:*", "SQS:SendMessage", "sqs:receive*", "sqs:*Queue?", "sqs:Delete*", "sqs:Get*"};
  statement[below(4) == 0 ? "NotAction" : "Action"] = some_of(kActions);
  if (!for_queue || below(2) == 0) {
    static const std::vector<std::string> kResources = {
        "*",
        std::string(kQueue),
        "arn:aws:sqs",
        "arn:aws:sqs:eu-*",
        "arn:aws:sqs:*:*:j?bs",
        "arn:aws:sqs:*:*:${aws:username}",
        "arn:aws:sqs:eu-west-1:111122223333:${aws:Referer, 'jobs'}"};
    statement[below(4) == 0 ? "NotResource" : "Resource"] = some_of(kResources);
  }
  const int conditions = below(4) - 1;
  if (conditions >= 0) statement["Condition"] = json::object();
  for (int i = 0; i < conditions; ++i) {
    add_random_condition(statement["Condition"].get_object());
  }
  return statement;
}

// A policy of at most three statements, or null.
json::value random_policy(bool for_queue) {
  json::array statements;
  const int count = below(4);
  for (int i = 0; i < count; ++i) statements.emplace_back(random_statement(for_queue));
  if (statements.empty()) return nullptr;
  return json::object{{"Version", below(5) == 0 ? "2008-10-17" : "2012-10-17"},
                      {"Statement", std::move(statements)}};
}

void set_random_facts(Facts& facts) {
  const auto rows = policy_actions();
  facts.set_action(rows[static_cast<std::size_t>(below(static_cast<int>(rows.size())))].action);
  const auto maybe = [&](const char* name, const std::string& value) {
    if (below(2) == 0) facts.set(name, value);
  };
  maybe("agent", random_text());
  maybe("referer", random_text());
  maybe("ip", one_of({"10.1.2.3", "10.1.2.1", "11.0.0.1", "2001:db8::1", "2001:db9::1"}));
  maybe("tls", "yes");
  maybe("token", one_of({"2", "3"}));
  maybe("mfa", one_of({"0", "1", "2"}));
  maybe("source-arn", random_arn());
  maybe("source-account", "111122223333");
  maybe("keys", one_of({"a", "b", "a,b", "ab,A"}));
  maybe("rtag/A", random_text());
  maybe("sqs:Many", one_of({"1", "1,2", "a", "a,b", "x,2.5"}));
}

TEST(RandomPolicy, DecidesAsTheNaiveEvaluatorDoes) {
  const QueueArn queue_arn = QueueArn::parse(kQueue).value();
  int decided = 0;
  const bool agreed = rc::check("random policies and requests", [&] {
    Facts facts(one_of(Facts::callers()));
    set_random_facts(facts);
    std::vector<json::value> identity;
    std::vector<PolicyPointer> identity_policies;
    for (int count = below(4); count > 0; --count) {
      json::value policy = random_policy(false);
      if (policy.is_null()) continue;
      RC_LOG() << "identity " << policy << "\n";
      identity_policies.push_back(
          std::make_shared<const Policy>(Policy::of_identity(json::serialize(policy)).value()));
      identity.push_back(std::move(policy));
    }
    const json::value queue = random_policy(true);
    RC_LOG() << "queue " << queue << "\n";
    std::optional<Policy> queue_policy;
    if (!queue.is_null()) {
      Expected<Policy> policy = Policy::of_queue(json::serialize(queue), queue_arn);
      RC_PRE(policy.has_value());  // a policy about other queues alone is refused
      queue_policy = std::move(*policy);
    }
    const Decision decision =
        decide(facts.request(), identity_policies, queue_policy ? &*queue_policy : nullptr);
    RC_ASSERT(words_of(decision) ==
              decide_naively(identity, queue, facts.request(), facts.context()));
    if (decision.statement) ++decided;
  });
  EXPECT_TRUE(agreed);
  EXPECT_GT(decided, 0);
}

}  // namespace
}  // namespace millrace::policy_tests
