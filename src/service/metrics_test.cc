#include "service/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/telemetry.h"
#include "support/service_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;

constexpr std::array<std::string_view, 1> kActions = {"SendMessage"};

class MetricsActionsTest : public ServiceFixture {
 protected:
  MetricsActionsTest() {
    facts_.started = clock_.now();
    facts_.memory_limit_bytes = 1000;
    facts_.options = {{"memory", "64", "flag", "memory for messages"}};
    telemetry_.emplace(
        MetricsOptions{
            .actions = {kActions.begin(), kActions.end()}, .cores = 1, .shards = kShards},
        clock_, facts_);
    service_->telemetry = &*telemetry_;
    EXPECT_TRUE(create("q"));
  }

  Expected<api::GetQueueMetricsResponse> points(std::optional<std::int64_t> period,
                                                std::optional<std::int64_t> from = {},
                                                std::optional<std::int64_t> to = {}) {
    return ask(get_queue_metrics,
               {.queue_url = url("q"), .period = period, .from = from, .to = to});
  }

  std::string refusal(std::optional<std::int64_t> period, std::optional<std::int64_t> from = {},
                      std::optional<std::int64_t> to = {}) {
    const auto reply = points(period, from, to);
    return reply ? "" : reply.error().message();
  }

  ServerFacts facts_{.account = kAccount, .version = "1.2.3"};
  std::optional<Telemetry> telemetry_;
};

TEST_F(MetricsActionsTest, AQueuesSeriesAreUpToDate) {
  const std::int64_t begun = clock_.now().milliseconds;
  ASSERT_TRUE(send("q", "abc"));
  const auto reply = points(1, begun, begun);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->period, 1);
  EXPECT_EQ(reply->start, begun / 1000 * 1000);
  EXPECT_THAT(reply->series_of.sent, ElementsAre(Eq(1)));
  EXPECT_THAT(reply->series_of.sent_bytes, ElementsAre(Eq(3)));
  EXPECT_THAT(reply->series_of.messages, ElementsAre(Eq(1)));
  EXPECT_THAT(reply->series_of.oldest_age, ElementsAre(Eq(0)));
}

TEST_F(MetricsActionsTest, TheAgeOfTheOldestMessageGrowsWithoutNews) {
  ASSERT_TRUE(send("q", "abc"));
  ASSERT_TRUE(points(1));
  advance(seconds(5));
  const auto reply = points(1);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->series_of.oldest_age.back(), 5);
  EXPECT_EQ(reply->series_of.sent.back(), 0);
  EXPECT_EQ(reply->series_of.sent.front(), std::nullopt);
}

TEST_F(MetricsActionsTest, WhatCannotBeAskedForIsRefused) {
  EXPECT_THAT(refusal({}), HasSubstr("must contain the parameter Period"));
  EXPECT_THAT(refusal(2), HasSubstr("Period must be 1, 60 or 3600."));
  EXPECT_THAT(refusal(1, 5, 4), HasSubstr("From must not be after To."));
}

TEST_F(MetricsActionsTest, TheServersSeriesAreUpToDate) {
  telemetry_->metrics.requests(0).count(0, ErrorCode::access_denied, 100);
  const auto reply = ask(get_server_metrics, {.period = 60, .from = {}, .to = {}});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->series_of.requests.back(), 1);
  EXPECT_EQ(reply->series_of.errors.back(), 1);
  EXPECT_EQ(reply->series_of.commit_p50.back(), std::nullopt);
}

TEST_F(MetricsActionsTest, TheServerSaysWhatItIs) {
  advance(seconds(7));
  const auto reply = ask(get_server_information, {});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->version, "1.2.3");
  EXPECT_EQ(reply->uptime, 7);
  EXPECT_EQ(reply->queues, 1);
  EXPECT_EQ(reply->memory_budget_bytes, 1000);
  ASSERT_EQ(reply->options.size(), 1U);
  EXPECT_EQ(reply->options.front().source, "flag");
}

TEST_F(MetricsActionsTest, AnotherAccountIsToldNeitherOfTheServerNorOfTheQueue) {
  service_->access_enforced = true;
  call_as(caller_of_user(*AccountId::parse("222222222222"), kRootUser, "stranger"));
  context_->action = "GetServerInformation";
  EXPECT_EQ(ask(get_server_information, {}).error().code(), ErrorCode::access_denied);
  context_->action = "GetQueueAttributes";
  EXPECT_EQ(points(1).error().code(), ErrorCode::access_denied);
}

}  // namespace
}  // namespace millrace
