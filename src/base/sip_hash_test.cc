#include "base/sip_hash.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

// The key 00 01 ... 0f of the paper's appendix, and of the vectors of its reference code.
constexpr SipKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

TEST(SipHash, GivesThePublishedValues) {
  EXPECT_EQ(sip_hash(kKey, {}), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(sip_hash(kKey, {0x0706050403020100}), 0x93f5f5799a932462u);
  EXPECT_EQ(sip_hash(kKey, {0x0706050403020100, 0x0f0e0d0c0b0a0908}), 0x3f2acc7f57c29bdbu);
}

TEST(SipHash, DependsOnTheKeyAndOnEachWord) {
  const std::uint64_t hash = sip_hash(kKey, {1, 2});
  EXPECT_NE(hash, sip_hash({kKey.low + 1, kKey.high}, {1, 2}));
  EXPECT_NE(hash, sip_hash({kKey.low, kKey.high + 1}, {1, 2}));
  EXPECT_NE(hash, sip_hash(kKey, {1, 3}));
  EXPECT_NE(hash, sip_hash(kKey, {2, 2}));
  EXPECT_NE(hash, sip_hash(kKey, {1, 2, 0}));
}

}  // namespace
}  // namespace millrace
