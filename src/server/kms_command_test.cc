#include "server/kms_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "server/keyring_file.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class KmsCommand : public ::testing::Test {
 protected:
  KmsCommand()
      : folder_(::testing::TempDir() + "millrace-kms-" +
                ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~KmsCommand() override { std::filesystem::remove_all(folder_); }

  std::string run(std::vector<std::string> arguments) const {
    const auto outcome = run_kms_command(arguments, [this](const char* name) -> const char* {
      return std::string_view(name) == "MILLRACE_DATA" ? folder_.c_str() : nullptr;
    });
    return outcome ? *outcome : "error: " + outcome.error().message();
  }
  std::vector<MasterKey> keys() const { return (*read_keyring_file(folder_ + "/keyring"))->keys(); }

  const std::string folder_;
};

TEST_F(KmsCommand, CreateMakesAKeyAndTheKeyring) {
  EXPECT_THAT(run({"create", "--alias", "alias/orders"}),
              AllOf(HasSubstr("alias/orders"), HasSubstr("SIGHUP")));
  ASSERT_THAT(keys(), SizeIs(2));
  EXPECT_TRUE(keys()[0].managed());
  const std::string second = run({"create"});
  EXPECT_THAT(second, HasSubstr(keys().back().id));
  EXPECT_THAT(run({"create", "--alias", "alias/orders"}), HasSubstr("already"));
  EXPECT_THAT(run({"create", "--alias", "orders"}), HasSubstr("error: --alias must be"));
  EXPECT_THAT(run({"create", "--alias", "alias/aws/ebs"}), HasSubstr("error: "));
  EXPECT_THAT(keys(), SizeIs(3));
}

TEST_F(KmsCommand, ListShowsNoSecret) {
  run({"create", "--alias", "alias/orders"});
  run({"disable", "alias/orders"});
  const std::string listed = run({"list"});
  EXPECT_THAT(listed, AllOf(HasSubstr("enabled   version 1  alias/aws/sqs\n"),
                            HasSubstr(keys()[1].id + "  disabled  version 1  alias/orders\n")));
}

TEST_F(KmsCommand, AKeyIsTurnedOffAndOnAndRotated) {
  run({"create", "--alias", "alias/orders"});
  const std::string id = keys()[1].id;
  EXPECT_THAT(run({"disable", id}), HasSubstr(id + " is disabled."));
  EXPECT_FALSE(keys()[1].enabled);
  run({"enable", "alias/orders"});
  EXPECT_TRUE(keys()[1].enabled);
  run({"rotate", "alias/orders"});
  ASSERT_THAT(keys()[1].versions, SizeIs(2));
  EXPECT_NE(keys()[1].versions[0].secret, keys()[1].versions[1].secret);
  EXPECT_THAT(run({"rotate", "alias/aws/sqs"}), HasSubstr("new version"));
  EXPECT_THAT(run({"disable", "alias/aws/sqs"}), HasSubstr("error: the managed key"));
  EXPECT_THAT(run({"disable", "alias/others"}), HasSubstr("error: there is no key"));
}

TEST_F(KmsCommand, SaysWhatIsMissing) {
  EXPECT_THAT(run({}), HasSubstr("millrace kms --help"));
  EXPECT_THAT(run({"rotate"}), HasSubstr("error: "));
  EXPECT_THAT(run({"list"}), HasSubstr("error: cannot read the keyring"));
  EXPECT_THAT(run({"--help"}), HasSubstr("rotate"));
  const auto nowhere = run_kms_command({"list"}, [](const char*) { return nullptr; });
  EXPECT_THAT(nowhere.error().message(), HasSubstr("--keyring FILE"));
}

}  // namespace
}  // namespace millrace
