#include "server/metrics_access.h"

#include <gtest/gtest.h>

#include "support/temporary_directory.h"

namespace millrace {
namespace {

using Answer = MetricsAccess::Answer;

struct Asked {
  std::string_view from = "127.0.0.1";
  std::string_view authorization = {};
  std::string_view forwarded_for = {};
  std::string_view origin = {};  // where it differs from `from`: a trusted proxy stands between
};

Answer check(const MetricsAccess& access, const Asked& asked) {
  HttpRequest request;
  request.remote_address = asked.from;
  const auto add = [&request](std::string_view name, std::string_view value) {
    if (!value.empty()) request.fields.push_back({name, value});
  };
  add("authorization", asked.authorization);
  add("x-forwarded-for", asked.forwarded_for);
  const Origin origin{asked.origin.empty() ? asked.from : asked.origin, false};
  return access.check(request, origin);
}

TEST(MetricsAccess, IsForThisMachineUnlessToldOtherwise) {
  const MetricsAccess access({}, {});
  EXPECT_EQ(check(access, {.from = "127.0.0.1"}), Answer::yes);
  EXPECT_EQ(check(access, {.from = "::1"}), Answer::yes);
  EXPECT_EQ(check(access, {.from = "10.0.0.1"}), Answer::no_address);
}

TEST(MetricsAccess, IsForTheListedAddressesAlone) {
  const MetricsAccess access({"10.1.0.0/16"}, {});
  EXPECT_EQ(check(access, {.from = "10.1.2.3"}), Answer::yes);
  EXPECT_EQ(check(access, {.from = "10.2.0.1"}), Answer::no_address);
  EXPECT_EQ(check(access, {.from = "127.0.0.1"}), Answer::no_address);
}

TEST(MetricsAccess, IsForWhomATrustedProxyNames) {
  const MetricsAccess access({}, {});
  EXPECT_EQ(check(access, {.forwarded_for = "10.0.0.1", .origin = "10.0.0.1"}), Answer::no_address);
}

TEST(MetricsAccess, IsNotForWhatAnUnknownProxyForwards) {
  const MetricsAccess access({}, {});
  EXPECT_EQ(check(access, {.forwarded_for = "127.0.0.1"}), Answer::no_address);
}

TEST(MetricsAccess, WithATokenIsForWhoeverHasIt) {
  const MetricsAccess access({}, "secret");
  EXPECT_EQ(check(access, {.from = "10.0.0.1", .authorization = "Bearer secret"}), Answer::yes);
  for (const std::string_view wrong : {"", "Bearer ", "Bearer secre", "Bearer secrets", "secret"}) {
    EXPECT_EQ(check(access, {.authorization = wrong}), Answer::no_token) << wrong;
  }
}

TEST(MetricsAccess, WithBothNeedsBoth) {
  const MetricsAccess access({"10.0.0.0/8"}, "secret");
  EXPECT_EQ(check(access, {.from = "10.0.0.1", .authorization = "Bearer secret"}), Answer::yes);
  EXPECT_EQ(check(access, {.from = "10.0.0.1"}), Answer::no_token);
  EXPECT_EQ(check(access, {.from = "192.0.2.1", .authorization = "Bearer secret"}),
            Answer::no_address);
}

}  // namespace
}  // namespace millrace
