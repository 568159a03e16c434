#include "server/tls_source.h"

#include "server/private_file.h"

namespace millrace {

TlsSource::TlsSource(const ServeOptions& options)
    : certificate_path_(options.tls_certificate),
      key_path_(options.tls_key),
      client_ca_path_(options.tls_client_ca),
      minimum_version_(options.tls_minimum_version == "1.3" ? TlsVersion::tls_1_3
                                                            : TlsVersion::tls_1_2) {}

StartResult<std::shared_ptr<const TlsContext>> TlsSource::load() const {
  const auto certificate = read_file_text(certificate_path_, "the certificate");
  if (!certificate) return certificate.error();
  const auto key = read_private_file(key_path_, "the key");
  if (!key) return key.error();
  TlsMaterial material{.certificate = *certificate,
                       .key = *key,
                       .client_ca = {},
                       .minimum_version = minimum_version_};
  StartResult<std::string> client_ca = text_result({});
  if (!client_ca_path_.empty()) {
    client_ca = read_file_text(client_ca_path_, "the authority of client certificates");
    if (!client_ca) return client_ca.error();
    material.client_ca = *client_ca;
  }
  const auto context = TlsContext::make(material);
  if (context) return *context;
  const TlsProblem problem = context.error();
  switch (problem.part) {
    case TlsProblem::Part::certificate:
      return StartError("--tls-certificate " + certificate_path_ +
                        " cannot be used: " + problem.cause +
                        ". It must hold the server's certificate in PEM, and behind it those of "
                        "the authorities in between");
    case TlsProblem::Part::key:
      return StartError("--tls-key " + key_path_ + " cannot be used: " + problem.cause +
                        ". It must hold the certificate's private key in PEM");
    case TlsProblem::Part::pair:
      return StartError("the key in --tls-key " + key_path_ +
                        " is not that of the first certificate in --tls-certificate " +
                        certificate_path_ + ": " + problem.cause +
                        ". Give the key that the certificate was requested with, and put the "
                        "server's own certificate first");
    case TlsProblem::Part::client_ca:
      break;
  }
  return StartError("--tls-client-ca " + client_ca_path_ + " cannot be used: " + problem.cause +
                    ". It must hold the certificates of those who sign for clients, in PEM");
}

}  // namespace millrace
