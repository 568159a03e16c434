// Numbers and lengths as bytes, for keys and records: big-endian, so that keys sort as their
// numbers do, and a reader that refuses to read past the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

inline void append_u8(std::string& out, std::uint8_t value) {
  out.push_back(static_cast<char>(value));
}
inline void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}
inline void append_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}
inline void append_i64(std::string& out, std::int64_t value) {
  append_u64(out, static_cast<std::uint64_t>(value));
}
/// Base-128 varint: seven bits a byte, low bits first.
inline void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}
/// A varint length and then the bytes.
inline void append_sized(std::string& out, std::string_view bytes) {
  append_varint(out, bytes.size());
  out.append(bytes);
}

/// Reads what the functions above wrote. Reading past the end, or a malformed varint, sets failed()
/// and gives zeros and empty views from then on, so a caller checks once, at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  std::int64_t i64() { return static_cast<std::int64_t>(number(8)); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = u8();
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  std::string_view bytes(std::size_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::string_view sized() { return bytes(varint()); }

  std::string_view rest() const { return rest_; }
  bool failed() const { return failed_; }
  /// Everything was read and nothing failed.
  bool done() const { return !failed_ && rest_.empty(); }

 private:
  std::uint64_t number(std::size_t count) {
    std::uint64_t value = 0;
    for (const char byte : bytes(count)) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
  }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace millrace
