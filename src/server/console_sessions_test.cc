#include "server/console_sessions.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace millrace {
namespace {

AccessKey key_named(std::string id) {
  Caller caller = caller_of_user(AccountId::parse("111122223333").value(), "ada", id);
  return {.id = std::move(id),
          .secret = "0123456789abcdef",
          .session_token = {},
          .expires_at = {},
          .caller = std::move(caller)};
}

class ConsoleSessionsTest : public ::testing::Test {
 protected:
  ConsoleSessions::Opened open(const AccessKey& key) {
    return sessions_.open({.key = key, .source = "192.0.2.1"}, now_);
  }

  ConsoleSessions sessions_;
  Timestamp now_{1'700'000'000'000};
  const AccessKey key_ = key_named("AKIAADA");
};

TEST_F(ConsoleSessionsTest, ANonceIsGoodOnceAndForAMinute) {
  const std::string nonce = sessions_.make_nonce(now_);
  EXPECT_NE(nonce, sessions_.make_nonce(now_));
  EXPECT_TRUE(sessions_.use_nonce(nonce, now_));
  EXPECT_FALSE(sessions_.use_nonce(nonce, now_)) << "used";
  const std::string other = sessions_.make_nonce(now_);
  EXPECT_FALSE(sessions_.use_nonce(other, now_ + limits::kNonceAgeMax)) << "too old";
  EXPECT_TRUE(sessions_.use_nonce(other, now_ + limits::kNonceAgeMax - 1));
  EXPECT_FALSE(sessions_.use_nonce(nonce, now_ + limits::kNonceAgeMax)) << "for ever";
}

TEST_F(ConsoleSessionsTest, ANonceMustBeOurs) {
  const std::string nonce = sessions_.make_nonce(now_);
  std::string later = nonce;
  later[0] = '9';
  EXPECT_FALSE(sessions_.use_nonce(later, now_));
  EXPECT_FALSE(sessions_.use_nonce(ConsoleSessions().make_nonce(now_), now_));
  for (const char* text : {"", "-", "--", "1700000000000", "a-b-c"}) {
    EXPECT_FALSE(sessions_.use_nonce(text, now_)) << text;
  }
  EXPECT_TRUE(sessions_.use_nonce(nonce, now_));
}

TEST_F(ConsoleSessionsTest, NoMoreNoncesAreUsedThanCanBeRemembered) {
  for (std::size_t i = 0; i < limits::kNoncesUsedMax; ++i) {
    ASSERT_TRUE(sessions_.use_nonce(sessions_.make_nonce(now_), now_));
  }
  EXPECT_FALSE(sessions_.use_nonce(sessions_.make_nonce(now_), now_));
  now_ = now_ + limits::kNonceAgeMax;
  EXPECT_TRUE(sessions_.use_nonce(sessions_.make_nonce(now_), now_));
}

TEST_F(ConsoleSessionsTest, ASessionIsFoundByItsCookieAlone) {
  const ConsoleSessions::Opened opened = open(key_);
  EXPECT_EQ(opened.cookie.size(), 64u);
  const auto found = sessions_.find(opened.cookie, now_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, opened.session.id);
  EXPECT_EQ(found->access_key, "AKIAADA");
  EXPECT_EQ(found->csrf_token.size(), 64u);
  EXPECT_FALSE(sessions_.find("", now_));
  EXPECT_FALSE(sessions_.find(opened.session.id, now_));
  EXPECT_FALSE(sessions_.find(opened.session.csrf_token, now_));
  std::string wrong = opened.cookie;
  wrong[5] = wrong[5] == '0' ? '1' : '0';
  EXPECT_FALSE(sessions_.find(wrong, now_));
}

TEST_F(ConsoleSessionsTest, ASessionEndsWhenItRestsAndAfterHalfADay) {
  const ConsoleSessions::Opened idle = open(key_);
  EXPECT_FALSE(sessions_.find(idle.cookie, now_ + limits::kSessionIdleMax));
  EXPECT_FALSE(sessions_.find(idle.cookie, now_)) << "it is gone";

  const ConsoleSessions::Opened busy = open(key_);
  const Timestamp end = now_ + limits::kSessionAgeMax;
  for (; now_ < end; now_ = now_ + (limits::kSessionIdleMax - 1)) {
    ASSERT_TRUE(sessions_.find(busy.cookie, now_));
  }
  EXPECT_FALSE(sessions_.find(busy.cookie, now_));
}

TEST_F(ConsoleSessionsTest, ClosedIsClosed) {
  const ConsoleSessions::Opened one = open(key_);
  const ConsoleSessions::Opened other = open(key_);
  EXPECT_EQ(sessions_.list(now_).size(), 2u);
  EXPECT_TRUE(sessions_.close(one.session.id));
  EXPECT_FALSE(sessions_.close(one.session.id));
  EXPECT_FALSE(sessions_.find(one.cookie, now_));
  EXPECT_TRUE(sessions_.find(other.cookie, now_));
  EXPECT_TRUE(sessions_.list(now_ + limits::kSessionIdleMax).empty());
}

TEST_F(ConsoleSessionsTest, AKeyHasSoManySessionsAndAllKeysTogether) {
  const AccessKey other_key = key_named("AKIAEVE");
  const std::string first = open(other_key).cookie;
  now_ = now_ + 1;
  const std::string oldest = open(key_).cookie;
  now_ = now_ + 1;
  for (std::size_t i = 1; i < limits::kSessionsPerKeyMax; ++i) open(key_);
  EXPECT_TRUE(sessions_.find(oldest, now_));
  now_ = now_ + 1;
  const std::string second = open(key_).cookie;
  EXPECT_TRUE(sessions_.find(oldest, now_)) << "one that was used longer ago went";
  EXPECT_TRUE(sessions_.find(first, now_)) << "no other key's";
  EXPECT_EQ(sessions_.list(now_).size(), limits::kSessionsPerKeyMax + 1);

  now_ = now_ + 1;
  for (std::size_t i = sessions_.list(now_).size(); i <= limits::kSessionsMax; ++i) {
    open(key_named("AKIA" + std::to_string(i)));
  }
  EXPECT_EQ(sessions_.list(now_).size(), limits::kSessionsMax);
  EXPECT_TRUE(sessions_.find(second, now_));
}

TEST_F(ConsoleSessionsTest, TheOneUsedLastIsListedFirst) {
  const ConsoleSessions::Opened one = open(key_);
  now_ = now_ + 1;
  const ConsoleSessions::Opened other = open(key_);
  EXPECT_EQ(sessions_.list(now_).front().id, other.session.id);
  now_ = now_ + 1;
  sessions_.find(one.cookie, now_);
  EXPECT_EQ(sessions_.list(now_).front().id, one.session.id);
}

}  // namespace
}  // namespace millrace
