#include "bench/bodies.h"

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

std::string body(const Bodies& bodies, std::uint64_t number) {
  std::string out;
  bodies.append(out, number);
  return out;
}

TEST(Bodies, StartWithTheirNumberAndHaveTheirSize) {
  const Bodies bodies(1024, 1);
  const std::string text = body(bodies, 0xabc0000000000123);
  EXPECT_EQ(text.substr(0, 16), "abc0000000000123");
  EXPECT_EQ(text.size(), 1024U);
  EXPECT_EQ(number_of_body(text), 0xabc0000000000123);
}

TEST(Bodies, FollowFromSeedAndNumber) {
  EXPECT_EQ(body(Bodies(100, 5), 77), body(Bodies(100, 5), 77));
  EXPECT_NE(body(Bodies(100, 5), 77).substr(16), body(Bodies(100, 6), 77).substr(16));
  EXPECT_NE(body(Bodies(100, 5), 77).substr(16), body(Bodies(100, 5), 78).substr(16));
}

TEST(Bodies, NeedNoEscapeInAnyProtocol) {
  EXPECT_EQ(
      body(Bodies(5000, 3), 9)
          .find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
}

TEST(Bodies, TheSmallestIsTheNumberAlone) {
  EXPECT_EQ(body(Bodies(kBodyBytesMin, 1), 255), "00000000000000ff");
}

TEST(Bodies, OtherTextHasNoNumber) {
  EXPECT_EQ(number_of_body("hello"), std::nullopt);
  EXPECT_EQ(number_of_body("00000000000000fg and more"), std::nullopt);
}

}  // namespace
}  // namespace millrace::bench
