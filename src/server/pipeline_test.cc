#include "server/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include <boost/asio/co_spawn.hpp>

#include "server/actions.h"
#include "server/engine.h"
#include "storage/memory_store.h"
#include "support/test_keyring.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

HttpRequest request_with(std::vector<HttpField> fields, std::string_view target = "/") {
  HttpRequest request;
  request.method = "POST";
  request.target = target;
  request.fields = std::move(fields);
  return request;
}

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() { restart(PipelineOptions{kAccount, "", "http://[::1]:1", {}}); }

  void restart(PipelineOptions options) {
    pipeline_.emplace(engine_.service(), std::move(options), phase_, 1);
  }

  HttpResponse ask(const HttpRequest& request) {
    HttpResponse response;
    bool done = false;
    boost::asio::co_spawn(cores_.context(0), pipeline_->handle(request, response),
                          [&](const std::exception_ptr& failure) {
                            EXPECT_FALSE(failure);
                            done = true;
                          });
    while (!done) cores_.context(0).run_one();
    return response;
  }

  HttpResponse ask_json(std::string_view target, std::string_view body) {
    HttpRequest request = request_with({{"Host", "queues:1"}, {"X-Amz-Target", target}});
    request.body = body;
    return ask(request);
  }

  const AccountId kAccount = AccountId::parse("000000000000").value();
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  Cores cores_{1, 1};
  Engine engine_{cores_, Installation::ephemeral().value(),
                 EngineOptions{.region = Region::parse("us-east-1").value(),
                               .stores = {[]() -> StoreResult<std::shared_ptr<Store>> {
                                 return std::shared_ptr<Store>(std::make_shared<MemoryStore>());
                               }},
                               .clock = &clock_,
                               .keys = &test_keyring(),
                               .space = {}}};
  std::atomic<Phase> phase_{Phase::serving};
  std::optional<Pipeline> pipeline_;
};

TEST_F(PipelineTest, HealthTellsThePhase) {
  HttpRequest request = request_with({}, "/health?verbose");
  request.method = "GET";
  EXPECT_EQ(ask(request).status, 200u);
  EXPECT_EQ(ask(request).body, R"({"status":"ok"})");
  phase_ = Phase::starting;
  EXPECT_EQ(ask(request).status, 503u);
  phase_ = Phase::stopping;
  EXPECT_EQ(ask(request).status, 503u);
  EXPECT_EQ(ask(request).body, R"({"status":"stopping"})");
}

TEST_F(PipelineTest, ActionsAreAnsweredOnlyWhileServing) {
  EXPECT_EQ(ask_json("AmazonSQS.ListQueues", "{}").status, 200u);
  phase_ = Phase::starting;
  const HttpResponse response = ask_json("AmazonSQS.ListQueues", "{}");
  EXPECT_EQ(response.status, 503u);
  EXPECT_THAT(response.body, HasSubstr("starting"));
}

TEST_F(PipelineTest, UnknownActionsAndPathsAreToldApart) {
  EXPECT_THAT(ask_json("AmazonSQS.Frobnicate", "{}").body, HasSubstr("UnknownOperationException"));
  HttpRequest request = request_with({}, "/some/where");
  request.method = "GET";
  EXPECT_EQ(ask(request).status, 404u);
  EXPECT_EQ(ask(request).body, "<UnknownOperationException/>");
}

TEST_F(PipelineTest, EveryRequestHasAnIdOfItsOwn) {
  const auto id_of = [](const HttpResponse& response) {
    for (const auto& [name, value] : response.fields) {
      if (name == "x-amzn-RequestId") return value;
    }
    return std::string();
  };
  const std::string first = id_of(ask_json("AmazonSQS.ListQueues", "{}"));
  const std::string second = id_of(ask_json("AmazonSQS.Frobnicate", "{}"));
  EXPECT_TRUE(from_uuid_text(first)) << first;
  EXPECT_EQ(first[14], '4');
  EXPECT_THAT("89ab", HasSubstr(std::string(1, first[19])));
  EXPECT_TRUE(from_uuid_text(second)) << second;
  EXPECT_NE(first, second);
}

