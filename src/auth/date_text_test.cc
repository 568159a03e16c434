#include "auth/date_text.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(DateText, IsReadInEveryFormOfTheProfile) {
  const struct {
    const char* text;
    std::int64_t milliseconds;
  } kDates[] = {{"1970", 0},
                {"1970-01", 0},
                {"1970-01-01", 0},
                {"1970-01-01T00:00Z", 0},
                {"1970-01-01T00:00:01Z", 1000},
                {"1970-01-01T00:00:00.5Z", 500},
                {"1970-01-01T00:00:00.0619Z", 61},
                {"1970-01-01T01:00:00+01:00", 0},
                {"1969-12-31T22:30:00-01:30", 0},
                {"1969-12-31T23:59:59Z", -1000},
                {"2024-02-29", 1'709'164'800'000},
                {"2026-09-21T14:13:20Z", 1'790'000'000'000},
                {"1790000000", 1'790'000'000'000},
                {"00000", 0},
                {"9999-12-31T23:59:59Z", 253'402'300'799'000},
                {"253402300799", 253'402'300'799'000}};
  for (const auto& [text, milliseconds] : kDates) {
    const std::optional<Timestamp> date = parse_date_text(text);
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(date->milliseconds, milliseconds) << text;
  }
}

TEST(DateText, IsNothingElse) {
  for (const char* text : {"",
                           "now",
                           "197",
                           "1970-",
                           "1970-1",
                           "1970-13",
                           "1970-00",
                           "1970-01-00",
                           "1970-02-30",
                           "2023-02-29",
                           "1970-01-01T",
                           "1970-01-01T00",
                           "1970-01-01T00:00",
                           "1970-01-01T00:00:00",
                           "1970-01-01T24:00Z",
                           "1970-01-01T00:60Z",
                           "1970-01-01T00:00:60Z",
                           "1970-01-01T00:00:00.Z",
                           "1970-01-01T00:00Zx",
                           "1970-01-01T00:00+0100",
                           "1970-01-01T00:00+24:00",
                           "1970-01-01 00:00Z",
                           "-1970",
                           "+19700101",
                           "1e9",
                           "253402300800",
                           "99999999999999999999"}) {
    EXPECT_FALSE(parse_date_text(text)) << text;
  }
}

}  // namespace
}  // namespace millrace
