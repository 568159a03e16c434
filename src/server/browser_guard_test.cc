#include "server/browser_guard.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

constexpr std::string_view kJson = "application/x-amz-json-1.0";

class BrowserGuardTest : public ::testing::Test {
 protected:
  /// The text of the refusal; empty: it may pass.
  std::string check(std::vector<HttpField> fields, bool secure = false,
                    std::string_view method = "POST") const {
    HttpRequest request;
    request.method = method;
    request.fields = std::move(fields);
    const Expected<void> checked = guard_.check(request, {"127.0.0.1", secure});
    if (checked) return {};
    EXPECT_EQ(checked.error().code(), ErrorCode::request_refused);
    return checked.error().message();
  }
  bool passes(std::vector<HttpField> fields, bool secure = false,
              std::string_view method = "POST") const {
    return check(std::move(fields), secure, method).empty();
  }

  const BrowserGuard guard_{{"Queues.example.com"}};
};

TEST_F(BrowserGuardTest, TheBrowserMustSayThatThePageIsOurs) {
  const HttpField host{"Host", "localhost:9324"};
  const HttpField type{"Content-Type", kJson};
  EXPECT_TRUE(passes({host, type, {"Sec-Fetch-Site", "same-origin"}}));
  for (const std::string_view site : {"same-site", "cross-site", "none", ""}) {
    EXPECT_FALSE(passes({host, type, {"Sec-Fetch-Site", site}})) << site;
    EXPECT_FALSE(
        passes({host, type, {"Sec-Fetch-Site", site}, {"Origin", "http://localhost:9324"}}))
        << site;
  }
  EXPECT_TRUE(passes({host, type, {"Origin", "http://localhost:9324"}}));
  for (const std::string_view origin :
       {"http://localhost:3000", "http://localhost", "https://localhost:9324", "null", "",
        "http://evil.example", "http://localhost:9324.evil.example"}) {
    EXPECT_FALSE(passes({host, type, {"Origin", origin}})) << origin;
  }
  EXPECT_TRUE(passes({host, type, {"Origin", "https://localhost:9324"}}, true));
  EXPECT_FALSE(passes({host, type})) << "a browser says one or the other";
  EXPECT_FALSE(passes({host}, false, "DELETE"));
  EXPECT_TRUE(passes({host}, false, "GET")) << "on plain HTTP it says neither";
  EXPECT_FALSE(passes({host, {"Sec-Fetch-Site", "cross-site"}}, false, "GET"));
}

TEST_F(BrowserGuardTest, ANameThatIsNotOursMayLeadHereAllTheSame) {
  const auto by = [&](std::string_view host) {
    return passes({{"Host", host}, {"Content-Type", kJson}, {"Sec-Fetch-Site", "same-origin"}});
  };
  for (const std::string_view host :
       {"localhost", "LOCALHOST:1", "127.0.0.1:9324", "[::1]:9324", "192.0.2.7",
        "queues.example.com", "QUEUES.example.com:443"}) {
    EXPECT_TRUE(by(host)) << host;
  }
  for (const std::string_view host :
       {"", "evil.example:9324", "localhost.evil.example", "queues.example.com.evil.example",
        "127.0.0.1.evil.example", "queues.example.co", "[queues]"}) {
    EXPECT_FALSE(by(host)) << host;
  }
}

TEST_F(BrowserGuardTest, TheTypeIsOneThatOtherPagesMayNotUse) {
  const HttpField host{"Host", "localhost:9324"};
  const HttpField site{"Sec-Fetch-Site", "same-origin"};
  EXPECT_TRUE(passes({host, site, {"Content-Type", "application/x-amz-json-1.0; charset=utf-8"}}));
  for (const std::string_view type : {"", "text/plain", "application/json",
                                      "application/x-www-form-urlencoded", "multipart/form-data"}) {
    EXPECT_FALSE(passes({host, site, {"Content-Type", type}})) << type;
  }
  EXPECT_TRUE(passes({host, site}, false, "DELETE")) << "that is one already";
  EXPECT_FALSE(passes({host, site, {"Content-Type", kJson}}, false, "OPTIONS"));
}

TEST_F(BrowserGuardTest, BrowsersAreKnownByWhatTheySend) {
  HttpRequest request;
  EXPECT_FALSE(BrowserGuard::is_browser(request));
  for (const std::string_view name : {"Origin", "Sec-Fetch-Site", "cookie"}) {
    request.fields = {{name, ""}};
    EXPECT_TRUE(BrowserGuard::is_browser(request)) << name;
  }
}

TEST_F(BrowserGuardTest, WhatStaysOnThisMachineNeedsNoTls) {
  const auto loopback = [](std::string_view address, std::string_view host) {
    HttpRequest request;
    request.fields = {{"Host", host}};
    return is_loopback(request, {address, false});
  };
  EXPECT_TRUE(loopback("127.0.0.1", "localhost:9324"));
  EXPECT_TRUE(loopback("::1", "[::1]:9324"));
  EXPECT_TRUE(loopback("127.0.0.2", "127.0.0.1"));
  EXPECT_FALSE(loopback("127.0.0.1", "queues.example.com")) << "through a proxy on this machine";
  EXPECT_FALSE(loopback("192.0.2.1", "localhost"));
}

}  // namespace
}  // namespace millrace