TEST_F(PipelineTest, TheClockMovesOnlyWhereItIsAllowed) {
  const HttpRequest request = request_with({}, "/test/clock?advance=1500");
  EXPECT_EQ(ask(request).status, 404u);

  Milliseconds moved = 0;
  restart({kAccount, "", "", [&](Milliseconds by) -> boost::asio::awaitable<Expected<void>> {
             moved += by;
             co_return Expected<void>();
           }});
  EXPECT_EQ(ask(request).status, 200u);
  EXPECT_EQ(moved, 1500);
  for (const char* wrong : {"/test/clock", "/test/clock?advance=", "/test/clock?advance=-1",
                            "/test/clock?advance=99999999999999"}) {
    EXPECT_EQ(ask(request_with({}, wrong)).status, 400u) << wrong;
  }
  EXPECT_EQ(moved, 1500);
}

TEST_F(PipelineTest, WhoAsksTooOftenIsThrottled) {
  RateLimiter by_source({.per_second = 1, .burst_seconds = 2}, 10);
  RateLimiter by_account({.per_second = 1, .burst_seconds = 1}, 10);
  PipelineOptions options{kAccount, "", "", {}};
  options.wall_clock = &clock_;
  options.source_limit = &by_source;
  restart(options);
  const auto ask_from = [&](std::string_view address, std::string_view key) {
    const std::string credential = "AWS4-HMAC-SHA256 Credential=" + std::string(key) + "/x";
    HttpRequest request =
        request_with({{"X-Amz-Target", "AmazonSQS.ListQueues"}, {"Authorization", credential}});
    request.body = "{}";
    request.remote_address = address;
    return ask(request);
  };
  const std::string_view one = "111122223333";
  EXPECT_EQ(ask_from("192.0.2.1", one).status, 200u);
  EXPECT_EQ(ask_from("192.0.2.1", one).status, 200u);
  const HttpResponse refused = ask_from("192.0.2.1", one);
  EXPECT_EQ(refused.status, 403u);
  EXPECT_THAT(refused.body, HasSubstr("com.amazonaws.sqs#RequestThrottled"));
  EXPECT_EQ(ask_from("192.0.2.2", one).status, 200u);
  clock_.advance(1000);
  EXPECT_EQ(ask_from("192.0.2.1", one).status, 200u);

  options.source_limit = nullptr;
  options.account_limit = &by_account;
  restart(options);
  EXPECT_EQ(ask_from("192.0.2.1", one).status, 200u);
  EXPECT_EQ(ask_from("192.0.2.2", one).status, 403u) << "from wherever";
  EXPECT_EQ(ask_from("192.0.2.1", "444455556666").status, 200u);
  EXPECT_EQ(ask_from("192.0.2.1", "").status, 200u) << "nobody has a bucket of its own";
  EXPECT_EQ(ask_from("192.0.2.1", "").status, 403u);
}

TEST_F(PipelineTest, QueueUrlsBeginWithWhatTheClientUsed) {
  ASSERT_TRUE(engine_.open());
  const std::string_view create = "AmazonSQS.CreateQueue";
  const std::string_view body = R"({"QueueName":"q"})";
  EXPECT_THAT(ask_json(create, body).body, HasSubstr("\"http://queues:1/000000000000/q\""));

  HttpRequest secure = request_with({{"host", "queues"}, {"X-Amz-Target", create}});
  secure.body = body;
  secure.secure = true;
  EXPECT_THAT(ask(secure).body, HasSubstr("\"https://queues/000000000000/q\""));

  HttpRequest without = request_with({{"X-Amz-Target", create}});
  without.body = body;
  EXPECT_THAT(ask(without).body, HasSubstr("\"http://[::1]:1/000000000000/q\""));

  restart({.account = kAccount,
           .public_url = "",
           .local_url = "",
           .advance_clock = {},
           .trusted_proxies = TrustedProxies({"10.0.0.1"})});
  HttpRequest forwarded =
      request_with({{"Host", "queues"}, {"X-Forwarded-Proto", "https"}, {"X-Amz-Target", create}});
  forwarded.body = body;
  forwarded.remote_address = "10.0.0.1";
  EXPECT_THAT(ask(forwarded).body, HasSubstr("\"https://queues/000000000000/q\""));
  forwarded.remote_address = "10.0.0.2";
  EXPECT_THAT(ask(forwarded).body, HasSubstr("\"http://queues/000000000000/q\""));
  forwarded.remote_address = "10.0.0.1";
  forwarded.fields[1].value = "gopher";
  const HttpResponse refused = ask(forwarded);
  EXPECT_EQ(refused.status, 400u);
  EXPECT_THAT(refused.body, HasSubstr("X-Forwarded-Proto"));

  restart({kAccount, "https://example.com/sqs/", "", {}});
  EXPECT_THAT(ask_json(create, body).body, HasSubstr("\"https://example.com/sqs/000000000000/q\""));

  bool stopped = false;
  engine_.stop([&] { stopped = true; });
  while (!stopped) cores_.context(0).run_one();
}

