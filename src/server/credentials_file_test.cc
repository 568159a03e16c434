#include "server/credentials_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kExample = R"(
[[account]]
id = "111122223333"

[[account.policy]]
name = "own-queues"
document = '''
{
  "Version": "2012-10-17"
}'''

[[account.policy]]
name = "office"
policy_file = "/etc/millrace/office.json"

[[account.group]]
name = "team"
policies = ["own-queues", "AmazonSQSReadOnlyAccess"]

[[account.user]]
name = "root"

[[account.user.key]]
id = "AKIDROOT"
secret_variable = "ROOT_SECRET"

[[account.user]]
name = "ada"
policies = ["AmazonSQSFullAccess"]
groups = ["team"]

[[account.user.policy]]
name = "no-purge"
document = "{}"

[[account.user.key]]
id = "AKIDADA1"
secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
enabled = false

[[account.user.key]]
id = "AKIDADA2"
secret_file = "/run/secrets/ada"
session_token = "a \"token\""
expires = 2026-01-01T14:00:00+02:00

[[account]]
id = "444455556666"
)";

CredentialsFile example() {
  return parse_credentials_file(kExample, "keys.toml").value();
}

std::string error_of(std::string_view text) {
  const auto file = parse_credentials_file(text, "keys.toml");
  return file ? "" : file.error().message();
}

/// The example with one text replaced.
std::string error_with(std::string_view old_text, std::string_view new_text) {
  std::string text(kExample);
  text.replace(text.find(old_text), old_text.size(), new_text);
  return error_of(text);
}

TEST(CredentialsFile, HasAccountsUsersAndKeys) {
  const CredentialsFile file = example();
  ASSERT_EQ(file.accounts.size(), 2u);
  EXPECT_EQ(file.accounts[1].id.text(), "444455556666");
  const std::vector<UserEntry>& users = file.accounts[0].users;
  ASSERT_EQ(users.size(), 2u);
  EXPECT_EQ(users[0].name, "root");
  EXPECT_THAT(users[0].policies, IsEmpty());
  EXPECT_EQ(users[0].keys.at(0).secret_variable, "ROOT_SECRET");
  EXPECT_TRUE(users[0].keys.at(0).enabled);
  ASSERT_EQ(users[1].keys.size(), 2u);
  EXPECT_EQ(users[1].keys[0].secret, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  EXPECT_FALSE(users[1].keys[0].enabled);
  EXPECT_EQ(users[1].keys[1].session_token, "a \"token\"");
  EXPECT_EQ(users[1].keys[1].expires_at, Timestamp{1'767'268'800'000});
}

TEST(CredentialsFile, HasPoliciesAndGroups) {
  const AccountEntry account = example().accounts[0];
  ASSERT_EQ(account.policies.size(), 2u);
  EXPECT_EQ(account.policies[0].name, "own-queues");
  EXPECT_EQ(account.policies[0].document, "{\n  \"Version\": \"2012-10-17\"\n}");
  EXPECT_EQ(account.policies[1].policy_file, "/etc/millrace/office.json");
  ASSERT_EQ(account.groups.size(), 1u);
  EXPECT_EQ(account.groups[0].name, "team");
  EXPECT_THAT(account.groups[0].policies, ElementsAre("own-queues", "AmazonSQSReadOnlyAccess"));
  const UserEntry& ada = account.users[1];
  EXPECT_THAT(ada.policies, ElementsAre("AmazonSQSFullAccess"));
  EXPECT_THAT(ada.groups, ElementsAre("team"));
  ASSERT_EQ(ada.inline_policies.size(), 1u);
  EXPECT_EQ(ada.inline_policies[0].document, "{}");
  EXPECT_TRUE(has_policy(account, "office"));
  EXPECT_TRUE(has_policy(account, "AmazonSQSFullAccess"));
  EXPECT_FALSE(has_policy(account, "no-purge"));
}

TEST(CredentialsFile, DocumentsKeepTheirLines) {
  CredentialsFile file = example();
  EXPECT_THAT(credentials_file_text(file),
              HasSubstr("document = '''\n{\n  \"Version\": \"2012-10-17\"\n}'''\n"));
  for (const std::string document : {"it's", "ends in '", "has ''' in it", "\nfirst line is empty",
                                     "a tab\t, \r\n, \x01 and \xc3\xa4"}) {
    file.accounts[0].policies[0].document = document;
    const auto again = parse_credentials_file(credentials_file_text(file), "keys.toml");
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->accounts[0].policies[0].document, document);
  }
}

