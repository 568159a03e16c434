// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of a few 64-bit words in some ten
// nanoseconds. Who does not know the key can neither tell its values from random ones nor make
// them, so it serves as a pseudo-random function and, with two values side by side, as a tag.
//
// Pure functions; any thread.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace millrace {

struct SipKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// A key for one use of `secret`, which has nothing to do with those for others.
SipKey derive_sip_key(std::span<const std::uint8_t, 32> secret, std::string_view use);

/// Of the words' bytes, low byte first.
inline std::uint64_t sip_hash(const SipKey& key, std::initializer_list<std::uint64_t> words) {
  std::uint64_t v0 = key.low ^ 0x736f6d6570736575;
  std::uint64_t v1 = key.high ^ 0x646f72616e646f6d;
  std::uint64_t v2 = key.low ^ 0x6c7967656e657261;
  std::uint64_t v3 = key.high ^ 0x7465646279746573;
  const auto round = [&] {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  };
  const auto take = [&](std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  };
  for (const std::uint64_t word : words) take(word);
  take(std::uint64_t{words.size()} * 8 << 56);  // how many bytes there were, none of them left over
  v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace millrace