TEST_F(PipelineTest, TheConsolesActionsAreAnsweredOnlyWhereItAsks) {
  ASSERT_TRUE(engine_.open());
  ASSERT_EQ(ask_json("AmazonSQS.CreateQueue", R"({"QueueName":"q"})").status, 200u);
  const std::string_view queue = R"({"QueueUrl":"http://queues:1/000000000000/q"})";
  const auto ask_console = [&](std::string_view target, std::string_view path) {
    HttpRequest request = request_with({{"Host", "queues:1"}, {"X-Amz-Target", target}}, path);
    request.body = queue;
    return ask(request);
  };

  const HttpResponse described = ask_console("Millrace.DescribeQueue", "/console/api/");
  EXPECT_EQ(described.status, 200u);
  EXPECT_EQ(described.content_type, "application/x-amz-json-1.0");
  EXPECT_THAT(described.body, HasSubstr(R"("QueueName":"q")"));
  EXPECT_EQ(ask_console("AmazonSQS.GetQueueAttributes", "/console/api/").status, 200u);

  const auto unknown = HasSubstr("UnknownOperationException");
  EXPECT_THAT(ask_console("Millrace.DescribeQueue", "/").body, unknown);
  EXPECT_THAT(ask_console("AmazonSQS.DescribeQueue", "/console/api/").body, unknown);
  EXPECT_THAT(ask_console("Millrace.GetQueueAttributes", "/console/api/").body, unknown);
  HttpRequest query = request_with({{"Host", "queues:1"}}, "/console/api/?Action=ListQueues");
  EXPECT_EQ(ask(query).status, 400u);

  bool stopped = false;
  engine_.stop([&] { stopped = true; });
  while (!stopped) cores_.context(0).run_one();
}

constexpr std::array kSets = {wire::ActionSet::sqs, wire::ActionSet::console};

TEST(Actions, TheTableOfAuditedActsHasEveryAction) {
  for (const wire::ActionSet set : kSets) {
    for (const ActionRow& row : actions(set)) {
      EXPECT_TRUE(std::ranges::binary_search(audited_acts(), row.name, {}, &AuditRow::act))
          << row.name;
    }
  }
}

TEST(Actions, EveryActionIsOneThatPoliciesKnow) {
  for (const wire::ActionSet set : kSets) {
    for (const ActionRow& row : actions(set)) {
      EXPECT_TRUE(policy_action_of(row.policy_name())) << row.name;
    }
  }
}

TEST(Actions, AllAreFoundByName) {
  EXPECT_EQ(actions(wire::ActionSet::sqs).size(), 23u);
  for (const wire::ActionSet set : kSets) {
    for (const ActionRow& row : actions(set)) EXPECT_EQ(find_action(set, row.name), &row);
    for (const char* wrong : {"", "A", "SendMessages", "sendMessage", "ZZZ"}) {
      EXPECT_EQ(find_action(set, wrong), nullptr) << wrong;
    }
  }
}

}  // namespace
}  // namespace millrace
