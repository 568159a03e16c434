#include "server/keys_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "auth/credentials.h"
#include "server/credentials_file.h"

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class KeysCommand : public ::testing::Test {
 protected:
  KeysCommand()
      : folder_(::testing::TempDir() + "millrace-keys-" +
                ::testing::UnitTest::GetInstance()->current_test_info()->name()),
        path_(folder_ / "keys.toml") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~KeysCommand() override { std::filesystem::remove_all(folder_); }

  StartResult<std::string> run(std::vector<std::string> arguments) const {
    return run_keys_command(arguments, [this](const char* name) -> const char* {
      return std::string_view(name) == "MILLRACE_CREDENTIALS" ? path_.c_str() : nullptr;
    });
  }
  std::string error(std::vector<std::string> arguments) const {
    const auto outcome = run(std::move(arguments));
    return outcome ? "" : outcome.error().message();
  }
  /// Makes a key. @return its id.
  std::string create(const std::string& user) const {
    const auto created = run({"create", "--user", user});
    EXPECT_TRUE(created) << created.error().message();
    return created ? id_in(*created) : "";
  }
  static std::string id_in(const std::string& text) {
    constexpr std::string_view kName = "AWS_ACCESS_KEY_ID=";
    const std::size_t begin = text.find(kName) + kName.size();
    return text.substr(begin, text.find('\n') - begin);
  }
  /// The keys of the only user of the only account.
  std::vector<KeyEntry> keys() const {
    return read_credentials_file(path_)->accounts.at(0).users.at(0).keys;
  }

  const std::filesystem::path folder_;
  const std::string path_;
};

TEST_F(KeysCommand, CreateMakesAccountUserAndKey) {
  const auto created = run({"create", "--user", "ada", "--account", "111122223333"});
  ASSERT_TRUE(created) << created.error().message();
  const CredentialsFile file = read_credentials_file(path_).value();
  ASSERT_EQ(file.accounts.size(), 1u);
  EXPECT_EQ(file.accounts[0].id.text(), "111122223333");
  EXPECT_EQ(file.accounts[0].users.at(0).name, "ada");
  const KeyEntry key = file.accounts[0].users[0].keys.at(0);
  EXPECT_THAT(*created, HasSubstr("AWS_ACCESS_KEY_ID=" + key.id + "\n"));
  EXPECT_THAT(*created, HasSubstr("AWS_SECRET_ACCESS_KEY=" + key.secret + "\n"));
  EXPECT_EQ(key.id.size(), 20u);
  EXPECT_EQ(key.secret.size(), 40u);
  EXPECT_TRUE(is_access_key_id(key.id));
  EXPECT_TRUE(is_secret_access_key(key.secret));

  const auto second = run({"create", "--user", "bob", "--account", "111122223333"});
  ASSERT_TRUE(second);
  EXPECT_NE(id_in(*second), key.id);
  EXPECT_EQ(read_credentials_file(path_)->accounts.at(0).users.size(), 2u);
}

TEST_F(KeysCommand, AUserHasTwoEnabledKeysAtMost) {
  const std::string first = create("ada");
  create("ada");
  EXPECT_THAT(error({"create", "--user", "ada"}), HasSubstr("has 2 enabled keys already"));
  ASSERT_TRUE(run({"disable", first}));
  create("ada");
  EXPECT_THAT(error({"enable", first}), HasSubstr("has 2 enabled keys already"));
  EXPECT_EQ(keys().size(), 3u);
}

TEST_F(KeysCommand, KeysAreDisabledEnabledAndDeleted) {
  const std::string id = create("ada");
  ASSERT_TRUE(run({"disable", id}));
  EXPECT_FALSE(keys().at(0).enabled);
  ASSERT_TRUE(run({"disable", id}));
  ASSERT_TRUE(run({"enable", id}));
  EXPECT_TRUE(keys().at(0).enabled);
  ASSERT_TRUE(run({"enable", id}));
  const auto removed = run({"delete", id});
  ASSERT_TRUE(removed);
  EXPECT_THAT(*removed, HasSubstr("SIGHUP"));
  EXPECT_TRUE(keys().empty());
  for (const char* command : {"disable", "enable", "delete", "rotate"}) {
    EXPECT_THAT(error({command, id}), HasSubstr("there is no key " + id)) << command;
  }
}

TEST_F(KeysCommand, RotateLeavesTheKeyInUseAndItsSuccessor) {
  const std::string first = create("ada");
  const std::string second = id_in(run({"rotate", first}).value());
  EXPECT_TRUE(keys().at(0).enabled);
  const auto rotated = run({"rotate", second});
  ASSERT_TRUE(rotated) << rotated.error().message();
  EXPECT_THAT(*rotated, HasSubstr("millrace keys disable " + second));
  ASSERT_EQ(keys().size(), 3u);
  EXPECT_FALSE(keys()[0].enabled);
  EXPECT_TRUE(keys()[1].enabled);
  EXPECT_EQ(keys()[2].id, id_in(*rotated));
  EXPECT_TRUE(keys()[2].enabled);
  EXPECT_THAT(error({"rotate", first}), HasSubstr("is disabled"));
}

TEST_F(KeysCommand, ListShowsNoSecret) {
  EXPECT_THAT(error({"list"}), HasSubstr("No such file"));
  const std::string first = create("ada");
  const std::string second = create("root");
  ASSERT_TRUE(run({"disable", second}));
  const std::string list = run({"list"}).value();
  EXPECT_THAT(list, HasSubstr("000000000000  " + first + "  enabled   ada  AmazonSQSFullAccess\n"));
  EXPECT_THAT(
      list, HasSubstr("000000000000  " + second + "  disabled  root  everything in its account\n"));
  EXPECT_THAT(list, Not(HasSubstr(keys().at(0).secret)));
  ASSERT_TRUE(run({"delete", first}));
  ASSERT_TRUE(run({"delete", second}));
  EXPECT_THAT(run({"list"}).value(), HasSubstr("no access keys"));
}

