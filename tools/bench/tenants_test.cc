#include "bench/tenants.h"

#include <gtest/gtest.h>

#include <map>

namespace millrace::bench {
namespace {

TEST(Tenants, EachHasItsPartOfEveryRoundSpreadEvenly) {
  const Tenants tenants{50, 100};
  std::map<std::uint64_t, unsigned> messages;
  unsigned noisy_run = 0;
  for (std::uint64_t number = 0; number < 300; ++number) {
    const std::uint64_t tenant = tenants.of((std::uint64_t{7} << kPlaceBits) + number);
    ++messages[tenant];
    noisy_run = tenant == 0 ? noisy_run + 1 : 0;
    EXPECT_LE(noisy_run, 2U);
  }
  ASSERT_EQ(messages.size(), 51U);
  EXPECT_EQ(messages[0], 200U);
  for (std::uint64_t tenant = 1; tenant <= 50; ++tenant) EXPECT_EQ(messages[tenant], 2U);
}

TEST(Tenants, AllAreQuietOrAllAreOfTheNoisyOne) {
  EXPECT_EQ((Tenants{3, 0}.of(4)), 2U);
  EXPECT_EQ((Tenants{0, 1}.of(4)), 0U);
}

}  // namespace
}  // namespace millrace::bench
