// Certificates for tests of TLS, made when they are needed: no private key lies in the project.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;
struct x509_st;

namespace millrace {

/// A certificate and its private key, in PEM.
struct CertifiedKey {
  std::string certificate;
  std::string key;
};

/// How many days from now a certificate begins and ends.
struct ValidDays {
  int from = -1;
  int until = 30;
};

/// An authority that signs certificates with keys of elliptic curves.
class TestAuthority {
 public:
  explicit TestAuthority(std::string_view name = "Test authority");

  /// A certificate for localhost and 127.0.0.1, for servers and clients.
  CertifiedKey issue(std::string_view name, ValidDays valid = {}) const;

  /// The authority's own certificate, in PEM.
  const std::string& certificate() const { return certificate_text_; }

 private:
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<x509_st> certificate_;
  std::string certificate_text_;
};

}  // namespace millrace
