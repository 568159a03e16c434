#include "wire/text.h"

#include <gtest/gtest.h>

#include <string>

#include <boost/json.hpp>

namespace millrace::wire {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string xml_text(std::string_view text) {
  std::string out;
  append_xml_text(out, text);
  return out;
}

TEST(Text, JsonEscapes) {
  EXPECT_EQ(json_string("a\"b\\c\n\r\t\x01\x1f/\x7f"),
            "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f/\x7f\"");
  EXPECT_EQ(json_string(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(json_string("\xC3\xA9\xF0\x9F\x90\x91"), "\"\xC3\xA9\xF0\x9F\x90\x91\"");
  EXPECT_EQ(json_string(""), "\"\"");
}

// Every byte value at every place around the sixteen-byte steps of the scan.
TEST(Text, JsonIsReadBackAsItWas) {
  for (std::size_t length = 1; length < 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (const char c : {'"', '\\', '\x00', '\x1f', ' ', '\x7f'}) {
        std::string text(length, 'x');
        text[at] = c;
        const boost::json::value read = boost::json::parse(json_string(text));
        ASSERT_EQ(std::string_view(read.as_string()), text) << length << " " << at;
      }
    }
  }
}

TEST(Text, XmlEscapes) {
  EXPECT_EQ(xml_text("<a href=\"x\">&'</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;'&lt;/a&gt;");
  EXPECT_EQ(xml_text("one\r\ntwo\tthree\rfour"), "one&#xD;\ntwo\tthree&#xD;four");
  EXPECT_EQ(xml_text("0123456789abcdef\r0123456789abcdef&"),
            "0123456789abcdef&#xD;0123456789abcdef&amp;");
}

TEST(Text, XmlReplacesWhatItCannotHold) {
  EXPECT_EQ(xml_text(std::string_view("a\0b\x01\x1f", 5)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(xml_text("\xEF\xBF\xBE\xEF\xBF\xBF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(xml_text("\xEF\xBF\xBD \xEF\xBC\x81"), "\xEF\xBF\xBD \xEF\xBC\x81") << "these it can";
  EXPECT_EQ(xml_text("\xEF"), "\xEF") << "cut off: nothing beyond the end is read";
}

TEST(Text, Utf8) {
  for (const std::string_view good :
       {"", "plain", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
        "0123456789\xC3\xA9"
        "01234567"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const std::string_view bad :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xC2",
        "\xC2"
        "x",
        "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "0123456789abcdef\xC3", "\xF0\x9F\x90"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

}  // namespace
}  // namespace millrace::wire
