#include "crypt/cipher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <climits>

#include "base/check.h"

namespace millrace {

namespace {

// Looked up by name once: a look-up costs more than the sealing of a short message.
const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  CHECK(cipher != nullptr);
  return cipher;
}

const unsigned char* unsigned_bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* unsigned_bytes(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

int length_of(std::size_t size) {
  CHECK(size <= INT_MAX);
  return static_cast<int>(size);
}

}  // namespace

SecretKey::~SecretKey() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

SecretKey SecretKey::generate() {
  SecretKey key;
  CHECK(RAND_priv_bytes(key.bytes_.data(), length_of(kBytes)) == 1);
  return key;
}

void fill_random(std::span<std::uint8_t> bytes) {
  CHECK(RAND_bytes(bytes.data(), length_of(bytes.size())) == 1);
}

void GcmSealer::Free::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

GcmSealer::GcmSealer(const SecretKey& key) : context_(EVP_CIPHER_CTX_new()) {
  CHECK(EVP_EncryptInit_ex2(context_.get(), aes_256_gcm(), key.bytes().data(), nullptr, nullptr) ==
        1);
}
GcmSealer::~GcmSealer() = default;
GcmSealer::GcmSealer(GcmSealer&&) noexcept = default;
GcmSealer& GcmSealer::operator=(GcmSealer&&) noexcept = default;

void GcmSealer::seal(const GcmNonce& nonce, std::string_view associated, std::span<char> bytes,
                     std::span<char, kGcmTagBytes> tag) {
  EVP_CIPHER_CTX* context = context_.get();
  unsigned char* at = unsigned_bytes(bytes.data());
  int length = 0;
  CHECK(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  CHECK(EVP_EncryptUpdate(context, nullptr, &length, unsigned_bytes(associated),
                          length_of(associated.size())) == 1);
  CHECK(EVP_EncryptUpdate(context, at, &length, at, length_of(bytes.size())) == 1);
  CHECK(EVP_EncryptFinal_ex(context, at + length, &length) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, length_of(kGcmTagBytes), tag.data()) ==
        1);
}

void GcmOpener::Free::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

GcmOpener::GcmOpener(const SecretKey& key) : context_(EVP_CIPHER_CTX_new()) {
  CHECK(EVP_DecryptInit_ex2(context_.get(), aes_256_gcm(), key.bytes().data(), nullptr, nullptr) ==
        1);
}
GcmOpener::~GcmOpener() = default;
GcmOpener::GcmOpener(GcmOpener&&) noexcept = default;
GcmOpener& GcmOpener::operator=(GcmOpener&&) noexcept = default;

bool GcmOpener::open(const GcmNonce& nonce, std::string_view associated, std::string_view sealed,
                     char* into) {
  if (sealed.size() < kGcmTagBytes) return false;
  const std::size_t size = sealed.size() - kGcmTagBytes;
  EVP_CIPHER_CTX* context = context_.get();
  unsigned char* out = unsigned_bytes(into);
  // OpenSSL only reads it, though its signature does not say so.
  auto* tag = const_cast<char*>(sealed.data() + size);
  int length = 0;
  CHECK(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  CHECK(EVP_DecryptUpdate(context, nullptr, &length, unsigned_bytes(associated),
                          length_of(associated.size())) == 1);
  CHECK(EVP_DecryptUpdate(context, out, &length, unsigned_bytes(sealed), length_of(size)) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, length_of(kGcmTagBytes), tag) == 1);
  return EVP_DecryptFinal_ex(context, out + length, &length) == 1;
}

}  // namespace millrace