TEST_F(KeysCommand, ANewUserMayDoEverythingUnlessPoliciesAreNamed) {
  const auto ada = run({"create", "--user", "ada"});
  ASSERT_TRUE(ada) << ada.error().message();
  EXPECT_THAT(*ada, HasSubstr("The user ada of the account 000000000000 may do: "
                              "AmazonSQSFullAccess\n"));
  const auto reader = run({"create", "--user", "reader", "--policy", "AmazonSQSReadOnlyAccess"});
  ASSERT_TRUE(reader) << reader.error().message();
  ASSERT_TRUE(run({"create", "--user", "root"}));
  const std::vector<UserEntry> users = read_credentials_file(path_)->accounts.at(0).users;
  EXPECT_THAT(users.at(0).policies, ElementsAre("AmazonSQSFullAccess"));
  EXPECT_THAT(users.at(1).policies, ElementsAre("AmazonSQSReadOnlyAccess"));
  EXPECT_THAT(users.at(2).policies, IsEmpty());
}

TEST_F(KeysCommand, AUserWhoIsThereKeepsItsPoliciesAndGetsThoseNamed) {
  const auto edit = [](CredentialsFile& file) -> StartResult<void> {
    file = parse_credentials_file(R"(
[[account]]
id = "000000000000"
[[account.policy]]
name = "shop"
document = "{}"
[[account.group]]
name = "team"
policies = ["shop"]
[[account.user]]
name = "ada"
groups = ["team"]
[[account.user.policy]]
name = "own"
document = "{}"
[[account.user]]
name = "bob"
)",
                                  "keys.toml")
               .value();
    return {};
  };
  ASSERT_TRUE(edit_credentials_file(path_, edit));
  create("ada");
  EXPECT_THAT(run({"list"}).value(), HasSubstr("ada  shop (group team), own (inline)\n"));
  ASSERT_TRUE(
      run({"create", "--user", "ada", "--policy", "shop", "--policy", "AmazonSQSReadOnlyAccess"}));
  EXPECT_THAT(run({"list"}).value(),
              HasSubstr("ada  shop, AmazonSQSReadOnlyAccess, shop (group team), own (inline)\n"));
  EXPECT_THAT(run({"create", "--user", "bob"}).value(),
              HasSubstr("may do: nothing but what queues allow\n"));
  EXPECT_THAT(error({"create", "--user", "bob", "--policy", "own"}),
              HasSubstr("there is no policy own; known are: AmazonSQSFullAccess "
                        "AmazonSQSReadOnlyAccess shop"));
  EXPECT_THAT(error({"create", "--user", "root", "--policy", "shop"}),
              HasSubstr("--policy is for other users"));
}

TEST_F(KeysCommand, WrongCommandLinesSayWhatIsRight) {
  EXPECT_THAT(error({}), HasSubstr("millrace keys --help"));
  EXPECT_THAT(error({"make"}), HasSubstr("millrace keys --help"));
  EXPECT_THAT(error({"create"}), HasSubstr("--user is required"));
  EXPECT_THAT(error({"create", "--user", "a b"}), HasSubstr("--user must be"));
  EXPECT_THAT(error({"create", "--user", "ada", "--account", "1"}), HasSubstr("twelve digits"));
  EXPECT_THAT(run({"--help"}).value(), AllOf(HasSubstr("rotate"), HasSubstr("millrace keys")));
  EXPECT_THAT(run({"create", "--help"}).value(), HasSubstr("--account"));
  const auto without = run_keys_command({"list"}, [](const char*) { return nullptr; });
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message(), HasSubstr("--credentials FILE"));
}

TEST_F(KeysCommand, TellsTheAuditLogOfEveryChange) {
  const std::string log = folder_ / "audit.log";
  const auto lines = [&] {
    std::ifstream file(log);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  };
  const auto created = run({"create", "--user", "ada", "--audit-log", log});
  ASSERT_TRUE(created);
  const std::string id = id_in(*created);
  ASSERT_THAT(lines(), ::testing::SizeIs(1));
  const std::string first = lines().front();
  EXPECT_THAT(first, AllOf(HasSubstr(R"("act":"CreateAccessKey","decision":"allowed")"),
                           HasSubstr("\"resource\":\"" + id + "\""), HasSubstr("for ada of")));
  const std::string secret = keys().front().secret;
  EXPECT_THAT(first, Not(HasSubstr(secret)));

  ASSERT_TRUE(run({"rotate", id, "--audit-log", log}));
  ASSERT_TRUE(run({"disable", id, "--audit-log", log}));
  ASSERT_TRUE(run({"enable", id, "--audit-log", log}));
  ASSERT_TRUE(run({"delete", id, "--audit-log", log}));
  EXPECT_FALSE(run({"delete", id, "--audit-log", log}));
  ASSERT_TRUE(run({"list"}));
  ASSERT_THAT(lines(), ::testing::SizeIs(6));
  EXPECT_THAT(lines()[1], HasSubstr(R"("act":"RotateAccessKey","decision":"allowed")"));
  EXPECT_THAT(lines()[5], HasSubstr(R"("act":"DeleteAccessKey","decision":"failed")"));

  EXPECT_THAT(error({"create", "--user", "eve", "--audit-log", folder_ / "missing/log"}),
              HasSubstr("nothing was changed"));
  EXPECT_THAT(keys(), ::testing::SizeIs(1)) << "of ada, and there is no other user";
}

}  // namespace
}  // namespace millrace
