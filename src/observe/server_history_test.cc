#include "observe/server_history.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace millrace {
namespace {

constexpr Timestamp kStart{1'700'000'040'000};  // begins a second and a minute
constexpr std::array<std::string_view, 2> kActions = {"SendMessage", "ReceiveMessage"};

class ServerHistoryTest : public testing::Test {
 protected:
  void record(Milliseconds after) { history_.record(metrics_, 1 << 20, kStart + after); }

  std::vector<std::optional<ServerPoint>> told(HistoryStep step, Milliseconds until) {
    const Timestamp now = kStart + until;
    return history_.points_of(HistorySpan::of(step, kStart, now, now));
  }

  Metrics metrics_{{.actions = {kActions.begin(), kActions.end()}, .cores = 2, .shards = 2}};
  ServerHistory history_;
};

TEST_F(ServerHistoryTest, CountsTheRequestsOfEachPeriod) {
  metrics_.requests(0).count(0, std::nullopt, 100);
  record(0);
  metrics_.requests(0).count(0, std::nullopt, 100);
  metrics_.requests(1).count(0, ErrorCode::queue_does_not_exist, 100);
  record(1000);
  metrics_.requests(1).count(2, ErrorCode::unknown_operation, 100);
  record(1500);
  const auto seconds = told(HistoryStep::second, 1500);
  ASSERT_EQ(seconds.size(), 2U);
  EXPECT_EQ(seconds[0]->requests, 1U);
  EXPECT_EQ(seconds[0]->errors, 0U);
  EXPECT_EQ(seconds[1]->requests, 3U);
  EXPECT_EQ(seconds[1]->errors, 2U);
  EXPECT_EQ(told(HistoryStep::minute, 1500)[0]->requests, 4U);
  EXPECT_EQ(told(HistoryStep::hour, 1500).back()->requests, 4U);
}

TEST_F(ServerHistoryTest, CountsNothingTwiceOrBackwardsWhereSeveralLookAtOnce) {
  constexpr int kPeriods = 900;
  const auto look = [this] {
    for (int period = 0; period < kPeriods; ++period) record(seconds(period));
  };
  std::array<std::thread, 2> lookers = {std::thread(look), std::thread(look)};
  for (int i = 0; i < 100'000; ++i) metrics_.requests(0).count(0, std::nullopt, 100);
  for (std::thread& looker : lookers) looker.join();
  record(seconds(kPeriods - 1));
  std::uint64_t requests = 0;
  for (const auto& point : told(HistoryStep::second, seconds(kPeriods - 1))) {
    requests += point->requests;
  }
  EXPECT_EQ(requests, 100'000U);
}

TEST_F(ServerHistoryTest, TellsNothingOfPeriodsThatNobodyLookedAt) {
  record(0);
  record(3000);
  const auto points = told(HistoryStep::second, 3000);
  EXPECT_TRUE(points[0]);
  EXPECT_FALSE(points[1]);
  EXPECT_FALSE(points[2]);
  EXPECT_TRUE(points[3]);
}

TEST_F(ServerHistoryTest, TellsDurationsOfThePeriodButNotThoseOfReceives) {
  metrics_.requests(0).count(0, std::nullopt, 1'000'000);
  record(0);
  metrics_.requests(0).count(0, std::nullopt, 100);
  metrics_.requests(0).count(1, std::nullopt, 20'000'000);
  metrics_.shard(1).commit_durations.observe(2000);
  record(1000);
  record(2000);
  const auto points = told(HistoryStep::second, 2000);
  EXPECT_GT(*points[0]->request_p99, 500);
  EXPECT_FALSE(points[0]->commit_p50);
  EXPECT_LT(*points[1]->request_p99, 0.2);
  EXPECT_NEAR(*points[1]->commit_p99, 2, 0.5);
  EXPECT_FALSE(points[2]->request_p50);
}

TEST_F(ServerHistoryTest, TellsHowTheServerStands) {
  metrics_.http(0).connections.increment();
  metrics_.http(1).connections.increment();
  metrics_.shard(0).store_bytes.set(5);
  metrics_.shard(1).store_bytes.set(7);
  record(0);
  const auto points = told(HistoryStep::second, 0);
  EXPECT_EQ(points[0]->connections, 2U);
  EXPECT_EQ(points[0]->store_bytes, 12U);
  EXPECT_EQ(points[0]->resident_bytes, std::uint64_t{1} << 20);
}

TEST_F(ServerHistoryTest, ForgetsWhatIsTooOld) {
  for (int i = 0; i <= 1000; ++i) record(seconds(i));
  const Timestamp now = kStart + seconds(1000);
  const auto points = history_.points_of(HistorySpan::of(HistoryStep::second, {}, {}, now));
  ASSERT_EQ(points.size(), 900U);
  EXPECT_TRUE(points.front());
  EXPECT_TRUE(points.back());
}

}  // namespace
}  // namespace millrace
