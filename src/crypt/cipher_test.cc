#include "crypt/cipher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/encoding.h"

namespace millrace {
namespace {

std::string unhex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(hex_digit(digits[i]) << 4 | hex_digit(digits[i + 1])));
  }
  return bytes;
}

SecretKey key_of(std::string_view digits) {
  SecretKey key;
  std::memcpy(key.bytes().data(), unhex(digits).data(), SecretKey::kBytes);
  return key;
}

GcmNonce nonce_of(std::string_view digits) {
  GcmNonce nonce;
  std::memcpy(nonce.data(), unhex(digits).data(), nonce.size());
  return nonce;
}

std::string seal(const SecretKey& key, const GcmNonce& nonce, std::string_view associated,
                 std::string bytes) {
  std::array<char, kGcmTagBytes> tag;
  GcmSealer(key).seal(nonce, associated, bytes, tag);
  return bytes.append(tag.data(), tag.size());
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, the cases with a key of 256
// bits and a nonce of 96.
struct Vector {
  std::string_view key, nonce, associated, plain, sealed;
};
constexpr std::string_view kZeros =
    "0000000000000000000000000000000000000000000000000000000000000000";
constexpr Vector kVectors[] = {
    {kZeros, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {kZeros, "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(CipherTest, AgreesWithThePublishedVectors) {
  for (const Vector& vector : kVectors) {
    const SecretKey key = key_of(vector.key);
    const GcmNonce nonce = nonce_of(vector.nonce);
    const std::string associated = unhex(vector.associated);
    const std::string plain = unhex(vector.plain);
    const std::string sealed = seal(key, nonce, associated, plain);
    EXPECT_EQ(sealed, unhex(vector.sealed));
    std::string opened(plain.size(), 'x');
    EXPECT_TRUE(GcmOpener(key).open(nonce, associated, sealed, opened.data()));
    EXPECT_EQ(opened, plain);
  }
}

TEST(CipherTest, OpensNothingThatWasChanged) {
  const SecretKey key = SecretKey::generate();
  const GcmNonce nonce{1, 2, 3};
  const std::string sealed = seal(key, nonce, "associated", "a message");
  GcmOpener opener(key);
  std::string into(sealed.size(), '\0');
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(opener.open(nonce, "associated", changed, into.data())) << i;
    EXPECT_FALSE(opener.open(nonce, "associated", sealed.substr(0, i), into.data())) << i;
  }
  EXPECT_FALSE(opener.open(nonce, "associates", sealed, into.data()));
  EXPECT_FALSE(opener.open(GcmNonce{1, 2, 4}, "associated", sealed, into.data()));
  EXPECT_FALSE(GcmOpener(SecretKey::generate()).open(nonce, "associated", sealed, into.data()));
  EXPECT_TRUE(opener.open(nonce, "associated", sealed, into.data())) << "it is of use after all";
}

TEST(CipherTest, RandomKeysDiffer) {
  EXPECT_NE(SecretKey::generate(), SecretKey::generate());
  EXPECT_NE(SecretKey::generate(), SecretKey());
}

}  // namespace
}  // namespace millrace
