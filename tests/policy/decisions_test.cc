// Reads decisions.txt and asks both the evaluator and the naive one for every decision in it.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "policy/decision_words.h"
#include "policy/facts.h"
#include "policy/naive_policy.h"

namespace millrace::policy_tests {
namespace {

namespace json = boost::json;

/// The policies of a section, as the lines so far have made them.
struct Policies {
  std::string version = "2012-10-17";
  std::vector<json::array> identity;
  json::array queue;

  json::value document(const json::array& statements) const {
    if (statements.empty()) return nullptr;
    return json::object{{"Version", version}, {"Statement", statements}};
  }
};

std::string with_queue_arn(std::string text) {
  constexpr std::string_view kMark = "<queue>";
  for (std::size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark)) {
    text.replace(at, kMark.size(), kQueue);
  }
  return text;
}

// The words of a line; what stands in double quotes is one, or part of one.
std::vector<std::string> words_in(const std::string& line) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

// Decides about the request of `words`, [<caller>] [<action>] [<fact>=<value>…], with both
// evaluators. @return what they say, or both answers when they differ.
std::string decide_both(const std::vector<std::string>& words, const Policies& policies) {
  std::string caller = "nobody";
  std::string action = "SendMessage";
  std::size_t plain = 0;
  for (; plain < words.size() && words[plain].find('=') == std::string::npos; ++plain) {
    (words[plain][0] >= 'A' && words[plain][0] <= 'Z' ? action : caller) = words[plain];
  }
  Facts facts(caller);
  facts.set_action(policy_action_of(action).value());
  for (std::size_t i = plain; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    facts.set(words[i].substr(0, equals), words[i].substr(equals + 1));
  }

  std::vector<json::value> identity;
  std::vector<PolicyPointer> identity_policies;
  for (const json::array& statements : policies.identity) {
    identity.push_back(policies.document(statements));
    identity_policies.push_back(std::make_shared<const Policy>(
        Policy::of_identity(json::serialize(identity.back())).value()));
  }
  const json::value queue = policies.document(policies.queue);
  std::optional<Policy> queue_policy;
  if (!queue.is_null()) {
    queue_policy =
        Policy::of_queue(json::serialize(queue), QueueArn::parse(kQueue).value()).value();
  }
  const std::string answer =
      words_of(decide(facts.request(), identity_policies, queue_policy ? &*queue_policy : nullptr));
  const std::string naive = decide_naively(identity, queue, facts.request(), facts.context());
  return answer == naive ? answer : answer + ", naively " + naive;
}

// Adds the statement `<effect> <fields>` to `statements`.
void add_statement(const std::string& text, json::array& statements) {
  const std::size_t space = text.find(' ');
  json::object statement{{"Effect", text.substr(0, space)}};
  const json::value fields = json::parse(with_queue_arn(text.substr(space + 1)));
  for (const json::key_value_pair& field : fields.as_object()) {
    statement[field.key()] = field.value();
  }
  statements.emplace_back(std::move(statement));
}

// Runs one line. @return what is wrong with it, or nothing.
std::string run_line(const std::string& line, Policies& policies, int& decisions) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string word = line.substr(0, space);
  const std::string rest = space < line.size() ? line.substr(space + 1) : "";
  if (word == "==") {
    policies = Policies();
  } else if (word == "version") {
    policies.version = rest;
  } else if (word == "queue") {
    add_statement(rest, policies.queue);
  } else if (word == "identity" || word == "further") {
    if (word == "further" || policies.identity.empty()) policies.identity.emplace_back();
    json::array& statements = policies.identity.back();
    add_statement(rest, statements);
    json::object& added = statements.back().as_object();
    if (!added.contains("Resource") && !added.contains("NotResource")) added["Resource"] = "*";
  } else if (word == "if") {
    policies.queue = {json::object{{"Effect", "Allow"},
                                   {"Principal", "*"},
                                   {"Action", "sqs:*"},
                                   {"Condition", json::parse(with_queue_arn(rest))}}};
  } else if (word == "holds" || word == "fails") {
    ++decisions;
    const std::string answer = decide_both(words_in(rest), policies);
    const bool held = answer == "allowed by queue 1";
    const bool failed = answer == "no queue" || answer == "no identity";
    if (word == "holds" ? !held : !failed) return answer;
  } else {
    ++decisions;
    const std::size_t arrow = line.find(" -> ");
    if (arrow == std::string::npos) return "a line without a decision";
    const std::string answer = decide_both(words_in(line.substr(0, arrow)), policies);
    if (answer != line.substr(arrow + 4)) return answer;
  }
  return {};
}

TEST(PolicyDecisions, AreThoseOfTheTable) {
  std::ifstream file(POLICY_DIR "/decisions.txt");
  ASSERT_TRUE(file);
  Policies policies;
  int decisions = 0;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.starts_with("#")) continue;
    try {
      const std::string wrong = run_line(line, policies, decisions);
      EXPECT_EQ(wrong, "") << "decisions.txt:" << number << ": " << line;
    } catch (const std::exception& failed) {
      ADD_FAILURE() << "decisions.txt:" << number << ": " << line << "\n" << failed.what();
    }
  }
  EXPECT_GT(decisions, 300);
}

}  // namespace
}  // namespace millrace::policy_tests
