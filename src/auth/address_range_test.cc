#include "auth/address_range.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

bool contains(const char* range, const char* address) {
  return AddressRange::parse(range).value().contains(IpAddress::parse(address).value());
}

TEST(AddressRange, ContainsItsAddresses) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.0.2.6/31", "192.0.2.7"));
  EXPECT_FALSE(contains("192.0.2.6/31", "192.0.2.8"));
  EXPECT_TRUE(contains("192.0.2.6", "192.0.2.6"));
  EXPECT_FALSE(contains("192.0.2.6/32", "192.0.2.7"));
  EXPECT_TRUE(contains("0.0.0.0/0", "255.0.0.1"));
  EXPECT_TRUE(contains("2001:db8::/127", "2001:db8::1"));
  EXPECT_FALSE(contains("2001:db8::/127", "2001:db8::2"));
  EXPECT_FALSE(contains("2001:db8::", "2001:db8::1"));
  EXPECT_TRUE(contains("::/0", "ffff::"));
}

TEST(AddressRange, KeepsTheFamiliesApart) {
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
  EXPECT_FALSE(contains("::/0", "127.0.0.1"));
}

TEST(AddressRange, TakesAMappedAddressAsIpv4) {
  EXPECT_TRUE(contains("192.0.2.0/24", "::ffff:192.0.2.9"));
  EXPECT_TRUE(contains("::ffff:192.0.2.0/120", "192.0.2.9"));
  EXPECT_FALSE(contains("::ffff:192.0.2.0/120", "192.0.3.9"));
  EXPECT_TRUE(contains("::ffff:192.0.2.9", "192.0.2.9"));
  EXPECT_FALSE(AddressRange::parse("::ffff:192.0.2.0/24"));
  EXPECT_FALSE(AddressRange::parse("::ffff:192.0.2.0/129"));
}

TEST(AddressRange, IsNothingElse) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0", "10.0.0.256",
        "010.0.0.x", "::/129", "[::1]", "fe80::1%eth0", "localhost", "10.0.0.0 /8",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
        "10.0.0.0/99999999999999999999"}) {
    EXPECT_FALSE(AddressRange::parse(text)) << text;
  }
}

}  // namespace
}  // namespace millrace
