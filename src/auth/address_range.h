// AddressRange: the IP addresses of a CIDR block, as IpAddress conditions name them.
//
// An IPv4 address in IPv6 clothes (::ffff:192.0.2.1) is the IPv4 address. Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace {

/// An address of either family.
struct IpAddress {
  bool v4 = false;
  std::array<std::uint8_t, 16> bytes{};  // of IPv4 the first four

  /// @param text an address without a port, brackets or zone. @return nothing for anything else.
  static std::optional<IpAddress> parse(std::string_view text);
};

class AddressRange {
 public:
  /// @param text an address, or an address, '/' and how many bits of it count; what stands in the
  /// bits behind those is ignored.
  static std::optional<AddressRange> parse(std::string_view text);

  bool contains(const IpAddress& address) const;

 private:
  IpAddress start_;
  std::size_t bits_ = 0;
};

}  // namespace millrace
