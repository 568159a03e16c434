#include "server/tls_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/certificates.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsSourceTest : public ::testing::Test {
 protected:
  TlsSourceTest()
      : folder_(std::string(::testing::TempDir()) + "millrace-tls-" + std::to_string(::getpid())) {
    std::filesystem::create_directory(folder_);
    const CertifiedKey own = authority_.issue("server");
    options_.tls_certificate = write("server.pem", own.certificate, 0644);
    options_.tls_key = write("server.key", own.key);
  }
  ~TlsSourceTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  std::string error() const {
    const auto loaded = TlsSource(options_).load();
    return loaded ? "no error" : loaded.error().message();
  }

  const std::string folder_;
  const TestAuthority authority_;
  ServeOptions options_;
};

TEST_F(TlsSourceTest, ReadsTheFilesAnewEachTime) {
  const TlsSource source(options_);
  const auto first = source.load();
  ASSERT_TRUE(first) << first.error().message();
  const CertifiedKey next = authority_.issue("server", {.from = -1, .until = 60});
  write("server.pem", next.certificate);
  EXPECT_FALSE(source.load()) << "the old key with the new certificate";
  write("server.key", next.key);
  const auto second = source.load();
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_GT((*second)->valid_until(), (*first)->valid_until());
}

TEST_F(TlsSourceTest, AKeyIsForItsOwnersEyesOnly) {
  for (const mode_t mode : {0604U, 0640U, 0660U, 0602U, 0644U}) {
    ASSERT_EQ(::chmod(options_.tls_key.c_str(), mode), 0);
    EXPECT_THAT(error(), HasSubstr("chmod 600 " + options_.tls_key)) << std::oct << mode;
  }
  ASSERT_EQ(::chmod(options_.tls_key.c_str(), 0400), 0);
  EXPECT_EQ(error(), "no error");
}

TEST_F(TlsSourceTest, ErrorsNameTheFileAndSayWhatWouldBeRight) {
  const ServeOptions right = options_;
  options_.tls_certificate = folder_ + "/none.pem";
  EXPECT_THAT(error(), HasSubstr("cannot read the certificate " + folder_ + "/none.pem: No such"));
  options_.tls_certificate = right.tls_key;
  EXPECT_THAT(error(), AllOf(HasSubstr("--tls-certificate " + right.tls_key), HasSubstr("in PEM")));

  options_ = right;
  options_.tls_key = folder_;
  EXPECT_THAT(error(), HasSubstr("the key " + folder_ + " is not a regular file"));
  options_.tls_key = write("empty.key", "");
  EXPECT_THAT(error(), HasSubstr("--tls-key " + options_.tls_key + " cannot be used"));
  options_.tls_key = write("other.key", authority_.issue("other").key);
  EXPECT_THAT(error(), AllOf(HasSubstr(options_.tls_key), HasSubstr(right.tls_certificate),
                             HasSubstr("was requested with")));

  options_ = right;
  options_.tls_client_ca = write("ca.pem", "nothing");
  EXPECT_THAT(error(), HasSubstr("--tls-client-ca " + options_.tls_client_ca));
  options_.tls_client_ca = write("ca.pem", authority_.certificate());
  EXPECT_EQ(error(), "no error");
}

}  // namespace
}  // namespace millrace
