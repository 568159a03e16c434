#include "http/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"

namespace millrace {

namespace {

// For TLS 1.2: ephemeral keys and authenticated encryption, the cheapest first. Those of TLS 1.3
// are all of that kind.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // OpenSSL's: 112 bits

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Bio = std::unique_ptr<BIO, Free>;
using Part = TlsProblem::Part;

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// What OpenSSL noted down last, in its words; clears the rest.
std::string openssl_cause() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "it is not valid";
}

bool nothing_more_in_file() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/// All certificates of a text. @return a cause if there is none, or one is damaged.
boost::system::result<std::vector<Certificate>, std::string> read_certificates(
    std::string_view text) {
  const Bio bio = reader_of(text);
  std::vector<Certificate> certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const bool whole = nothing_more_in_file();
  std::string cause = openssl_cause();
  if (!whole) return cause;
  if (certificates.empty()) return std::string("there is no certificate in PEM in it");
  return certificates;
}

int no_passphrase(char*, int, int, void*) {
  return -1;
}

boost::system::result<Key, std::string> read_key(std::string_view text) {
  const Bio bio = reader_of(text);
  ERR_clear_error();
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();  // its words are of decoders, for those who write them
  if (key) return key;
  if (text.find("PRIVATE KEY-----") == std::string_view::npos) {
    return std::string("there is no private key in PEM in it");
  }
  if (text.find("ENCRYPTED") != std::string_view::npos) {
    return std::string(
        "it is locked by a passphrase, which nobody is there to type; write it without one, with "
        "openssl pkey");
  }
  return std::string("its private key is damaged");
}

Timestamp moment_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return Timestamp{seconds(static_cast<std::int64_t>(::timegm(&parts)))};
}

/// Every client that offers protocols knows HTTP/1.1; one that does not is told so.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8,   'h', 't', 't', 'p',
                                                           '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  const int outcome =
      SSL_select_next_proto(&found, size, kHttp11.data(), kHttp11.size(), offered, offered_size);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

void set_rules(SSL_CTX* context, TlsVersion minimum_version) {
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  CHECK(SSL_CTX_set_num_tickets(context, 0) == 1);
  const int version = minimum_version == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  CHECK(SSL_CTX_set_min_proto_version(context, version) == 1);
  CHECK(SSL_CTX_set_cipher_list(context, kCiphers) == 1);
  CHECK(SSL_CTX_set1_groups_list(context, kGroups) == 1);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  // How TlsStream uses it: whole records in one read, buffers given back while a connection rests,
  // a record at a time and from wherever its bytes are now.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

boost::system::result<void, TlsProblem> use_certificate(SSL_CTX* context,
                                                        const TlsMaterial& material) {
  auto certificates = read_certificates(material.certificate);
  if (!certificates) return TlsProblem{Part::certificate, certificates.error()};
  const auto key = read_key(material.key);
  if (!key) return TlsProblem{Part::key, key.error()};
  if (SSL_CTX_use_certificate(context, certificates->front().get()) != 1) {
    return TlsProblem{Part::certificate, openssl_cause()};
  }
  for (Certificate& issuer : std::span(*certificates).subspan(1)) {
    if (SSL_CTX_add0_chain_cert(context, issuer.get()) != 1) {
      return TlsProblem{Part::certificate, openssl_cause()};
    }
    static_cast<void>(issuer.release());  // the context's now
  }
  if (X509_check_private_key(certificates->front().get(), key->get()) != 1) {
    return TlsProblem{Part::pair, openssl_cause()};
  }
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1) {
    return TlsProblem{Part::key, openssl_cause()};
  }
  return {};
}

boost::system::result<void, TlsProblem> use_client_ca(SSL_CTX* context, std::string_view text) {
  const auto certificates = read_certificates(text);
  if (!certificates) return TlsProblem{Part::client_ca, certificates.error()};
  for (const Certificate& ca : *certificates) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) != 1 ||
        SSL_CTX_add_client_CA(context, ca.get()) != 1) {
      return TlsProblem{Part::client_ca, openssl_cause()};
    }
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

}  // namespace

TlsContext::TlsContext(Private, std::shared_ptr<ssl_ctx_st> context)
    : context_(std::move(context)) {
  const X509* certificate = SSL_CTX_get0_certificate(context_.get());
  valid_from_ = moment_of(X509_get0_notBefore(certificate));
  valid_until_ = moment_of(X509_get0_notAfter(certificate));
}

boost::system::result<std::shared_ptr<const TlsContext>, TlsProblem> TlsContext::make(
    const TlsMaterial& material) {
  SSL_CTX* made = SSL_CTX_new(TLS_server_method());
  if (made == nullptr) throw std::bad_alloc();
  std::shared_ptr<SSL_CTX> context(made, SSL_CTX_free);
  set_rules(made, material.minimum_version);
  if (const auto used = use_certificate(made, material); !used) return used.error();
  if (material.client_ca) {
    if (const auto used = use_client_ca(made, *material.client_ca); !used) return used.error();
  }
  return std::make_shared<const TlsContext>(Private(), std::move(context));
}

}  // namespace millrace
