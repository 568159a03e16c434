#include "bench/report.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

namespace millrace::bench {
namespace {

TEST(Report, IsATableAndOneJsonObject) {
  Report report;
  report.text("case", "a \"b\"\\\n");
  report.count("sent", 12);
  report.number("sent_per_second", 1.25, 1);
  std::ostringstream json;
  report.write_json(json);
  EXPECT_EQ(json.str(),
            "{\"case\":\"a \\\"b\\\"\\\\\\u000a\",\"sent\":12,\"sent_per_second\":1.2}\n");
  std::ostringstream table;
  report.write_table(table);
  EXPECT_NE(table.str().find("sent per second  1.2\n"), std::string::npos);
}

TEST(Report, NumbersAreAlwaysValidJson) {
  Report report;
  report.number("ratio", std::numeric_limits<double>::infinity(), 2);
  std::ostringstream json;
  report.write_json(json);
  EXPECT_EQ(json.str(), "{\"ratio\":0.00}\n");
}

TEST(Report, LatenciesAreInMilliseconds) {
  Histogram histogram;
  histogram.record(250 * kMicrosecond);
  Report report;
  report.latency("send", histogram);
  report.latency("receive", Histogram());
  std::ostringstream json;
  report.write_json(json);
  EXPECT_EQ(json.str(),
            "{\"send_p50_ms\":0.2500,\"send_p90_ms\":0.2500,\"send_p99_ms\":0.2500,"
            "\"send_p999_ms\":0.2500,\"send_max_ms\":0.2500}\n");
}

}  // namespace
}  // namespace millrace::bench
