#include "base/source_network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace millrace {

std::string source_network(std::string_view address) {
  constexpr std::size_t kV4Bytes = 4;
  constexpr std::size_t kV6NetworkBytes = 8;
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  address = address.substr(0, address.find('%'));  // the zone of a link-local address
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.size() >= text.size()) return {};
  std::ranges::copy(address, text.begin());
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, text.data(), bytes.data()) == 1) return {bytes.data(), kV4Bytes};
  if (inet_pton(AF_INET6, text.data(), bytes.data()) != 1) return {};
  if (std::string_view(bytes.data(), kMapped.size()) == kMapped) {
    return {bytes.data() + kMapped.size(), kV4Bytes};
  }
  return {bytes.data(), kV6NetworkBytes};
}

}  // namespace millrace
