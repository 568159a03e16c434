// Sessions as they grow old, and what each answer says. How browsers and scripts get on with a
// whole server is tested with the real one, by test_console_edge.py.
#include "server/console_edge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <boost/asio/system_executor.hpp>

#include "base/limits.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;

const AccountId kAccount = AccountId::parse("111122223333").value();
const Region kRegion = Region::parse("us-east-1").value();

AccessKey key_of(const std::string& user, const std::string& id) {
  return {.id = id,
          .secret = "0123456789abcdef",
          .session_token = {},
          .expires_at = {},
          .caller = caller_of_user(kAccount, user, id)};
}

class ConsoleEdgeTest : public ::testing::Test {
 protected:
  ConsoleEdgeTest() { put({ada_}); }

  void put(std::vector<AccessKey> keys) {
    credentials_ = std::make_shared<const Credentials>(std::move(keys));
  }

  ConsoleSessions::Opened open(bool read_only = false) {
    return console_.sessions.open({.key = ada_, .source = "127.0.0.1", .read_only = read_only},
                                  clock_.now());
  }

  static HttpRequest request_of(const std::string& cookie, const std::string& token,
                                std::string_view method = "POST",
                                std::string_view target = "/console/api/") {
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.fields = {{"Host", "localhost:9324"},
                      {"Sec-Fetch-Site", "same-origin"},
                      {"Content-Type", "application/x-amz-json-1.0"},
                      {"Cookie", cookie},
                      {"X-Console-Csrf", token}};
    return request;
  }

  /// What becomes of a request with that session: its user, or the code of the error.
  std::string admit(const ConsoleSessions::Opened& opened) {
    const std::string cookie = "millrace_session=" + opened.cookie;
    const auto admitted =
        edge_.admit(request_of(cookie, opened.session.csrf_token), {"127.0.0.1", false});
    return admitted ? admitted->caller->user : std::string(admitted.error().row().query_code);
  }

  HttpResponse page(std::string_view target, std::vector<HttpField> fields = {},
                    bool secure = false) {
    HttpRequest request;
    request.method = "GET";
    request.target = target;
    request.fields = std::move(fields);
    EXPECT_TRUE(ConsoleEdge::asks_for_page(request));
    HttpResponse response;
    edge_.answer_page(request, Origin{"127.0.0.1", secure}, response);
    return response;
  }

  static std::string field(const HttpResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.fields) {
      if (key == name) return value;
    }
    return {};
  }

  const AccessKey ada_ = key_of("ada", "AKIAADA");
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  CurrentCredentials credentials_;
  Authenticator authenticator_{{.account = kAccount,
                                .region = kRegion,
                                .credentials = &credentials_,
                                .wall_clock = &clock_}};
  Console console_{ServeOptions(), AccessKeys("", boost::asio::system_executor(),
                                              [] { return StartResult<void>(); })};
  ConsoleEdge edge_{{.console = console_,
                     .authenticator = authenticator_,
                     .credentials = &credentials_,
                     .wall_clock = clock_,
                     .account = kAccount,
                     .region = kRegion}};
};

TEST_F(ConsoleEdgeTest, ASessionStandsForItsKeyUntilItIsOld) {
  const ConsoleSessions::Opened opened = open();
  EXPECT_EQ(admit(opened), "ada");
  clock_.advance(limits::kSessionIdleMax - 1);
  EXPECT_EQ(admit(opened), "ada");
  clock_.advance(limits::kSessionIdleMax);
  EXPECT_EQ(admit(opened), "NotSignedIn");
}

