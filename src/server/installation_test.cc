#include "server/installation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "server/keyring_file.h"

namespace millrace {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class InstallationTest : public ::testing::Test {
 protected:
  InstallationTest() { fs::remove_all(directory_); }
  ~InstallationTest() override { fs::remove_all(directory_); }

  StartResult<Installation> open(std::size_t shards) const {
    return Installation::open(directory_, shards, keyring_);
  }
  std::string error_of(std::size_t shards) const {
    const auto opened = open(shards);
    return opened ? "no error" : opened.error().message();
  }

  const std::string directory_ = std::string(::testing::TempDir()) + "millrace-installation-" +
                                 ::testing::UnitTest::GetInstance()->current_test_info()->name();
  std::string keyring_ = directory_ + "/keyring";
};

TEST_F(InstallationTest, KeepsItsKey) {
  Installation::Key first;
  {
    const auto opened = open(1);
    ASSERT_TRUE(opened) << opened.error().message();
    first = opened->key_for("a");
    EXPECT_NE(first, opened->key_for("b"));
    EXPECT_EQ(opened->shard_directory(3), directory_ + "/shard-0003");
  }
  const auto again = open(1);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->key_for("a"), first);
}

TEST_F(InstallationTest, KeyIsForItsOwnerOnly) {
  ASSERT_TRUE(open(1));
  struct stat facts {};
  ASSERT_EQ(::stat((directory_ + "/key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat(keyring_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777u, 0600u);
}

TEST_F(InstallationTest, OnlyOneServerAtATime) {
  const auto opened = open(1);
  ASSERT_TRUE(opened);
  EXPECT_THAT(error_of(1), HasSubstr("a server uses"));
}

TEST_F(InstallationTest, ShardsAreRaisedButNeverLowered) {
  ASSERT_TRUE(open(2));
  fs::create_directory(directory_ + "/shard-0000");
  fs::create_directory(directory_ + "/shard-0001");
  EXPECT_THAT(error_of(1), HasSubstr("--shards 2 or more"));
  EXPECT_EQ(error_of(3), "no error");
}

TEST_F(InstallationTest, AMissingOrDamagedKeyIsRefused) {
  ASSERT_TRUE(open(1));
  fs::create_directory(directory_ + "/shard-0000");
  std::ofstream(directory_ + "/key") << "short";
  EXPECT_THAT(error_of(1), HasSubstr("not the key of a data directory"));
  fs::remove(directory_ + "/key");
  EXPECT_THAT(error_of(1), HasSubstr("is missing"));
}

TEST_F(InstallationTest, TheKeyIsWrappedUnderTheKeyring) {
  Installation::Key made;
  {
    const auto opened = open(1);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->keyring_is_new());
    made = opened->key_for("a");
    std::vector<MasterKey> keys = opened->keyring()->keys();
    EXPECT_TRUE(opened->opens_with(Keyring(keys)));
    rotate(keys.front(), Timestamp{});
    EXPECT_TRUE(opened->opens_with(Keyring(keys)));
    EXPECT_FALSE(opened->opens_with(Keyring::fresh(Timestamp{})));
  }
  const auto again = open(1);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->keyring_is_new());
  EXPECT_EQ(again->key_for("a"), made);
}

TEST_F(InstallationTest, AnotherKeyringIsRefusedAndNoneIsMade) {
  ASSERT_TRUE(open(1));
  const std::string mine = std::exchange(keyring_, directory_ + "/other");
  EXPECT_THAT(error_of(1), HasSubstr("is missing"));
  EXPECT_FALSE(fs::exists(keyring_));
  const auto nothing = [](std::vector<MasterKey>&) { return StartResult<void>(); };
  ASSERT_TRUE(edit_keyring_file(keyring_, nothing));
  EXPECT_THAT(error_of(1), HasSubstr("was made with another keyring"));
  keyring_ = mine;
  EXPECT_EQ(error_of(1), "no error");
}

TEST_F(InstallationTest, OthersMustNotReadTheKeyring) {
  ASSERT_TRUE(open(1));
  fs::permissions(keyring_, fs::perms::group_read, fs::perm_options::add);
  EXPECT_THAT(error_of(1), HasSubstr("chmod 600"));
}

TEST_F(InstallationTest, WhatAnEarlierVersionMadeIsRefused) {
  fs::create_directories(directory_);
  std::ofstream(directory_ + "/key") << std::string(32, 'k');
  EXPECT_THAT(error_of(1), HasSubstr("earlier version"));
  EXPECT_FALSE(fs::exists(keyring_));
}

TEST_F(InstallationTest, AnEphemeralOneMayHaveAKeyring) {
  fs::create_directories(directory_);
  const auto first = Installation::ephemeral(keyring_);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->keyring_is_new());
  const auto second = Installation::ephemeral(keyring_);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->keyring()->keys(), first->keyring()->keys());
}

TEST_F(InstallationTest, ADirectoryThatCannotBeMadeIsRefused) {
  std::ofstream(directory_) << "a file";
  EXPECT_THAT(error_of(1), HasSubstr(directory_));
}

TEST_F(InstallationTest, EphemeralKeysDiffer) {
  EXPECT_NE(Installation::ephemeral()->key_for("a"), Installation::ephemeral()->key_for("a"));
}

}  // namespace
}  // namespace millrace