TEST(CredentialsFile, IsTheSameWhenItIsWrittenAndReadAgain) {
  CredentialsFile file = example();
  file.accounts[0].users[1].keys[1].secret_file = "a\\path \x01 with\n\"odd\" characters";
  const auto again = parse_credentials_file(credentials_file_text(file), "keys.toml");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, file);
  EXPECT_EQ(parse_credentials_file("", "keys.toml").value(), CredentialsFile{});
}

TEST(CredentialsFile, ErrorsNameTheLine) {
  EXPECT_THAT(error_of("account ="), HasSubstr("keys.toml:1"));
  EXPECT_THAT(error_of("acount = []"), HasSubstr("keys.toml:1: acount: there is no such key"));
  EXPECT_THAT(error_of("account = 3"), HasSubstr("must be tables"));
  EXPECT_THAT(error_with("\"111122223333\"", "111122223333"), HasSubstr("must be a string"));
  EXPECT_THAT(error_with("111122223333", "1111"), HasSubstr("keys.toml:2: the id of an account"));
  EXPECT_THAT(error_with("444455556666", "111122223333"), HasSubstr("stands here twice"));
  EXPECT_THAT(error_with("name = \"root\"", "nane = \"root\""),
              HasSubstr("known are: name policies groups policy key"));
  EXPECT_THAT(error_with("name = \"root\"", "name = \"a b\""), HasSubstr("the name of a user"));
  EXPECT_THAT(error_with("name = \"root\"", "name = \"ada\""), HasSubstr("ada stands here twice"));
  EXPECT_THAT(error_with("AKIDADA1", "A/B"), HasSubstr("the id of a key"));
  EXPECT_THAT(error_with("AKIDADA1", "AKIDROOT"), HasSubstr("AKIDROOT stands here twice"));
  EXPECT_THAT(error_with("enabled = false", "enabled = 0"), HasSubstr("true or false"));
  EXPECT_THAT(error_with("2026-01-01T14:00:00+02:00", "2026-01-01T14:00:00"),
              HasSubstr("must be a moment"));
  EXPECT_THAT(error_with("secret_variable", "secret_env"), HasSubstr("secret_variable"));
  EXPECT_THAT(error_with("secret_file = \"/run/secrets/ada\"", ""), HasSubstr("must have one of"));
  EXPECT_THAT(error_with("enabled = false", "secret_file = \"f\""), HasSubstr("must have one of"));
  EXPECT_THAT(error_with("\"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\"", "\"hunter2 is short\""),
              AllOf(HasSubstr("16 to 128 visible characters"), Not(HasSubstr("hunter2"))));
}

TEST(CredentialsFile, ErrorsOfPoliciesNameTheLine) {
  EXPECT_THAT(error_with("\"own-queues\"\ndocument", "\"own queues\"\ndocument"),
              HasSubstr("keys.toml:5: the name of a policy"));
  EXPECT_THAT(error_with("\"office\"", "\"own-queues\""),
              HasSubstr("the policy own-queues stands here twice"));
  EXPECT_THAT(error_with("\"office\"", "\"AmazonSQSFullAccess\""), HasSubstr("is AWS's own"));
  EXPECT_THAT(error_with("policy_file =", "document = \"{}\"\npolicy_file ="),
              HasSubstr("the policy office must have one of document and policy_file"));
  EXPECT_THAT(error_with("document = \"{}\"", ""),
              HasSubstr("the policy no-purge must have one of"));
  EXPECT_THAT(error_with("policy_file", "file"), HasSubstr("name document policy_file"));
  EXPECT_THAT(error_with("[\"own-queues\", ", "[\"own\", "),
              HasSubstr("there is no policy own in the account 111122223333"));
  EXPECT_THAT(error_with("[\"AmazonSQSFullAccess\"]", "[\"no-purge\"]"),
              HasSubstr("there is no policy no-purge in the account"));
  EXPECT_THAT(error_with("[\"AmazonSQSFullAccess\"]", "\"AmazonSQSFullAccess\""),
              HasSubstr("policies must be a list of strings"));
  EXPECT_THAT(error_with("[\"team\"]", "[\"teem\"]"), HasSubstr("there is no group teem"));
  EXPECT_THAT(error_with("[\"team\"]", "[3]"), HasSubstr("groups must be a list of strings"));
  EXPECT_THAT(error_with("name = \"team\"", "name = \"a/b\""), HasSubstr("the name of a group"));
  EXPECT_THAT(error_with("name = \"team\"", "name = \"team\"\n[[account.group]]\nname = \"team\""),
              HasSubstr("the group team stands here twice"));
  for (const char* what : {"policies = [\"office\"]", "groups = [\"team\"]",
                           "[[account.user.policy]]\nname = \"p\"\ndocument = \"{}\""}) {
    EXPECT_THAT(error_with("name = \"root\"", "name = \"root\"\n" + std::string(what)),
                HasSubstr("root may do everything in its account"))
        << what;
  }
}

