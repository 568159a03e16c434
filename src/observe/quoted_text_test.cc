#include "observe/quoted_text.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "base/random.h"

namespace millrace {
namespace {

std::string in_quotes(std::string_view text, std::size_t size_max = kQuotedTextMax) {
  std::string out;
  append_quoted(out, text, size_max);
  return out;
}

TEST(QuotedText, LeavesWhatIsOnlyShown) {
  EXPECT_EQ(in_quotes(""), R"("")");
  EXPECT_EQ(in_quotes("orders-1 = 'a' / {b}"), R"("orders-1 = 'a' / {b}")");
  EXPECT_EQ(in_quotes("caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\x9d"),
            "\"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\x9d\"");
}

TEST(QuotedText, EscapesWhatActs) {
  EXPECT_EQ(in_quotes("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(in_quotes("a\r\nb\t\x1b[31m\x7f"), R"("a\u000d\u000ab\u0009\u001b[31m\u007f")");
  EXPECT_EQ(in_quotes(std::string_view("\0", 1)), R"("\u0000")");
  EXPECT_EQ(in_quotes("\xc2\x9b"), R"("\u009b")");  // an escape sequence's head
  EXPECT_EQ(in_quotes("\xe2\x80\xa8\xe2\x80\xae"),
            R"("\u2028\u202e")");  // a line's end, right to left
  EXPECT_EQ(in_quotes("\xe2\x81\xa6\xef\xbb\xbf"), R"("\u2066\ufeff")");
}

TEST(QuotedText, ReplacesWhatIsNoUtf8) {
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(in_quotes("a\xff z"), "\"a" + mark + " z\"");
  EXPECT_EQ(in_quotes("\xc0\xaf"), "\"" + mark + mark + "\"");             // overlong '/'
  EXPECT_EQ(in_quotes("\xed\xa0\x80"), "\"" + mark + mark + mark + "\"");  // a surrogate
  EXPECT_EQ(in_quotes("\xf4\x90\x80\x80"), "\"" + mark + mark + mark + mark + "\"");  // too high
  EXPECT_EQ(in_quotes("\xe6\x97"), "\"" + mark + mark + "\"");                        // cut off
  EXPECT_EQ(in_quotes("\xef\xbf\xbd"), "\"" + mark + "\"");
}

TEST(QuotedText, CutsWhatIsTooLongBetweenCharacters) {
  EXPECT_EQ(in_quotes("12345678", 8), R"("12345678")");
  EXPECT_EQ(in_quotes("123456789", 8), R"("12345...")");
  EXPECT_EQ(in_quotes("1234\n56789", 10), R"("1234...")");
  EXPECT_EQ(in_quotes("1\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5", 9), "\"1\xe6\x97\xa5...\"");
  EXPECT_LE(in_quotes(std::string(100'000, '\n')).size(), kQuotedTextMax + 2);
}

TEST(QuotedText, AnyBytesBecomeAStringOfJsonOnOneLine) {
  Random random(7);
  for (int run = 0; run < 20'000; ++run) {
    std::string text(random.below(40), '\0');
    for (char& c : text) {
      // Halves of characters often, so that they meet.
      c = static_cast<char>(random.chance(1, 2) ? 0x80 + random.below(0x80) : random.below(0x100));
    }
    const std::string line = in_quotes(text, 60);
    ASSERT_LE(line.size(), 62u);
    boost::system::error_code failed;
    const boost::json::value value = boost::json::parse(line, failed);
    ASSERT_FALSE(failed) << line;
    ASSERT_TRUE(value.is_string());
    for (const char c : line) {
      ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << line;
    }
  }
}

}  // namespace
}  // namespace millrace
