#include "bench/bodies.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/random.h"

namespace millrace::bench {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kNumberDigits = 16;
constexpr std::size_t kPlaces = 1 << 20;  // from which a body's piece may start

}  // namespace

Bodies::Bodies(std::size_t size, std::uint64_t seed) : size_(size) {
  CHECK(size >= kBodyBytesMin && size <= kBodyBytesMax);
  Random random(seed);
  noise_.resize(kPlaces + size);
  for (std::size_t i = 0; i < noise_.size();) {
    std::uint64_t bits = random.next();
    for (int taken = 0; taken < 10 && i < noise_.size(); ++taken, bits >>= 6) {
      noise_[i++] = kAlphabet[bits & 63];
    }
  }
}

void Bodies::append(std::string& out, std::uint64_t number) const {
  char digits[kNumberDigits];
  for (std::size_t i = 0; i < kNumberDigits; ++i) {
    digits[i] = kHexDigits[(number >> (60 - 4 * i)) & 15];
  }
  out.append(digits, kNumberDigits);
  // The multiplication spreads neighbouring numbers over the whole text.
  const std::uint64_t place = (number * 0x9e3779b97f4a7c15U) >> 44;
  static_assert(kPlaces == std::size_t{1} << (64 - 44));
  out.append(noise_, place, size_ - kNumberDigits);
}

std::optional<std::uint64_t> number_of_body(std::string_view body) {
  if (body.size() < kNumberDigits) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const char* end = body.data() + kNumberDigits;
  const auto [stopped, error] = std::from_chars(body.data(), end, number, 16);
  return error == std::errc() && stopped == end ? std::optional(number) : std::nullopt;
}

}  // namespace millrace::bench
