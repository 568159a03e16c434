#include "server/keyring_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

std::string error_of(std::string_view text) {
  const auto parsed = parse_keyring(text, "keyring");
  return parsed ? "no error" : parsed.error().message();
}

// A file with one good key, as text: what a test changes in it is wrong.
std::string good() {
  return "[[key]]\nid = \"3f1c8a52-0d43-4c1b-9d6e-6a1f2b3c4d5e\"\naliases = [\"alias/aws/sqs\"]\n"
         "[[key.version]]\nnumber = 1\nsecret = \"" +
         to_base64(std::string(32, 's')) + "\"\n";
}
std::string with(std::string_view what, std::string_view instead) {
  std::string text = good();
  return text.replace(text.find(what), what.size(), instead);
}

TEST(KeyringFile, WhatIsWrittenIsRead) {
  constexpr Timestamp kMoment{1'700'000'000'000};
  std::vector<MasterKey> keys = Keyring::fresh(kMoment).keys();
  keys.push_back(make_master_key("alias/orders", kMoment));
  keys.push_back(make_master_key("", kMoment));
  rotate(keys[1], kMoment);
  keys[2].enabled = false;
  const auto read = parse_keyring(keyring_text(keys), "keyring");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, keys);
}

TEST(KeyringFile, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of(good()), "no error");
  EXPECT_THAT(error_of(""), HasSubstr("no key with alias/aws/sqs"));
  EXPECT_THAT(error_of("[[key]"), HasSubstr("keyring:1: "));
  EXPECT_THAT(error_of("keys = 1"), HasSubstr("there is no such key here"));
  EXPECT_THAT(error_of(good() + good()), HasSubstr("stands here twice"));
  EXPECT_THAT(error_of(good() + with("3f1c", "4f1c")), HasSubstr("alias/aws/sqs stands here"));
  EXPECT_THAT(error_of(with("id = \"3f", "id = \"3F")), HasSubstr("a UUID"));
  EXPECT_THAT(error_of(with("alias/aws/sqs", "orders")), HasSubstr("an alias must be"));
  EXPECT_THAT(error_of(with("[\"alias/aws/sqs\"]", "\"alias/aws/sqs\"")), HasSubstr("a list"));
  EXPECT_THAT(error_of(with("number = 1", "number = 0")), HasSubstr("from 1 on"));
  EXPECT_THAT(error_of(with("number = 1", "number = \"1\"")), HasSubstr("a whole number"));
  EXPECT_THAT(error_of(with("secret = \"", "secret = \"x")), HasSubstr("32 bytes in base64"));
  EXPECT_THAT(error_of(with("aliases", "enabled = false\naliases")),
              HasSubstr("cannot be disabled"));
  EXPECT_THAT(error_of(good() + "[[key.version]]\nnumber = 1\nsecret = \"" +
                       to_base64(std::string(32, 's')) + "\"\n"),
              HasSubstr("must rise"));
  EXPECT_THAT(error_of("[[key]]\nid = \"3f1c8a52-0d43-4c1b-9d6e-6a1f2b3c4d5e\"\n"),
              HasSubstr("has no version"));
}

TEST(KeyringFile, NoErrorTellsASecret) {
  const std::string secret = to_base64(std::string(31, 's'));
  EXPECT_THAT(error_of(with(to_base64(std::string(32, 's')), secret)),
              testing::Not(HasSubstr(secret)));
}

}  // namespace
}  // namespace millrace
