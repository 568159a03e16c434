#include "service/handlers.h"
#include "support/service_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class Access : public ServiceFixture {
 protected:
  Expected<api::NoOutput> tag(Pairs tags) {
    return ask(tag_queue, {.queue_url = url("q"), .tags = std::move(tags)});
  }
  Expected<api::NoOutput> untag(std::vector<std::string> keys) {
    return ask(untag_queue, {.queue_url = url("q"), .tag_keys = std::move(keys)});
  }
  Pairs tags() { return ask(list_queue_tags, {.queue_url = url("q")}).value().tags; }
  Expected<api::NoOutput> permit(std::string label) {
    return ask(add_permission, {.queue_url = url("q"),
                                .label = std::move(label),
                                .aws_account_ids = {"111122223333"},
                                .actions = {"ReceiveMessage"}});
  }
};

TEST_F(Access, TagsAreAddedOverwrittenAndRemoved) {
  ASSERT_TRUE(create("q", {}, {{"a", "1"}, {"b", "2"}}));
  EXPECT_THAT(tags(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  ASSERT_TRUE(tag({{"b", "3"}, {"c", ""}}));
  EXPECT_THAT(tags(), ElementsAre(Pair("a", "1"), Pair("b", "3"), Pair("c", "")));
  ASSERT_TRUE(untag({"a", "absent", "b"}));
  EXPECT_THAT(tags(), ElementsAre(Pair("c", "")));
}

TEST_F(Access, TagsThatBreakTheRulesChangeNothing) {
  EXPECT_EQ(create("q", {}, {{"aws:x", "1"}}).error().code(), ErrorCode::invalid_parameter_value);
  ASSERT_TRUE(create("q"));
  EXPECT_EQ(tag({{"good", "1"}, {"bad!", "2"}}).error().code(), ErrorCode::invalid_parameter_value);
  EXPECT_THAT(tags(), IsEmpty());
}

TEST_F(Access, TagsLeaveLastModifiedAlone) {
  ASSERT_TRUE(create("q"));
  advance(seconds(5));
  ASSERT_TRUE(tag({{"a", "1"}}));
  EXPECT_EQ(attribute("q", "LastModifiedTimestamp"), "1700000000");
}

TEST_F(Access, PermissionsArePartOfThePolicy) {
  ASSERT_TRUE(create("q"));
  ASSERT_TRUE(permit("first"));
  EXPECT_EQ(attribute("q", "Policy"),
            R"({"Version":"2008-10-17","Id":")" + arn("q") +
                R"(/SQSDefaultPolicy","Statement":[{"Sid":"first","Effect":"Allow",)"
                R"("Principal":{"AWS":"arn:aws:iam::111122223333:root"},)"
                R"("Action":"SQS:ReceiveMessage","Resource":")" +
                arn("q") + R"("}]})");
  const Expected<api::NoOutput> again = permit("first");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message(),
            "Value first for parameter Label is invalid. Reason: Already exists.");
  EXPECT_FALSE(ask(remove_permission, {.queue_url = url("q"), .label = "second"}));
  ASSERT_TRUE(ask(remove_permission, {.queue_url = url("q"), .label = "first"}));
  EXPECT_EQ(attributes("q", {"All"}).count("Policy"), 0u);
}

TEST_F(Access, NeedsAQueue) {
  for (const ErrorCode code : {tag({{"a", "1"}}).error().code(), untag({"a"}).error().code(),
                               permit("x").error().code()}) {
    EXPECT_EQ(code, ErrorCode::queue_does_not_exist);
  }
}

}  // namespace
}  // namespace millrace
