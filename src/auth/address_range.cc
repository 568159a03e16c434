#include "auth/address_range.h"

#include <arpa/inet.h>

#include <algorithm>
#include <span>

#include "base/encoding.h"

namespace millrace {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return std::nullopt;
  std::ranges::copy(text, terminated.begin());
  IpAddress address;
  if (inet_pton(AF_INET, terminated.data(), address.bytes.data()) == 1) {
    address.v4 = true;
    return address;
  }
  if (inet_pton(AF_INET6, terminated.data(), address.bytes.data()) != 1) return std::nullopt;
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::ranges::equal(kMapped, std::span(address.bytes).first<12>())) {
    address.v4 = true;
    std::ranges::copy(std::span(address.bytes).last<4>(), address.bytes.begin());
    std::ranges::fill(std::span(address.bytes).last<12>(), std::uint8_t{0});
  }
  return address;
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> start = IpAddress::parse(text.substr(0, slash));
  if (!start) return std::nullopt;
  AddressRange range;
  range.start_ = *start;
  range.bits_ = start->v4 ? 32 : 128;
  if (slash == std::string_view::npos) return range;
  // The bits of a mapped address count from the start of its IPv6 form.
  const std::size_t mapped_bits = start->v4 && text.find(':') < slash ? 96 : 0;
  const std::optional<std::int64_t> bits = parse_digits(text.substr(slash + 1));
  if (!bits || static_cast<std::size_t>(*bits) < mapped_bits ||
      static_cast<std::size_t>(*bits) > range.bits_ + mapped_bits) {
    return std::nullopt;
  }
  range.bits_ = static_cast<std::size_t>(*bits) - mapped_bits;
  return range;
}

bool AddressRange::contains(const IpAddress& address) const {
  if (address.v4 != start_.v4) return false;
  const std::size_t whole = bits_ / 8;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  start_.bytes.begin())) {
    return false;
  }
  const std::size_t rest = bits_ % 8;
  if (rest == 0) return true;
  const unsigned difference = static_cast<unsigned>(address.bytes[whole] ^ start_.bytes[whole]);
  return difference >> (8 - rest) == 0;
}

}  // namespace millrace
