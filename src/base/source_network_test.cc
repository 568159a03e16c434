#include "base/source_network.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(SourceNetwork, AnIpv4AddressIsAClient) {
  EXPECT_EQ(source_network("192.0.2.1"), std::string("\xc0\0\x02\x01", 4));
  EXPECT_NE(source_network("192.0.2.1"), source_network("192.0.2.2"));
  EXPECT_EQ(source_network("::ffff:192.0.2.1"), source_network("192.0.2.1"));
}

TEST(SourceNetwork, OfIpv6TheFirst64Bits) {
  EXPECT_EQ(source_network("2001:db8:1:2::1"), std::string("\x20\x01\x0d\xb8\0\x01\0\x02", 8));
  EXPECT_EQ(source_network("2001:db8:1:2::1"), source_network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(source_network("2001:db8:1:2::1"), source_network("2001:db8:1:3::1"));
  EXPECT_EQ(source_network("fe80::1%eth0"), source_network("fe80::2%eth1"));
}

TEST(SourceNetwork, WhatIsNoAddressIsOneClient) {
  const std::string long_text(1000, '1');
  for (const std::string_view wrong : {"", "localhost", "1.2.3", "1.2.3.4:80", "[::1]", "%"}) {
    EXPECT_EQ(source_network(wrong), "") << wrong;
  }
  EXPECT_EQ(source_network(long_text), "");
}

}  // namespace
}  // namespace millrace
