// Bytes to text and back, and digests: hex, base64, percent, MD5, SHA-256, HMAC, UUID.
//
// Pure functions; digest contexts are kept per thread. OpenSSL is behind this header and nowhere
// else outside crypt/ and http/'s TLS.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace millrace {

using Md5Digest = std::array<std::uint8_t, 16>;
using Sha256Digest = std::array<std::uint8_t, 32>;

/// Appends `bytes` as lower-case hex digits.
void append_hex(std::string& out, std::span<const std::uint8_t> bytes);
std::string to_hex(std::span<const std::uint8_t> bytes);

/// The value of a hex digit of either case, or -1.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Base64 with padding (RFC 4648 section 4).
std::string to_base64(std::string_view bytes);
/// Decodes strictly: alphabet, length and padding must be exact. Nothing on bad input.
std::optional<std::string> from_base64(std::string_view text);

/// Percent-encodes all but RFC 3986's unreserved characters, as SigV4 wants it.
std::string percent_encode(std::string_view text);
/// The same, appended.
void append_percent_encoded(std::string& out, std::string_view text);
/// Undoes percent-encoding; with `plus_is_space`, `+` too (form bodies). Nothing on a bad escape.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

/// MD5 (RFC 1321), which SQS uses as a checksum of bodies and attributes.
Md5Digest md5(std::string_view bytes);
/// MD5 of several texts at once, in vector lanes where the processor has them: the cost of a
/// batch's digests falls to about a quarter. `digests` must be as long as `texts`.
void md5_many(std::span<const std::string_view> texts, std::span<Md5Digest> digests);

Sha256Digest sha256(std::string_view bytes);
/// SHA-256 of bytes that come piece by piece.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();
  void add(std::string_view bytes);
  /// Of all that was added; nothing can be added any more.
  Sha256Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};
/// HMAC-SHA-256 (RFC 2104).
Sha256Digest hmac_sha256(std::string_view key, std::string_view bytes);

/// HMAC-SHA-256 under one key, with the key's two inner states computed once.
class KeyedHash {
 public:
  explicit KeyedHash(std::string_view key);
  KeyedHash(const KeyedHash&);
  KeyedHash(KeyedHash&&) noexcept;
  KeyedHash& operator=(KeyedHash) noexcept;
  ~KeyedHash();
  /// Any thread, several at a time.
  Sha256Digest operator()(std::string_view bytes) const;

 private:
  struct States;
  std::unique_ptr<States> states_;
};

/// Whether the two are equal, in a time that depends on their lengths alone.
bool equal_constant_time(std::string_view a, std::string_view b);

/// `bytes` in the text form of a UUID (RFC 9562 section 4): 8-4-4-4-12 lower-case hex digits.
std::string to_uuid_text(std::span<const std::uint8_t, 16> bytes);
void append_uuid_text(std::string& out, std::span<const std::uint8_t, 16> bytes);
/// The 16 bytes of a UUID's text form, or nothing.
std::optional<std::array<std::uint8_t, 16>> from_uuid_text(std::string_view text);

/// True if `text` is UTF-8 and holds only the characters that SQS takes in bodies and attributes:
/// #x9 | #xA | #xD | #x20-#xD7FF | #xE000-#xFFFD | #x10000-#x10FFFF.
bool is_sqs_text(std::string_view text);

/// How many characters `utf8`, which is UTF-8, has.
std::size_t count_characters(std::string_view utf8);

/// A whole number in plain decimal digits (no sign, space or dot) that fits; or nothing.
std::optional<std::int64_t> parse_digits(std::string_view text);

}  // namespace millrace
