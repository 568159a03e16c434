// AES-256-GCM (NIST SP 800-38D): GcmSealer and GcmOpener, each under one key whose schedule is
// computed once.
//
// Each belongs to one thread at a time. OpenSSL is behind this header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

struct evp_cipher_ctx_st;

namespace millrace {

/// 32 bytes that nobody else may know; wiped when they are given up.
class SecretKey {
 public:
  static constexpr std::size_t kBytes = 32;

  /// All zeros.
  SecretKey() = default;
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();
  /// From the system's generator.
  static SecretKey generate();

  std::span<std::uint8_t, kBytes> bytes() { return bytes_; }
  std::span<const std::uint8_t, kBytes> bytes() const { return bytes_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), kBytes}; }
  friend bool operator==(const SecretKey&, const SecretKey&) = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

/// No two messages under one key may share a nonce: two that do give both away.
using GcmNonce = std::array<std::uint8_t, 12>;
inline constexpr std::size_t kGcmTagBytes = 16;

/// Fills `bytes` from the system's generator.
void fill_random(std::span<std::uint8_t> bytes);

class GcmSealer {
 public:
  explicit GcmSealer(const SecretKey& key);
  ~GcmSealer();
  GcmSealer(GcmSealer&&) noexcept;
  GcmSealer& operator=(GcmSealer&&) noexcept;

  /// Seals `bytes` in place. @param associated is not stored, but opening needs the same.
  /// @param tag gets what opening needs besides.
  void seal(const GcmNonce& nonce, std::string_view associated, std::span<char> bytes,
            std::span<char, kGcmTagBytes> tag);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

class GcmOpener {
 public:
  explicit GcmOpener(const SecretKey& key);
  ~GcmOpener();
  GcmOpener(GcmOpener&&) noexcept;
  GcmOpener& operator=(GcmOpener&&) noexcept;

  /// Opens `sealed`, the bytes that seal() made and then the tag, into `into`, which has room for
  /// kGcmTagBytes less. @return false where key, nonce, associated data or bytes are not those of
  /// the sealing; what is in `into` then means nothing.
  bool open(const GcmNonce& nonce, std::string_view associated, std::string_view sealed,
            char* into);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

}  // namespace millrace
