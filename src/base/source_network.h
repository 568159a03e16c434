// Where a client comes from, as limits count it. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// The network that counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address,
/// since a single machine may have all addresses below those. IPv4 in IPv6 clothes is IPv4.
/// @param address in digits, without its port. @return 4 or 8 bytes; none for what is no address,
/// so that all of that counts as one client, too.
std::string source_network(std::string_view address);

}  // namespace millrace
