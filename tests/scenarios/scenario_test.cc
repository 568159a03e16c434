// Runs every scenario of this folder through both protocols, over a whole server in memory.
#include "scenarios/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>

#include "scenarios/protocols.h"
#include "scenarios/world.h"

namespace millrace::scenarios {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(SCENARIO_DIR)) {
    if (entry.path().extension() == ".txt" && entry.path().filename() != "CMakeLists.txt") {
      names.push_back(entry.path().stem());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// One run of one scenario through one protocol.
class ScenarioRun {
 public:
  explicit ScenarioRun(Protocol protocol) : protocol_(protocol) {}

  /// @return what is wrong, or nothing.
  std::string step(const Step& step) {
    switch (step.kind) {
      case Step::Kind::request:
        return finish(begin(step), step);
      case Step::Kind::advance:
        world_.advance(step.advance);
        return {};
      case Step::Kind::as:
        access_key_ = step.name;
        return {};
      case Step::Kind::start:
        started_[step.name] = begin(step);
        return {};
      case Step::Kind::waits:
        return started_.at(step.name)->answered() ? "it has been answered already" : "";
      case Step::Kind::finish:
        return finish(started_.at(step.name), step);
      case Step::Kind::hang_up:
        started_.at(step.name)->hang_up();
        return {};
      case Step::Kind::restart:
        world_.restart();
        return {};
    }
    return "a step of no kind";
  }

 private:
  std::shared_ptr<Exchange> begin(const Step& step) {
    const std::string text = with_bindings(step.request, bindings_);
    auto exchange = std::make_shared<Exchange>(protocol_, step.action,
                                               boost::json::parse(text).as_object(), access_key_);
    all_.push_back(exchange);
    world_.send(*exchange);
    return exchange;
  }

  std::string finish(const std::shared_ptr<Exchange>& exchange, const Step& step) {
    if (!world_.finish(*exchange)) return "no answer comes";
    return difference(step.answer, exchange->reply(), bindings_);
  }

  const Protocol protocol_;
  std::vector<std::shared_ptr<Exchange>> all_;  // outlive the world, which may still answer them
  World world_;
  std::string access_key_;
  Bindings bindings_;
  std::map<std::string, std::shared_ptr<Exchange>> started_;
};

class ScenarioTest : public ::testing::TestWithParam<std::tuple<std::string, Protocol>> {};

TEST_P(ScenarioTest, GetsTheAnswersThatAreWritten) {
  const auto& [name, protocol] = GetParam();
  const fs::path path = fs::path(SCENARIO_DIR) / (name + ".txt");
  ScenarioRun run(protocol);
  for (const Step& step : read_scenario(read_text(path))) {
    const std::string wrong = run.step(step);
    ASSERT_EQ(wrong, "") << path.string() << ":" << step.line << ": " << step.action;
  }
}

INSTANTIATE_TEST_SUITE_P(Scenarios, ScenarioTest,
                         ::testing::Combine(::testing::ValuesIn(scenario_names()),
                                            ::testing::Values(Protocol::json, Protocol::query)),
                         [](const auto& test) {
                           return std::get<0>(test.param) +
                                  (std::get<1>(test.param) == Protocol::json ? "_json" : "_query");
                         });

// --- the runner itself ---------------------------------------------------------------------------

ReadReply reply_of(std::string_view value) {
  return {.status = 200, .value = boost::json::parse(value), .code = {}, .message = {}};
}

TEST(Scenario, AnswersMustMatchInFull) {
  Bindings bindings;
  EXPECT_EQ(difference(R"({"A": "x", "B": ["1", "2"]})", reply_of(R"({"A":"x","B":["1","2"]})"),
                       bindings),
            "");
  for (const char* other :
       {R"({"A":"y","B":["1","2"]})", R"({"A":"x","B":["2","1"]})", R"({"A":"x","B":["1"]})",
        R"({"A":"x"})", R"({"A":"x","B":["1","2"],"C":"3"})", R"({"A":1,"B":["1","2"]})"}) {
    EXPECT_NE(difference(R"({"A": "x", "B": ["1", "2"]})", reply_of(other), bindings), "") << other;
  }
}

TEST(Scenario, NamesAreBoundOnceAndCompared) {
  Bindings bindings;
  EXPECT_EQ(difference(R"({"A": "$a", "B": "*"})", reply_of(R"({"A":"\"1\"","B":"2"})"), bindings),
            "");
  EXPECT_EQ(with_bindings(R"({"X": "$a-$b"})", bindings), R"({"X": "\"1\"-$b"})");
  EXPECT_NE(difference(R"({"A": "$a"})", reply_of(R"({"A":"3"})"), bindings), "");
}

TEST(Scenario, ErrorsAreComparedWithStatusCodeAndText) {
  Bindings bindings = {{"h", "x"}};
  const ReadReply error{.status = 404, .value = {}, .code = "Gone", .message = "No x here."};
  EXPECT_EQ(difference("error 404 Gone: No $h here.", error, bindings), "");
  EXPECT_NE(difference("error 400 Gone: No $h here.", error, bindings), "");
  EXPECT_NE(difference("error 404 Gone: No y here.", error, bindings), "");
  EXPECT_NE(difference("{}", error, bindings), "");
  EXPECT_NE(difference("error 404 Gone: No $h here.", reply_of("{}"), bindings), "");
}

TEST(Scenario, MistakesInTheFileAreTold) {
  EXPECT_THROW(read_scenario("ListQueues {}\n"), std::runtime_error);
  EXPECT_THROW(read_scenario("advance 3\n"), std::runtime_error);
  EXPECT_THROW(read_scenario("advance 3 weeks\n"), std::runtime_error);
  EXPECT_THROW(read_scenario("restart\n  {}\n"), std::runtime_error);
  EXPECT_THROW(read_scenario("  {}\n"), std::runtime_error);
  const std::vector<Step> steps =
      read_scenario("SendMessage {\"A\":\n| 1}\n  {\n  }\nadvance 2h\n");
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].request, "{\"A\":1}");
  EXPECT_EQ(steps[0].answer, "{ } ");
  EXPECT_EQ(steps[1].advance, 2 * 3600 * 1000);
  EXPECT_EQ(steps[1].line, 5u);
}

}  // namespace
}  // namespace millrace::scenarios
