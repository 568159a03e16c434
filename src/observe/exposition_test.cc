#include "observe/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Timestamp kNow{1'700'000'000'000};
constexpr std::array<std::string_view, 1> kActions = {"SendMessage"};

Scrape scrape_of(const Metrics& metrics) {
  Scrape scrape;
  scrape.now = kNow;
  scrape.version = "1.2.3";
  scrape.values = metrics.values();
  return scrape;
}

class ExpositionTest : public testing::Test {
 protected:
  Metrics metrics_{{.actions = {kActions.begin(), kActions.end()}, .cores = 2, .shards = 2}};
};

TEST_F(ExpositionTest, TellsRequestsByActionAndOutcome) {
  metrics_.requests(0).count(0, std::nullopt, 1000);
  metrics_.requests(1).count(0, std::nullopt, 1000);
  metrics_.requests(1).count(0, ErrorCode::queue_does_not_exist, 1000);
  metrics_.requests(1).count(1, ErrorCode::unknown_operation, 1000);
  const std::string text = exposition(scrape_of(metrics_));
  EXPECT_THAT(text, HasSubstr("# TYPE millrace_requests_total counter\n"));
  EXPECT_THAT(text, HasSubstr("millrace_requests_total{action=\"SendMessage\",code=\"OK\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("{action=\"SendMessage\",code=\"QueueDoesNotExist\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{action=\"unknown\",code=\"UnknownOperationException\"} 1\n"));
}

TEST_F(ExpositionTest, TellsHistogramsCumulatively) {
  metrics_.shard(0).commit_durations.observe(50);
  metrics_.shard(1).commit_durations.observe(100);
  metrics_.shard(1).commit_durations.observe(60'000'000);
  const std::string text = exposition(scrape_of(metrics_));
  EXPECT_THAT(text, HasSubstr("millrace_commit_duration_seconds_bucket{le=\"6.4e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("millrace_commit_duration_seconds_bucket{le=\"0.000128\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("millrace_commit_duration_seconds_bucket{le=\"33.554432\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("millrace_commit_duration_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("millrace_commit_duration_seconds_count 3\n"));
}

TEST_F(ExpositionTest, TellsOfEveryQueueAndOfTheRest) {
  Scrape scrape = scrape_of(metrics_);
  QueueTotals totals;
  totals.traffic.sent = 3;
  totals.gauges.oldest_sent_at = kNow - 1500;
  scrape.queues.push_back({"000000000000", "orders", totals});
  totals.traffic.sent = 100;
  totals.gauges.oldest_sent_at = kNever;
  scrape.others = Scrape::Queue{"", "(others)", totals};
  const std::string text = exposition(scrape);
  constexpr const char* kOrders = "{account=\"000000000000\",queue=\"orders\"}";
  EXPECT_THAT(text, HasSubstr(std::string("queue_messages_sent_total") + kOrders + " 3\n"));
  EXPECT_THAT(text, HasSubstr(std::string("oldest_message_age_seconds") + kOrders + " 1.5\n"));
  EXPECT_THAT(text, HasSubstr("oldest_message_age_seconds{account=\"\",queue=\"(others)\"} 0\n"));
}

TEST_F(ExpositionTest, EscapesWhatALabelMayNotHold) {
  Scrape scrape = scrape_of(metrics_);
  scrape.queues.push_back({"1", "a\"b\\c\nd", {}});
  EXPECT_THAT(exposition(scrape), HasSubstr(R"(queue="a\"b\\c\nd")"));
}

TEST_F(ExpositionTest, AddsUpCoresAndShards) {
  metrics_.http(0).bytes_in.add(5);
  metrics_.http(1).bytes_in.add(6);
  metrics_.shard(0).disk_available_bytes.set(9);
  metrics_.shard(1).disk_available_bytes.set(8);
  const std::string text = exposition(scrape_of(metrics_));
  EXPECT_THAT(text, HasSubstr("millrace_http_received_bytes_total 11\n"));
  EXPECT_THAT(text, HasSubstr("millrace_disk_available_bytes 8\n"));
  EXPECT_THAT(text, HasSubstr("millrace_build_info{version=\"1.2.3\"} 1\n"));
}

TEST(Process, IsTold) {
  const ProcessValues values = read_process();
  EXPECT_GT(values.resident_bytes, 1U << 20);
  EXPECT_GT(values.started_at, 1.5e9);
  EXPECT_GE(values.open_descriptors, 3U);
  EXPECT_GE(values.descriptors_max, values.open_descriptors);
}

TEST(MetricsDocument, NamesEveryMetricOnce) {
  const std::string text = metrics_document();
  EXPECT_THAT(text, HasSubstr("| `millrace_commits_total` | counter |  | "));
  EXPECT_THAT(text, Not(HasSubstr("untyped")));
}

}  // namespace
}  // namespace millrace
