#include "model/tags.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

std::string error_of(const TagMap& given, const TagMap& current = {}) {
  const Expected<TagMap> tags = add_tags(current, given);
  return tags ? std::string() : tags.error().message();
}

TEST(Tags, AreAddedAndOverwritten) {
  const Expected<TagMap> tags = add_tags({{"a", "1"}, {"b", "2"}}, {{"b", "3"}, {"B", ""}});
  ASSERT_TRUE(tags);
  EXPECT_EQ(*tags, (TagMap{{"B", ""}, {"a", "1"}, {"b", "3"}}));
}

TEST(Tags, TakeTheAlphabetOfTheGuide) {
  EXPECT_EQ(error_of({{"azAZ09 _.:/=+-@", "\xc3\xbc\xe6\x97\xa5"}}), "");
  EXPECT_EQ(error_of({{std::string(128, 'k'), std::string(256, 'v')}}), "");
  std::string long_key;
  for (int i = 0; i < 128; ++i) long_key += "\xc3\xbc";  // counted in characters, not bytes
  EXPECT_EQ(error_of({{long_key, ""}}), "");
}

TEST(Tags, AreRefusedWithTheTextOfSqs) {
  const std::string length = "Tag keys must be between 1 and 128 characters in length.";
  EXPECT_EQ(error_of({{"", "x"}}), length);
  EXPECT_EQ(error_of({{std::string(129, 'k'), "x"}}), length);
  EXPECT_TRUE(error_of({{"a!", "x"}}).starts_with("Tag keys may only contain unicode letters"));
  EXPECT_TRUE(error_of({{"\xff", "x"}}).starts_with("Tag keys may only contain unicode letters"));
  EXPECT_TRUE(error_of({{"a", "x#"}}).starts_with("Tag values may only contain"));
  EXPECT_TRUE(error_of({{"a", std::string(257, 'v')}}).starts_with("Tag values must be between"));
  EXPECT_NE(error_of({{"aws:a", "x"}}), "");
  EXPECT_NE(error_of({{"AWS:a", "x"}}), "");
  EXPECT_NE(error_of({{"a", "aws:x"}}), "");
  EXPECT_EQ(error_of({{"aws", "aws"}}), "");
  EXPECT_EQ(error_of({}), "The request must contain the parameter Tags.");
}

TEST(Tags, AreFiftyAtMost) {
  TagMap tags;
  for (int i = 0; i < 50; ++i) tags.emplace("key" + std::to_string(i), "");
  EXPECT_EQ(error_of(tags), "");
  EXPECT_EQ(error_of({{"key0", "again"}}, tags), "");
  EXPECT_NE(error_of({{"one more", ""}}, tags), "");
}

}  // namespace
}  // namespace millrace
