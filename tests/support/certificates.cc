#include "support/certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>

#include "base/check.h"

namespace millrace {

namespace {

constexpr long kDaySeconds = 24L * 3600;

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

template <class Write>
std::string in_pem(const Write& write) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
  CHECK(write(bio.get()) == 1);
  return text_of(bio.get());
}

void extend(X509* certificate, X509* issuer, int extension, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, extension, value);
  CHECK(made != nullptr && X509_add_ext(certificate, made, -1) == 1);
  X509_EXTENSION_free(made);
}

std::shared_ptr<EVP_PKEY> make_key() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  CHECK(key != nullptr);
  return {key, EVP_PKEY_free};
}

/// A certificate of `key`, not signed yet.
std::shared_ptr<X509> make_certificate(std::string_view name, EVP_PKEY* key, ValidDays valid) {
  static std::atomic<long> numbers{1};
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509* raw = certificate.get();
  CHECK(X509_set_version(raw, 2) == 1);
  CHECK(ASN1_INTEGER_set(X509_get_serialNumber(raw), numbers++) == 1);
  X509_gmtime_adj(X509_getm_notBefore(raw), valid.from * kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(raw), valid.until * kDaySeconds);
  CHECK(X509_set_pubkey(raw, key) == 1);
  CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.data()),
                                   static_cast<int>(name.size()), -1, 0) == 1);
  return certificate;
}

}  // namespace

TestAuthority::TestAuthority(std::string_view name)
    : key_(make_key()), certificate_(make_certificate(name, key_.get(), {})) {
  X509* own = certificate_.get();
  CHECK(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1);
  extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
  extend(own, own, NID_subject_key_identifier, "hash");
  CHECK(X509_sign(own, key_.get(), EVP_sha256()) != 0);
  certificate_text_ = in_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, own); });
}

CertifiedKey TestAuthority::issue(std::string_view name, ValidDays valid) const {
  const std::shared_ptr<EVP_PKEY> key = make_key();
  const std::shared_ptr<X509> certificate = make_certificate(name, key.get(), valid);
  X509* issuer = certificate_.get();
  CHECK(X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer)) == 1);
  extend(certificate.get(), issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  CHECK(X509_sign(certificate.get(), key_.get(), EVP_sha256()) != 0);
  return {in_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }),
          in_pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace millrace
