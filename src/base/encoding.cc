// HMAC with kept states needs SHA-256's plain states, which EVP hides behind an allocation and
// twice the time. The functions are deprecated in favour of EVP, not of another implementation.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/encoding.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "base/check.h"
#include "base/md5_lanes.h"

namespace millrace {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
using HexPair = std::array<char, 2>;
constexpr std::array<HexPair, 256> make_hex_pairs() {
  std::array<HexPair, 256> pairs{};
  for (std::size_t byte = 0; byte < pairs.size(); ++byte) {
    pairs[byte] = {kHexDigits[byte >> 4], kHexDigits[byte & 15]};
  }
  return pairs;
}
constexpr std::array<HexPair, 256> kHexPairs = make_hex_pairs();

constexpr char kUpperHexDigits[] = "0123456789ABCDEF";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> make_base64_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(kBase64Digits[i])] = i;
  return values;
}
constexpr std::array<std::uint8_t, 256> kBase64Values = make_base64_values();

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// One digest of `bytes`. The algorithm is looked up once per process and the context is kept per
// thread: together they cost as much as a short digest itself.
template <std::size_t Size>
std::array<std::uint8_t, Size> digest(const EVP_MD* algorithm, std::string_view bytes) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  std::array<std::uint8_t, Size> result;
  CHECK(EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1 &&
        EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
        EVP_DigestFinal_ex(context.get(), result.data(), nullptr) == 1);
  return result;
}

const EVP_MD* fetch(const char* name) {
  const EVP_MD* algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  CHECK(algorithm != nullptr);
  return algorithm;
}

}  // namespace

void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
  const std::size_t before = out.size();
  out.resize(before + sizeof(HexPair) * bytes.size());
  char* at = out.data() + before;
  for (const std::uint8_t byte : bytes) {
    std::memcpy(at, &kHexPairs[byte], sizeof(HexPair));
    at += sizeof(HexPair);
  }
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  append_hex(out, bytes);
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  const auto byte = [&](std::size_t i) {
    return std::uint32_t{static_cast<std::uint8_t>(bytes[i])};
  };
  std::size_t from = 0;
  std::size_t to = 0;
  for (; from + 3 <= bytes.size(); from += 3, to += 4) {
    const std::uint32_t bits = byte(from) << 16 | byte(from + 1) << 8 | byte(from + 2);
    out[to] = kBase64Digits[bits >> 18];
    out[to + 1] = kBase64Digits[bits >> 12 & 63];
    out[to + 2] = kBase64Digits[bits >> 6 & 63];
    out[to + 3] = kBase64Digits[bits & 63];
  }
  if (const std::size_t left = bytes.size() - from; left > 0) {
    const std::uint32_t bits = byte(from) << 16 | (left == 2 ? byte(from + 1) << 8 : 0);
    out[to] = kBase64Digits[bits >> 18];
    out[to + 1] = kBase64Digits[bits >> 12 & 63];
    if (left == 2) out[to + 2] = kBase64Digits[bits >> 6 & 63];
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  text.remove_suffix(padding);

  std::string out(text.size() * 3 / 4, '\0');
  const auto value = [&](std::size_t i) {
    return std::uint32_t{kBase64Values[static_cast<std::uint8_t>(text[i])]};
  };
  // The value of a character that is no digit has its upper two bits set; they are gathered here.
  std::uint32_t seen = 0;
  std::size_t from = 0;
  std::size_t to = 0;
  for (; from + 4 <= text.size(); from += 4, to += 3) {
    const std::uint32_t a = value(from), b = value(from + 1), c = value(from + 2),
                        d = value(from + 3);
    seen |= a | b | c | d;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    out[to] = static_cast<char>(bits >> 16);
    out[to + 1] = static_cast<char>(bits >> 8);
    out[to + 2] = static_cast<char>(bits);
  }
  if (padding > 0) {
    const std::uint32_t a = value(from), b = value(from + 1),
                        c = padding == 1 ? value(from + 2) : 0;
    seen |= a | b | c;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6;
    out[to] = static_cast<char>(bits >> 16);
    if (padding == 1) out[to + 1] = static_cast<char>(bits >> 8);
    // Bits behind the last byte must be zero, so that each byte string has one text.
    if ((bits & (padding == 1 ? 0xffu : 0xffffu)) != 0) return std::nullopt;
  }
  if ((seen & 0xc0) != 0) return std::nullopt;
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  append_percent_encoded(out, text);
  return out;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      out += '%';
      out += kUpperHexDigits[byte >> 4];
      out += kUpperHexDigits[byte & 15];
    }
  }
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Md5Digest md5(std::string_view bytes) {
  static const EVP_MD* const algorithm = fetch("MD5");
  return digest<16>(algorithm, bytes);
}

void md5_many(std::span<const std::string_view> texts, std::span<Md5Digest> digests) {
  constexpr std::size_t kLanesWorth = 3;  // fewer texts are sooner done one after the other
  constexpr std::size_t kLanesMax = 16;
  if (texts.size() >= kLanesWorth) return md5_in_lanes(texts, digests, kLanesMax);
  CHECK(texts.size() == digests.size());
  for (std::size_t i = 0; i < texts.size(); ++i) digests[i] = md5(texts[i]);
}

Sha256Digest sha256(std::string_view bytes) {
  static const EVP_MD* const algorithm = fetch("SHA256");
  return digest<32>(algorithm, bytes);
}

struct Sha256::State {
  SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  CHECK(SHA256_Init(&state_->context) == 1);
}

Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  CHECK(SHA256_Update(&state_->context, bytes.data(), bytes.size()) == 1);
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  CHECK(SHA256_Final(digest.data(), &state_->context) == 1);
  return digest;
}

