#include "server/trusted_proxies.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using Fields = std::vector<HttpField>;

const TrustedProxies& proxies() {
  static const TrustedProxies made({"10.0.0.0/8", "2001:db8::/32", "127.0.0.1"});
  return made;
}

HttpRequest from(std::string_view peer, Fields fields, bool secure = false) {
  HttpRequest request;
  request.remote_address = peer;
  request.fields = std::move(fields);
  request.secure = secure;
  return request;
}

std::string address(std::string_view peer, Fields fields) {
  const HttpRequest request = from(peer, std::move(fields));
  const Expected<Origin> origin = proxies().origin_of(request);
  return origin ? std::string(origin->address) : "refused: " + origin.error().message();
}

std::string scheme(std::string_view peer, bool secure, Fields fields) {
  const Expected<Origin> origin = proxies().origin_of(from(peer, std::move(fields), secure));
  if (!origin) return "refused: " + origin.error().message();
  return origin->secure ? "https" : "http";
}

constexpr const char* kFor = "X-Forwarded-For";
constexpr const char* kProto = "x-forwarded-proto";
constexpr const char* kUnreadableFor =
    "refused: The field X-Forwarded-For of a proxy could not be read.";
constexpr const char* kUnreadableProto =
    "refused: The field X-Forwarded-Proto of a proxy could not be read.";

TEST(TrustedProxies, TheAddressIsTheRightMostThatIsNoProxys) {
  const struct {
    std::string_view peer;
    Fields fields;
    std::string_view address;
  } rows[] = {
      // Who is no proxy is not believed.
      {"192.0.2.1", {{kFor, "198.51.100.1"}}, "192.0.2.1"},
      {"192.0.2.1", {{kFor, "not an address"}}, "192.0.2.1"},
      {"::1", {{kFor, "198.51.100.1"}}, "::1"},
      // A proxy asks for itself.
      {"10.1.1.1", {}, "10.1.1.1"},
      // One proxy, and what the client made up is on the left.
      {"10.1.1.1", {{kFor, "198.51.100.1"}}, "198.51.100.1"},
      {"10.1.1.1", {{"x-FORWARDED-for", "198.51.100.1"}}, "198.51.100.1"},
      {"10.1.1.1", {{kFor, "10.9.9.9, 198.51.100.1"}}, "198.51.100.1"},
      {"10.1.1.1", {{kFor, "nonsense, 198.51.100.1"}}, "198.51.100.1"},
      {"10.1.1.1", {{kFor, "127.0.0.1"}, {kFor, "198.51.100.1"}}, "198.51.100.1"},
      // Several proxies.
      {"10.1.1.1", {{kFor, "198.51.100.1, 10.2.2.2"}}, "198.51.100.1"},
      {"10.1.1.1", {{kFor, "192.0.2.9,198.51.100.1 , 10.2.2.2,2001:db8::5"}}, "198.51.100.1"},
      {"10.1.1.1", {{kFor, "198.51.100.1"}, {"Host", "h"}, {kFor, "10.2.2.2"}}, "198.51.100.1"},
      {"2001:db8::1", {{kFor, "2001:db9::7"}}, "2001:db9::7"},
      // All are proxies: the furthest one.
      {"10.1.1.1", {{kFor, "10.3.3.3, 10.2.2.2"}}, "10.3.3.3"},
      // With ports.
      {"10.1.1.1", {{kFor, "198.51.100.1:4711"}}, "198.51.100.1"},
      {"10.1.1.1", {{kFor, "[2001:db9::7]:4711"}}, "2001:db9::7"},
      {"10.1.1.1", {{kFor, "[2001:db9::7]"}}, "2001:db9::7"},
      {"10.1.1.1", {{kFor, "198.51.100.1, 10.2.2.2:80"}}, "198.51.100.1"},
      // An IPv4 address in IPv6 clothes is the IPv4 address.
      {"::ffff:10.1.1.1", {{kFor, "198.51.100.1"}}, "198.51.100.1"},
      {"10.1.1.1", {{kFor, "198.51.100.1, ::ffff:10.2.2.2"}}, "198.51.100.1"},
      // What a proxy says must be an address.
      {"10.1.1.1", {{kFor, ""}}, kUnreadableFor},
      {"10.1.1.1", {{kFor, "unknown"}}, kUnreadableFor},
      {"10.1.1.1", {{kFor, "198.51.100.1,"}}, kUnreadableFor},
      {"10.1.1.1", {{kFor, "198.51.100.1, garbage, 10.2.2.2"}}, kUnreadableFor},
      {"10.1.1.1", {{kFor, "198.51.100"}}, kUnreadableFor},
      {"10.1.1.1", {{kFor, "[198.51.100.1"}}, kUnreadableFor},
      {"10.1.1.1", {{kFor, "198.51.100.1\x01"}}, kUnreadableFor},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(address(row.peer, row.fields), row.address)
        << row.peer << " " << (row.fields.empty() ? "" : row.fields.front().value);
  }
}

TEST(TrustedProxies, TheSchemeIsWhatTheNearestProxySaw) {
  const struct {
    std::string_view peer;
    bool secure;
    Fields fields;
    std::string_view scheme;
  } rows[] = {
      {"192.0.2.1", false, {{kProto, "https"}}, "http"},
      {"192.0.2.1", true, {{kProto, "http"}}, "https"},
      {"192.0.2.1", true, {{kProto, "gopher"}}, "https"},
      {"10.1.1.1", false, {}, "http"},
      {"10.1.1.1", true, {}, "https"},
      {"10.1.1.1", false, {{kProto, "https"}}, "https"},
      {"10.1.1.1", true, {{kProto, "http"}}, "http"},
      {"10.1.1.1", false, {{kProto, "HTTPS"}}, "https"},
      {"10.1.1.1", false, {{kProto, "https, http"}}, "http"},
      {"10.1.1.1", false, {{kProto, "http"}, {kProto, "https"}}, "https"},
      {"10.1.1.1", false, {{kProto, "gopher"}}, kUnreadableProto},
      {"10.1.1.1", true, {{kProto, ""}}, kUnreadableProto},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(scheme(row.peer, row.secure, row.fields), row.scheme)
        << row.peer << " " << (row.fields.empty() ? "" : row.fields.front().value);
  }
}

TEST(TrustedProxies, NobodyIsOneUnlessListed) {
  const HttpRequest request = from("127.0.0.1", {{kFor, "198.51.100.1"}, {kProto, "https"}});
  const Expected<Origin> origin = TrustedProxies().origin_of(request);
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->address, "127.0.0.1");
  EXPECT_FALSE(origin->secure);
}

}  // namespace
}  // namespace millrace
