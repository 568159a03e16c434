#include "auth/console_session.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace millrace {
namespace {

std::string cookie_in(std::vector<HttpField> fields) {
  HttpRequest request;
  request.fields = std::move(fields);
  return std::string(session_cookie_of(request));
}

TEST(ConsoleSession, EndsWhenItIsNotUsedAndInAnyCase) {
  ConsoleSession session;
  session.created = Timestamp{1'000};
  session.last_used = Timestamp{5'000};
  EXPECT_EQ(session.expires_at(), Timestamp{5'000} + limits::kSessionIdleMax);
  session.last_used = session.created + limits::kSessionAgeMax - 1;
  EXPECT_EQ(session.expires_at(), session.created + limits::kSessionAgeMax);
}

TEST(ConsoleSession, TheCookieIsFoundAmongOthers) {
  EXPECT_EQ(cookie_in({{"Cookie", "millrace_session=abc"}}), "abc");
  EXPECT_EQ(cookie_in({{"cookie", "a=b; millrace_session=abc; c=d"}}), "abc");
  EXPECT_EQ(cookie_in({{"Cookie", "a=b"}, {"Cookie", "millrace_session=abc"}}), "abc");
  EXPECT_EQ(cookie_in({{"Cookie", "millrace_sessions=x; xmillrace_session=y"}}), "");
  EXPECT_EQ(cookie_in({{"Cookie", "millrace_session"}}), "");
  EXPECT_EQ(cookie_in({}), "");
}

TEST(ConsoleSession, TheCookieIsForTheConsolesApiOnly) {
  EXPECT_EQ(set_session_cookie("ab", "/console/api/", false),
            "millrace_session=ab; Path=/console/api/; HttpOnly; SameSite=Strict");
  EXPECT_EQ(set_session_cookie("ab", "/q/console/api/", true),
            "millrace_session=ab; Path=/q/console/api/; HttpOnly; SameSite=Strict; Secure");
  EXPECT_EQ(set_session_cookie("", "/console/api/", false),
            "millrace_session=; Path=/console/api/; HttpOnly; SameSite=Strict; Max-Age=0");
}

TEST(ConsoleSession, AKeyThatIsReplacedIsAnotherOne) {
  const AccountId account = AccountId::parse("111122223333").value();
  const AccessKey key{.id = "AKIA1",
                      .secret = "0123456789abcdef",
                      .session_token = {},
                      .expires_at = {},
                      .caller = caller_of_user(account, "ada", "AKIA1")};
  AccessKey other = key;
  EXPECT_EQ(key_print(key), key_print(other));
  other.secret = "0123456789abcdeF";
  EXPECT_NE(key_print(key), key_print(other));
  other = key;
  other.caller = caller_of_user(account, "eve", "AKIA1");
  EXPECT_NE(key_print(key), key_print(other));
}

}  // namespace
}  // namespace millrace