Sha256Digest hmac_sha256(std::string_view key, std::string_view bytes) {
  return KeyedHash(key)(bytes);
}

struct KeyedHash::States {
  SHA256_CTX inner;
  SHA256_CTX outer;
};

KeyedHash::KeyedHash(std::string_view key) : states_(std::make_unique<States>()) {
  std::array<std::uint8_t, SHA256_CBLOCK> block{};
  if (key.size() > block.size()) {
    const Sha256Digest short_key = sha256(key);
    std::memcpy(block.data(), short_key.data(), short_key.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  for (std::uint8_t& byte : block) byte ^= 0x36;
  SHA256_Init(&states_->inner);
  SHA256_Update(&states_->inner, block.data(), block.size());
  for (std::uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  SHA256_Init(&states_->outer);
  SHA256_Update(&states_->outer, block.data(), block.size());
  OPENSSL_cleanse(block.data(), block.size());
}

KeyedHash::KeyedHash(const KeyedHash& other) : states_(std::make_unique<States>(*other.states_)) {}

KeyedHash::KeyedHash(KeyedHash&&) noexcept = default;

KeyedHash& KeyedHash::operator=(KeyedHash other) noexcept {
  std::swap(states_, other.states_);
  return *this;
}

KeyedHash::~KeyedHash() {
  if (states_) OPENSSL_cleanse(states_.get(), sizeof(States));
}

Sha256Digest KeyedHash::operator()(std::string_view bytes) const {
  Sha256Digest result;
  SHA256_CTX state = states_->inner;
  SHA256_Update(&state, bytes.data(), bytes.size());
  SHA256_Final(result.data(), &state);
  state = states_->outer;
  SHA256_Update(&state, result.data(), result.size());
  SHA256_Final(result.data(), &state);
  return result;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void append_uuid_text(std::string& out, std::span<const std::uint8_t, 16> bytes) {
  std::array<char, 36> text;
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    if (at == 8 || at == 13 || at == 18 || at == 23) text[at++] = '-';
    std::memcpy(&text[at], &kHexPairs[byte], sizeof(HexPair));
    at += sizeof(HexPair);
  }
  out.append(text.data(), text.size());
}

std::string to_uuid_text(std::span<const std::uint8_t, 16> bytes) {
  std::string out;
  append_uuid_text(out, bytes);
  return out;
}

std::optional<std::array<std::uint8_t, 16>> from_uuid_text(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::array<std::uint8_t, 16> bytes;
  std::size_t at = 0;
  for (std::uint8_t& byte : bytes) {
    if (at == 8 || at == 13 || at == 18 || at == 23) {
      if (text[at++] != '-') return std::nullopt;
    }
    const int high = hex_digit(text[at++]);
    const int low = hex_digit(text[at++]);
    if (high < 0 || low < 0) return std::nullopt;
    byte = static_cast<std::uint8_t>(high << 4 | low);
  }
  return bytes;
}

namespace {

constexpr std::size_t kStep = 64;
using SignedBytes = signed char __attribute__((vector_size(16)));
using Words = std::uint64_t __attribute__((vector_size(16)));

// Whether `is_good`, of 16 bytes at a time, holds for all of the kStep bytes at `text`.
template <class IsGood>
bool all_in_step(const char* text, IsGood is_good) {
  SignedBytes good = ~SignedBytes{};
  for (std::size_t i = 0; i < kStep; i += sizeof(SignedBytes)) {
    SignedBytes bytes;
    std::memcpy(&bytes, text + i, sizeof bytes);
    good &= is_good(bytes);
  }
  Words words;
  std::memcpy(&words, &good, sizeof words);
  return (words[0] & words[1]) == std::numeric_limits<std::uint64_t>::max();
}

// Whether the kStep bytes at `text` are all ASCII characters that SQS takes. Compared as signed
// numbers, bytes above 0x7f are below the space too. Most text is one line.
bool is_plain_step(const char* text) {
  return all_in_step(text, [](SignedBytes bytes) { return bytes >= ' '; }) ||
         all_in_step(text, [](SignedBytes bytes) {
           return (bytes >= ' ') | (bytes == '\t') | (bytes == '\n') | (bytes == '\r');
         });
}

// The length of the character at the start of `text` if it is well-formed UTF-8 (Unicode 15,
// table 3-7) and one that SQS takes, else 0.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto follows = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) {
    return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
  }
  if (lead < 0xc2) return 0;  // a trailing byte, or an overlong form
  if (lead < 0xe0) return follows(1) ? 2 : 0;
  if (lead < 0xf0) {
    if (!follows(1) || !follows(2)) return 0;
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;                     // overlong
    if (lead == 0xed && byte(1) > 0x9f) return 0;                     // surrogates
    if (lead == 0xef && byte(1) == 0xbf && byte(2) > 0xbd) return 0;  // U+FFFE, U+FFFF
    return 3;
  }
  if (lead > 0xf4 || !follows(1) || !follows(2) || !follows(3)) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;  // overlong
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;  // above U+10FFFF
  return 4;
}

}  // namespace

bool is_sqs_text(std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= kStep && is_plain_step(text.data())) {
      text.remove_prefix(kStep);
      continue;
    }
    // One step's worth, character by character, before the fast way is tried again.
    for (std::size_t checked = 0; checked < kStep && !text.empty();) {
      const std::size_t size = character_size(text);
      if (size == 0) return false;
      checked += size;
      text.remove_prefix(size);
    }
  }
  return true;
}

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (c & '\xc0') != '\x80'; }));
}

std::optional<std::int64_t> parse_digits(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
        __builtin_add_overflow(value, std::int64_t{c - '0'}, &value)) {
      return std::nullopt;
    }
  }
  return value;
}

}  // namespace millrace
