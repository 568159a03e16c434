#include "http/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <ctime>
#include <memory>

#include "support/certificates.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using Part = TlsProblem::Part;

const TestAuthority& authority() {
  static const TestAuthority made;
  return made;
}

const CertifiedKey& server() {
  static const CertifiedKey made = authority().issue("server");
  return made;
}

/// The problem with a material; fails the test if there is none.
TlsProblem problem_of(const TlsMaterial& material) {
  const auto made = TlsContext::make(material);
  EXPECT_TRUE(made.has_error());
  return made.has_error() ? made.error() : TlsProblem{};
}

/// `key`, locked with a passphrase.
std::string locked(const std::string& key) {
  const std::unique_ptr<BIO, int (*)(BIO*)> in(
      BIO_new_mem_buf(key.data(), static_cast<int>(key.size())), BIO_free);
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> parsed(
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  const unsigned char passphrase[] = {'p', 'a', 's', 's'};
  PEM_write_bio_PrivateKey(out.get(), parsed.get(), EVP_aes_128_cbc(), passphrase,
                           sizeof passphrase, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

TEST(TlsContext, IsMadeOfACertificateItsChainAndItsKey) {
  const auto made = TlsContext::make({server().certificate, server().key, {}});
  ASSERT_TRUE(made.has_value()) << made.error().cause;
  const Timestamp now{seconds(std::time(nullptr))};  // lint-allow clock: what OpenSSL went by
  EXPECT_LT((*made)->valid_from(), now);
  EXPECT_NEAR(static_cast<double>((*made)->valid_until() - now),
              static_cast<double>(seconds(30 * 24 * 3600)), 60'000);
  const std::string chain = server().certificate + authority().certificate();
  EXPECT_TRUE(TlsContext::make({chain, server().key, authority().certificate()}).has_value());
  // Both may stand in one file.
  const std::string all = server().key + chain;
  EXPECT_TRUE(TlsContext::make({all, all, {}}).has_value());
}

TEST(TlsContext, SaysWhichPartIsWrong) {
  const std::string& certificate = server().certificate;
  const std::string& key = server().key;
  EXPECT_EQ(problem_of({"", key, {}}).part, Part::certificate);
  EXPECT_THAT(problem_of({key, key, {}}).cause, HasSubstr("no certificate"));
  const std::string damaged = certificate + certificate.substr(0, 200);
  EXPECT_EQ(problem_of({damaged, key, {}}).part, Part::certificate);
  EXPECT_EQ(problem_of({certificate, "", {}}).part, Part::key);
  EXPECT_THAT(problem_of({certificate, certificate, {}}).cause, HasSubstr("no private key"));
  EXPECT_THAT(problem_of({certificate, key.substr(0, 100) + key.substr(104), {}}).cause,
              HasSubstr("damaged"));
  EXPECT_EQ(problem_of({certificate, authority().issue("other").key, {}}).part, Part::pair);
  EXPECT_EQ(problem_of({certificate, key, "nonsense"}).part, Part::client_ca);
  EXPECT_EQ(problem_of({certificate, key, ""}).part, Part::client_ca);
}

TEST(TlsContext, AsksForAKeyWithoutAPassphrase) {
  const TlsProblem problem = problem_of({server().certificate, locked(server().key), {}});
  EXPECT_EQ(problem.part, Part::key);
  EXPECT_THAT(problem.cause, HasSubstr("openssl pkey"));
}

}  // namespace
}  // namespace millrace