TEST_F(ConsoleEdgeTest, ASessionEndsWithItsKey) {
  AccessKey changed = ada_;
  changed.enabled = false;
  for (const std::vector<AccessKey>& keys :
       {std::vector<AccessKey>(), {changed}, {key_of("eve", "AKIAADA")}}) {
    put({ada_});
    const ConsoleSessions::Opened opened = open();
    EXPECT_EQ(admit(opened), "ada");
    put(keys);
    EXPECT_EQ(admit(opened), "NotSignedIn");
    put({ada_});
    EXPECT_EQ(admit(opened), "NotSignedIn") << "for good";
  }
  AccessKey temporary = ada_;
  temporary.expires_at = clock_.now() + seconds(60);
  put({temporary});
  const ConsoleSessions::Opened opened = open();
  EXPECT_EQ(admit(opened), "ada");
  clock_.advance(seconds(60));
  EXPECT_EQ(admit(opened), "NotSignedIn");
}

TEST_F(ConsoleEdgeTest, TheCookieAloneDoesNothing) {
  const ConsoleSessions::Opened opened = open();
  ConsoleSessions::Opened other = opened;
  other.session.csrf_token = open().session.csrf_token;
  EXPECT_EQ(admit(other), "ConsoleRequestRefused");
  other.session.csrf_token.clear();
  EXPECT_EQ(admit(other), "ConsoleRequestRefused");
  other = opened;
  other.cookie.clear();
  EXPECT_EQ(admit(other), "NotSignedIn");
}

TEST_F(ConsoleEdgeTest, ASessionThatMayOnlyLookSaysSo) {
  const ConsoleSessions::Opened opened = open(true);
  const std::string cookie = "millrace_session=" + opened.cookie;
  const auto admitted =
      edge_.admit(request_of(cookie, opened.session.csrf_token), {"127.0.0.1", false});
  ASSERT_TRUE(admitted);
  EXPECT_TRUE(admitted->read_only);
  EXPECT_EQ(admitted->session, opened.session.id);

  const HttpRequest request = request_of(cookie, {}, "GET", "/console/api/session");
  RequestRecord record;
  HttpResponse response;
  ASSERT_TRUE(edge_.answer_session(request, {"127.0.0.1", false}, "id", record, response));
  EXPECT_EQ(response.status, 200u);
  EXPECT_THAT(response.body, HasSubstr(R"("ReadOnly":true)"));
  EXPECT_THAT(response.body, HasSubstr(opened.session.csrf_token));
  EXPECT_EQ(response.body.find(opened.cookie), std::string::npos);
}

TEST_F(ConsoleEdgeTest, ABrowserIsLedToThePage) {
  const HttpResponse root = page("/", {{"Accept", "text/html"}, {"Host", "localhost:9324"}});
  EXPECT_EQ(root.status, 302u);
  EXPECT_EQ(field(root, "Location"), "console/");
  EXPECT_EQ(page("/console", {{"Host", "[::1]:9324"}}).status, 302u);
  EXPECT_EQ(page("/console/none.js", {{"Host", "127.0.0.1"}}).status, 404u);
  const HttpResponse foreign = page("/console/", {{"Host", "evil.example"}});
  EXPECT_EQ(foreign.status, 403u);
  EXPECT_THAT(foreign.body, HasSubstr("--console-host evil.example"));

  HttpRequest request;
  request.method = "GET";
  for (const std::string_view target : {"/", "/?Action=ListQueues", "/111122223333/q",
                                        "/console/api/", "/console/api/session", "/consoles"}) {
    request.target = target;
    EXPECT_FALSE(ConsoleEdge::asks_for_page(request)) << target;
  }
  request.target = "/?Action=ListQueues";
  request.fields = {{"Accept", "text/html"}};
  EXPECT_FALSE(ConsoleEdge::asks_for_page(request));
}

TEST_F(ConsoleEdgeTest, OnlyTlsIsKeptToTlsAndNotTheWholeMachine) {
  const std::string_view name = "Strict-Transport-Security";
  EXPECT_EQ(field(page("/console/", {{"Host", "127.0.0.1"}}, true), name), "max-age=31536000");
  EXPECT_EQ(field(page("/console/", {{"Host", "localhost"}}, true), name), "");
  EXPECT_EQ(field(page("/console/", {{"Host", "127.0.0.1"}}, false), name), "");
}

}  // namespace
}  // namespace millrace
