// CRC-32C (Castagnoli), the checksum of everything in the commit log.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace {

/// CRC-32C of `bytes`, continuing from `before` (the CRC of what lies in front of them).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

/// The same without the processor's instruction; tests compare the two.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before = 0);

}  // namespace millrace
