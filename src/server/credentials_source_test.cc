#include "server/credentials_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "auth/decision.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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

constexpr std::string_view kSends =
    R"({"Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}})";

/// Options with a credentials file of a user "ada" in a group, with `lines` of its own.
class PoliciesOfUsers : public CredentialsSourceTest {
 protected:
  ServeOptions with_user(const std::string& lines, const std::string& account_policy) const {
    ServeOptions options;
    options.credentials = write(
        "keys.toml",
        "[[account]]\nid = \"111122223333\"\n[[account.policy]]\nname = \"sends\"\n" +
            account_policy +
            "\n[[account.group]]\nname = \"team\"\npolicies = [\"AmazonSQSReadOnlyAccess\", "
            "\"sends\"]\n[[account.user]]\nname = \"ada\"\n" +
            lines + "\n[[account.user.key]]\nid = \"AKIDADA\"\nsecret = \"" + kSecret + "\"\n");
    return options;
  }
  static std::string inline_policy(std::string_view document) {
    return "[[account.user.policy]]\nname = \"own\"\ndocument = '''" + std::string(document) +
           "'''";
  }
  static std::string document(std::string_view text) {
    return "document = '''" + std::string(text) + "'''";
  }
  std::vector<PolicyPointer> policies(const std::string& lines,
                                      const std::string& account_policy) const {
    const auto loaded = load(with_user(lines, account_policy));
    EXPECT_TRUE(loaded) << loaded.error().message();
    return loaded ? (*loaded)->find("AKIDADA")->caller.policies : std::vector<PolicyPointer>();
  }
  static bool allow(const std::vector<PolicyPointer>& policies, PolicyAction action) {
    AccessRequest request;
    request.principal.kind = PrincipalKind::user;
    request.principal.account = "111122223333";
    request.resource = "arn:aws:sqs:us-east-1:111122223333:jobs";
    request.action = action;
    return decide(request, policies, nullptr).allowed();
  }
};

TEST_F(PoliciesOfUsers, WithoutAnyNothingIsAllowed) {
  EXPECT_TRUE(policies("", document(kSends)).empty());
}

TEST_F(PoliciesOfUsers, StandInTheFileOrInAnotherAndComeFromGroupsToo) {
  const std::string file = "policy_file = \"" + write("sends.json", std::string(kSends)) + "\"";
  for (const std::string& account_policy : {document(kSends), file}) {
    const auto named = policies("policies = [\"sends\"]", account_policy);
    EXPECT_TRUE(allow(named, PolicyAction::send_message));
    EXPECT_FALSE(allow(named, PolicyAction::get_queue_url));
    const auto of_group = policies("groups = [\"team\"]", account_policy);
    EXPECT_TRUE(allow(of_group, PolicyAction::send_message));
    EXPECT_TRUE(allow(of_group, PolicyAction::get_queue_url));
    EXPECT_FALSE(allow(of_group, PolicyAction::receive_message));
  }
  const auto own = policies(inline_policy(kSends), document(kSends));
  EXPECT_TRUE(allow(own, PolicyAction::send_message));
  const auto both = policies("policies = [\"sends\", \"AmazonSQSFullAccess\"]\ngroups = [\"team\"]",
                             document(kSends));
  EXPECT_EQ(both.size(), 3u);  // each is there once
  EXPECT_TRUE(allow(both, PolicyAction::receive_message));
}

TEST_F(PoliciesOfUsers, WhatIsWrongIsNamedWithItsOwner) {
  const auto error = [&](const std::string& lines, const std::string& account_policy) {
    return load_error(with_user(lines, account_policy));
  };
  EXPECT_THAT(error("", document("{")),
              StartsWith((folder_ / "keys.toml").string() +
                         ": the policy sends of the account 111122223333: it is not JSON: "));
  EXPECT_THAT(
      error(inline_policy(R"({"Statement":{"Effect":"Allow","Action":"send","Resource":"*"}})"),
            document(kSends)),
      HasSubstr("keys.toml: the policy own of the user ada: Statement 1: Invalid action: "
                "send"));
  EXPECT_THAT(error("", "policy_file = \"/nonexistent\""),
              HasSubstr("the policy sends of the account 111122223333: cannot read the policy in "
                        "/nonexistent"));
  EXPECT_THAT(error("", "policy_file = \"" + write("long", std::string(70'000, ' ')) + "\""),
              HasSubstr("long is longer than 64 KiB"));
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
