#include "server/credentials_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

const char* environment(const char* name) {
  if (std::string_view(name) == "ADA_SECRET") return kSecret;
  if (std::string_view(name) == "SHORT_SECRET") return "hunter2";
  return nullptr;
}

class CredentialsSourceTest : public ::testing::Test {
 protected:
  CredentialsSourceTest()
      : folder_(::testing::TempDir() + "millrace-source-" +
                ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~CredentialsSourceTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
    return path;
  }
  /// Options with a credentials file of one user with one key.
  ServeOptions with_key(const std::string& secret) const {
    ServeOptions options;
    options.credentials =
        write("keys.toml",
              "[[account]]\nid = \"111122223333\"\n[[account.user]]\nname = \"ada\"\n"
              "[[account.user.key]]\nid = \"AKIDADA\"\n" +
                  secret + "\n");
    return options;
  }
  static StartResult<CredentialsPointer> load(const ServeOptions& options) {
    return CredentialsSource(options, environment).load();
  }
  static std::string load_error(const ServeOptions& options) {
    const auto loaded = load(options);
    return loaded ? "" : loaded.error().message();
  }

  const std::filesystem::path folder_;
};

TEST_F(CredentialsSourceTest, SecretsStandInTheFileOrTheEnvironmentOrAFile) {
  const std::string secret_file = write("secret", std::string(kSecret) + "\nnot this line\n");
  for (const std::string& secret :
       {std::string("secret = \"") + kSecret + "\"",
        std::string("secret_variable = \"ADA_SECRET\""), "secret_file = \"" + secret_file + "\""}) {
    const auto loaded = load(with_key(secret));
    ASSERT_TRUE(loaded) << loaded.error().message();
    const AccessKey* key = (*loaded)->find("AKIDADA");
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(key->secret, kSecret) << secret;
    EXPECT_EQ(key->caller.arn, "arn:aws:iam::111122223333:user/ada");
    EXPECT_TRUE(key->enabled);
  }
}

TEST_F(CredentialsSourceTest, WhatIsMissingIsNamedAndNoSecretIsTold) {
  EXPECT_THAT(load_error(with_key("secret_variable = \"NONE\"")), HasSubstr("NONE, which is not"));
  EXPECT_THAT(load_error(with_key("secret_variable = \"SHORT_SECRET\"")),
              AllOf(HasSubstr("SHORT_SECRET must hold"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(load_error(with_key("secret_file = \"/nonexistent\"")), HasSubstr("/nonexistent"));
  EXPECT_THAT(load_error(with_key("secret_file = \"" + write("empty", "") + "\"")),
              HasSubstr("must hold a secret"));
  ServeOptions options;
  options.credentials = folder_ / "missing.toml";
  EXPECT_THAT(load_error(options), HasSubstr("No such file"));
}

TEST_F(CredentialsSourceTest, ADisabledKeyNeedsNoSecret) {
  const auto loaded = load(with_key("secret_variable = \"NONE\"\nenabled = false"));
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_FALSE((*loaded)->find("AKIDADA")->enabled);
}

TEST_F(CredentialsSourceTest, TheRootKeyIsOfTheServersAccount) {
  ServeOptions options = with_key("secret_variable = \"ADA_SECRET\"");
  options.account = "444455556666";
  options.root_access_key_id = "AKIDROOT";
  options.root_secret_access_key = kSecret;
  auto loaded = load(options);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ((*loaded)->size(), 2u);
  EXPECT_EQ((*loaded)->find("AKIDROOT")->caller.arn, "arn:aws:iam::444455556666:root");

  options.root_secret_access_key.clear();
  options.root_secret_access_key_file = write("root", kSecret);
  loaded = load(options);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ((*loaded)->find("AKIDROOT")->secret, kSecret);

  options.root_access_key_id = "AKIDADA";
  EXPECT_THAT(load_error(options), HasSubstr("AKIDADA stands in"));
  options.root_access_key_id = "A B";
  EXPECT_THAT(load_error(options), HasSubstr("the root access key's id"));
}

}  // namespace
}  // namespace millrace
