// What decisions.txt cannot show: characters of several bytes, and patterns that are slow for naive
// matching.
#include "auth/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

bool matches(std::string_view pattern, std::string_view text) {
  return Pattern::parse(pattern, {}).value().matches(text, {});
}

TEST(Pattern, TakesACharacterOfSeveralBytesAsOne) {
  EXPECT_TRUE(matches("gr?n", "grün"));
  EXPECT_FALSE(matches("gr??n", "grün"));
  EXPECT_TRUE(matches("*?", "ü"));
  EXPECT_FALSE(matches("*??", "ü"));
  EXPECT_TRUE(matches("??", "\xE2\x82\xAC\xF0\x9F\x90\x87"));
}

TEST(Pattern, ComparesTheLettersOfAsciiInAnyCase) {
  const Pattern pattern = Pattern::parse("aB*ü", {}).value();
  EXPECT_TRUE(pattern.matches_ignoring_case("Abcü", {}));
  EXPECT_FALSE(pattern.matches("Abcü", {}));
  EXPECT_FALSE(pattern.matches_ignoring_case("AbcÜ", {}));
}

TEST(Pattern, IsEmptyOrEverything) {
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("**", ""));
  EXPECT_TRUE(matches("*", "anything"));
}

// Trying every length of every run would take longer than the universe has.
TEST(Pattern, OfManyRunsIsMatchedInTime) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_TRUE(matches(pattern, std::string(1000, 'a')));
  EXPECT_FALSE(matches(pattern + "b", std::string(1000, 'a')));
}

}  // namespace
}  // namespace millrace
