#include "auth/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::MatchesRegex;

const AccountId kAccount = AccountId::parse("111122223333").value();

AccessKey key_of(const std::string& id) {
  return {.id = id,
          .secret = "a secret",
          .session_token = {},
          .expires_at = {},
          .caller = caller_of_user(kAccount, kRootUser, id)};
}

TEST(Caller, RootIsTheAccountItself) {
  const Caller root = caller_of_user(kAccount, kRootUser, "AKIDROOT");
  EXPECT_EQ(root.arn, "arn:aws:iam::111122223333:root");
  EXPECT_EQ(root.sender_id, "111122223333");
  EXPECT_EQ(root.access_key, "AKIDROOT");
  EXPECT_FALSE(root.anonymous());
}

TEST(Caller, AUserHasAnIdThatStaysTheSame) {
  const Caller ada = caller_of_user(kAccount, "ada", "AKIDADA");
  EXPECT_EQ(ada.arn, "arn:aws:iam::111122223333:user/ada");
  EXPECT_EQ(ada.sender_id, "AIDA6JZHQ6A6AYSUSJATJ");
  EXPECT_EQ(ada.sender_id, caller_of_user(kAccount, "ada", "AKIDOTHER").sender_id);
  EXPECT_NE(ada.sender_id, caller_of_user(kAccount, "bob", "AKIDADA").sender_id);
  EXPECT_NE(ada.sender_id,
            caller_of_user(AccountId::parse("111122223334").value(), "ada", "AKIDADA").sender_id);
}

TEST(Credentials, FindsKeysById) {
  const Credentials credentials({key_of("BBB"), key_of("AAA"), key_of("CCC")});
  EXPECT_EQ(credentials.size(), 3u);
  for (const char* id : {"AAA", "BBB", "CCC"}) {
    ASSERT_NE(credentials.find(id), nullptr) << id;
    EXPECT_EQ(credentials.find(id)->id, id);
  }
  for (const char* id : {"", "AA", "AAAA", "BBC", "ZZZ"}) {
    EXPECT_EQ(credentials.find(id), nullptr) << id;
  }
  EXPECT_EQ(Credentials({}).find("AAA"), nullptr);
}

TEST(Credentials, TwoKeysOfOneIdAreABug) {
  EXPECT_DEATH(Credentials({key_of("AAA"), key_of("AAA")}), "CHECK");
}

TEST(Credentials, KnowsWhatIdsSecretsAndNamesLookLike) {
  EXPECT_TRUE(is_access_key_id("AKIDEXAMPLE"));
  EXPECT_TRUE(is_access_key_id("a-b_c.9"));
  for (const std::string& wrong : {std::string("AB"), std::string(129, 'A'), std::string("A/BC"),
                                   std::string("A,BC"), std::string("A BC"), std::string()}) {
    EXPECT_FALSE(is_access_key_id(wrong)) << wrong;
  }
  EXPECT_TRUE(is_secret_access_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
  for (const std::string& wrong :
       {std::string("fifteen-letters"), std::string(129, 'A'), std::string("with a space inside"),
        std::string("ends-with-a-newline\n")}) {
    EXPECT_FALSE(is_secret_access_key(wrong)) << wrong;
  }
  EXPECT_TRUE(is_user_name("ada.lovelace+test@example.com"));
  for (const std::string& wrong : {std::string(), std::string(65, 'a'), std::string("a/b")}) {
    EXPECT_FALSE(is_user_name(wrong)) << wrong;
  }
  EXPECT_TRUE(is_policy_name("own-queues" + std::string(118, 'a')));
  for (const std::string& wrong : {std::string(), std::string(129, 'a'), std::string("a b")}) {
    EXPECT_FALSE(is_policy_name(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace millrace
