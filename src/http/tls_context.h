// TlsContext: what all TLS connections of a listener have in common: the certificate with its
// chain, the private key, who may be a client, and which versions and ciphers are spoken.
//
// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only; the server's order of
// ciphers; no compression, no renegotiation, no early data. Sessions are never resumed, neither by
// ticket nor by id: a ticket's key would be one more secret that opens recorded connections, and
// clients of a queue keep their connections.
//
// Immutable; any thread. A connection keeps the context that it began with, so the one in force can
// be replaced at any time.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "base/clock.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace millrace {

enum class TlsVersion { tls_1_2, tls_1_3 };

/// Texts in PEM.
struct TlsMaterial {
  std::string_view certificate;  // the server's own first, then its chain
  std::string_view key;          // of the certificate; without a passphrase
  /// Who signs the certificates that clients must have. Nothing: clients need none; an empty text
  /// is a mistake.
  std::optional<std::string_view> client_ca;
  TlsVersion minimum_version = TlsVersion::tls_1_2;
};

/// Which part of TlsMaterial cannot be used, and why.
struct TlsProblem {
  enum class Part { certificate, key, pair, client_ca };
  Part part = Part::certificate;
  std::string cause;  // a phrase, without secrets
};

class TlsContext {
  struct Private {
    explicit Private() = default;
  };

 public:
  /// @return a TlsProblem if a text is not what it should be, holds what is too weak (RSA keys
  ///   under 2048 bits, SHA-1), or if the key is not the certificate's (Part::pair).
  static boost::system::result<std::shared_ptr<const TlsContext>, TlsProblem> make(
      const TlsMaterial& material);

  /// From when and until when the certificate itself is valid.
  Timestamp valid_from() const { return valid_from_; }
  Timestamp valid_until() const { return valid_until_; }

  /// Of make().
  TlsContext(Private, std::shared_ptr<ssl_ctx_st> context);

  /// For TlsStream.
  ssl_ctx_st* native() const { return context_.get(); }

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  Timestamp valid_from_;
  Timestamp valid_until_;
};

/// The context in force. Any thread may take it, and others may be put in its place.
using CurrentTls = std::atomic<std::shared_ptr<const TlsContext>>;

}  // namespace millrace
