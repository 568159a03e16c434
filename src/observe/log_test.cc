#include "observe/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

std::string text_of(std::string_view event, LogFields fields) {
  std::string out;
  append_log_text(out, event, fields);
  return out;
}

TEST(Log, WritesFieldsOfEveryKind) {
  const std::string name = "orders";
  EXPECT_EQ(text_of("queue made", {{"name", name},
                                   {"kind", "fifo"},
                                   {"shards", 3u},
                                   {"delta", -5},
                                   {"ratio", 0.25},
                                   {"durable", true}}),
            "queue made name=orders kind=fifo shards=3 delta=-5 ratio=0.25 durable=true");
}

TEST(Log, ALineStaysOneLine) {
  EXPECT_EQ(text_of("x", {{"a", "b c"}}), R"(x a="b c")");
  EXPECT_EQ(text_of("x", {{"a", ""}}), R"(x a="")");
  EXPECT_EQ(text_of("x", {{"a", "1=2"}}), R"(x a="1=2")");
  EXPECT_EQ(text_of("x", {{"a", "q\"\\\r\n\x7f"}}), R"(x a="q\"\\\u000d\u000a\u007f")");
  EXPECT_EQ(text_of("x", {{"a", "caf\xc3\xa9"}}), "x a=\"caf\xc3\xa9\"");
  EXPECT_EQ(text_of("x", {{"a", "\xc2\x9b\xff"}}), "x a=\"\\u009b\xef\xbf\xbd\"");
  EXPECT_EQ(text_of("x", {{"a", std::string(5000, 'a')}}),
            "x a=\"" + std::string(4093, 'a') + "...\"");
}

TEST(Log, WritesFromItsLevelOnBetweenStartAndStop) {
  EXPECT_FALSE(log_enabled(LogLevel::error));
  log_error("before");
  ::testing::internal::CaptureStderr();
  start_log(LogLevel::info);
  EXPECT_FALSE(log_enabled(LogLevel::debug));
  EXPECT_TRUE(log_enabled(LogLevel::info));
  log_debug("hidden");
  log_info("listening", {{"port", 9324}});
  log_warning("braces {} stay");
  stop_log();
  log_error("after");
  const std::string lines = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, ::testing::MatchesRegex(
                         "[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z info listening "
                         "port=9324\n[^ ]+ warning braces \\{\\} stay\n"));
}

}  // namespace
}  // namespace millrace