TEST(CredentialsFile, AUserHasTwoEnabledKeysAtMost) {
  const auto user = [](const std::string& rest) {
    std::string text = "[[account]]\nid = \"111122223333\"\n[[account.user]]\nname = \"ada\"\n";
    for (const char* id : {"AKID1", "AKID2", "AKID3"}) {
      text += "[[account.user.key]]\nid = \"" + std::string(id) + "\"\nsecret_file = \"f\"\n";
    }
    return text + rest;
  };
  EXPECT_THAT(error_of(user("")), HasSubstr("ada has more than 2 enabled keys"));
  EXPECT_EQ(error_of(user("enabled = false\n")), "");
  EXPECT_EQ(error_of(user("session_token = \"t\"\n")), "");
}

/// A folder that is gone when the test ends.
class CredentialsFileOnDisk : public ::testing::Test {
 protected:
  CredentialsFileOnDisk()
      : folder_(::testing::TempDir() + "millrace-credentials-" +
                ::testing::UnitTest::GetInstance()->current_test_info()->name()),
        path_(folder_ / "keys.toml") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~CredentialsFileOnDisk() override { std::filesystem::remove_all(folder_); }

  void write(std::string_view text, mode_t mode = 0600) const {
    std::ofstream(path_) << text;
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }
  std::string read_error() const {
    const auto file = read_credentials_file(path_);
    return file ? "" : file.error().message();
  }
  static StartResult<void> add_account(CredentialsFile& file, const std::string& id) {
    file.accounts.push_back(
        {.id = AccountId::parse(id).value(), .policies = {}, .groups = {}, .users = {}});
    return {};
  }

  const std::filesystem::path folder_;
  const std::filesystem::path path_;
};

TEST_F(CredentialsFileOnDisk, IsReadWhenOnlyItsOwnerCan) {
  write(kExample);
  EXPECT_EQ(read_credentials_file(path_).value(), example());
  for (const mode_t mode : {0640, 0604, 0620, 0644}) {
    write(kExample, mode);
    EXPECT_THAT(read_error(), HasSubstr("chmod 600 " + path_.string())) << std::oct << mode;
  }
}

TEST_F(CredentialsFileOnDisk, WhatIsNoFileIsNotRead) {
  EXPECT_THAT(read_error(), HasSubstr("No such file"));
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(read_error(), HasSubstr("not a regular file"));
}

TEST_F(CredentialsFileOnDisk, AnEditMakesTheFileForItsOwnerOnly) {
  const auto edit = [](CredentialsFile& file) { return add_account(file, "111122223333"); };
  ASSERT_TRUE(edit_credentials_file(path_, edit));
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_EQ(read_credentials_file(path_)->accounts.at(0).id.text(), "111122223333");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(CredentialsFileOnDisk, ARefusedEditChangesNothing) {
  write(kExample);
  const auto edit = [](CredentialsFile& file) -> StartResult<void> {
    file.accounts.clear();
    return StartError("no");
  };
  const auto edited = edit_credentials_file(path_, edit);
  ASSERT_FALSE(edited);
  EXPECT_EQ(edited.error().message(), "no");
  std::stringstream text;
  text << std::ifstream(path_).rdbuf();
  EXPECT_EQ(text.str(), kExample);

  write("broken");
  EXPECT_THAT(edit_credentials_file(path_, edit).error().message(), HasSubstr("keys.toml:1"));
  EXPECT_FALSE(edit_credentials_file(folder_ / "missing" / "keys.toml", edit));
}

TEST_F(CredentialsFileOnDisk, EditsAtTheSameTimeAreAllKept) {
  constexpr int kEach = 20;
  const auto work = [&](const std::string& digit) {
    for (int i = 10; i < 10 + kEach; ++i) {
      const auto edit = [&](CredentialsFile& file) {
        return add_account(file, digit + "000000000" + std::to_string(i));
      };
      EXPECT_TRUE(edit_credentials_file(path_, edit));
    }
  };
  std::thread other(work, "1");
  work("2");
  other.join();
  EXPECT_EQ(read_credentials_file(path_)->accounts.size(), 2u * kEach);
}

}  // namespace
}  // namespace millrace
