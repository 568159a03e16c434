#include "model/attribute_selector.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

AttributeSelector selector(std::vector<std::string> names) {
  return AttributeSelector(names);
}

TEST(AttributeSelector, SelectsNothingUnlessAsked) {
  EXPECT_TRUE(AttributeSelector().selects_nothing());
  EXPECT_TRUE(selector({}).selects_nothing());
  EXPECT_FALSE(AttributeSelector().selects("a"));
}

TEST(AttributeSelector, KnowsThreeWordsForEverything) {
  for (const std::string word : {"All", "*", ".*"}) {
    EXPECT_TRUE(selector({word}).selects("anything")) << word;
    EXPECT_FALSE(selector({word}).selects_nothing()) << word;
  }
}

TEST(AttributeSelector, SelectsExactNames) {
  const AttributeSelector names = selector({"Hello", "all"});
  EXPECT_TRUE(names.selects("Hello"));
  EXPECT_FALSE(names.selects("hello"));
  EXPECT_FALSE(names.selects("Hello.There"));
  EXPECT_FALSE(names.selects_nothing());
}

TEST(AttributeSelector, SelectsByPrefixWithoutADot) {
  const AttributeSelector prefix = selector({"Hel.*"});
  EXPECT_TRUE(prefix.selects("Hello"));
  EXPECT_TRUE(prefix.selects("Hel"));
  EXPECT_TRUE(prefix.selects("Help.Me"));
  EXPECT_FALSE(prefix.selects("General"));
}

TEST(AttributeSelector, TakesNamesThatNoAttributeCanHave) {
  EXPECT_FALSE(selector({"AWS.", "..foo", ""}).selects("foo"));
}

}  // namespace
}  // namespace millrace
