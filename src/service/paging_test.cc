#include "service/paging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/encoding.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<QueueInfoPointer> queues(const std::vector<std::string>& names) {
  std::vector<QueueInfoPointer> all;
  for (const std::string& name : names) {
    all.push_back(
        std::make_shared<const QueueInfo>(QueueInfo{.id = {},
                                                    .account = *AccountId::parse("111122223333"),
                                                    .name = *QueueName::parse(name),
                                                    .config = {},
                                                    .tags = {},
                                                    .created_at = {},
                                                    .modified_at = {}}));
  }
  return all;
}

std::vector<std::string> names(const Page& page) {
  std::vector<std::string> texts;
  for (const QueueInfoPointer& info : page.queues) texts.push_back(info->name.text());
  return texts;
}

PageWanted wanted(std::optional<std::int64_t> max_results,
                  std::optional<std::string> next_token = std::nullopt) {
  return {.scope = "s", .next_token = std::move(next_token), .max_results = max_results};
}

TEST(Paging, TokensLeadThroughTheWholeList) {
  const auto all = queues({"a", "b", "c", "d", "e"});
  const Expected<Page> first = cut_page(all, wanted(2));
  ASSERT_TRUE(first);
  EXPECT_THAT(names(*first), ElementsAre("a", "b"));
  const Expected<Page> second = cut_page(all, wanted(2, first->next_token));
  ASSERT_TRUE(second);
  EXPECT_THAT(names(*second), ElementsAre("c", "d"));
  const Expected<Page> third = cut_page(all, wanted(2, second->next_token));
  ASSERT_TRUE(third);
  EXPECT_THAT(names(*third), ElementsAre("e"));
  EXPECT_EQ(third->next_token, "");
}

TEST(Paging, AFullLastPageHasNoToken) {
  const Expected<Page> page = cut_page(queues({"a", "b"}), wanted(2));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->queues.size(), 2u);
  EXPECT_EQ(page->next_token, "");
}

TEST(Paging, SurvivesQueuesThatComeAndGoInBetween) {
  const Expected<Page> first = cut_page(queues({"a", "b", "c"}), wanted(2));
  ASSERT_TRUE(first);
  const Expected<Page> second = cut_page(queues({"aa", "bb", "c"}), wanted(2, first->next_token));
  ASSERT_TRUE(second);
  EXPECT_THAT(names(*second), ElementsAre("bb", "c"));
  const Expected<Page> nothing = cut_page({}, wanted(2, first->next_token));
  ASSERT_TRUE(nothing);
  EXPECT_THAT(names(*nothing), IsEmpty());
}

TEST(Paging, WithoutMaxResultsAThousandAndNoToken) {
  std::vector<std::string> many;
  for (int i = 0; i < 1'001; ++i) many.push_back("q" + std::to_string(1'000 + i));
  const Expected<Page> page = cut_page(queues(many), wanted(std::nullopt));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->queues.size(), 1'000u);
  EXPECT_EQ(page->next_token, "");
}

TEST(Paging, RefusesMaxResultsOutOfRange) {
  for (const std::int64_t max_results : {-1, 0, 1'001}) {
    const Expected<Page> page = cut_page({}, wanted(max_results));
    ASSERT_FALSE(page) << max_results;
    EXPECT_EQ(page.error().message(),
              "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer "
              "between 1 and 1000.");
  }
}

TEST(Paging, RefusesATokenOfOtherParameters) {
  const auto all = queues({"a", "b", "c"});
  const std::string token = cut_page(all, wanted(2))->next_token;
  const PageWanted other_scope{.scope = "t", .next_token = token, .max_results = 2};
  for (const PageWanted& other : {other_scope, wanted(1, token), wanted(std::nullopt, token)}) {
    const Expected<Page> page = cut_page(all, other);
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().message(),
              "Invalid NextToken value. If you are passing in NextToken, you must not change the "
              "other request parameters.");
  }
}

TEST(Paging, RefusesWhatIsNoToken) {
  const std::string token = cut_page(queues({"a", "b"}), wanted(1))->next_token;
  const std::string longer = to_base64(*from_base64(token) + "x");
  for (const std::string& text : {std::string("*"), to_base64("abc"), longer}) {
    const Expected<Page> page = cut_page({}, wanted(1, text));
    ASSERT_FALSE(page) << text;
    EXPECT_EQ(page.error().code(), ErrorCode::invalid_parameter_value);
    EXPECT_EQ(page.error().message(), "Invalid or expired next token.");
  }
}

}  // namespace
}  // namespace millrace
