#include "server/installation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace millrace {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class InstallationTest : public ::testing::Test {
 protected:
  InstallationTest() { fs::remove_all(directory_); }
  ~InstallationTest() override { fs::remove_all(directory_); }

  std::string error_of(std::size_t shards) const {
    const auto opened = Installation::open(directory_, shards);
    return opened ? "no error" : opened.error().message();
  }

  const std::string directory_ = std::string(::testing::TempDir()) + "millrace-installation-" +
                                 ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(InstallationTest, KeepsItsKey) {
  Installation::Key first;
  {
    const auto opened = Installation::open(directory_, 1);
    ASSERT_TRUE(opened) << opened.error().message();
    first = opened->key_for("a");
    EXPECT_NE(first, opened->key_for("b"));
    EXPECT_EQ(opened->shard_directory(3), directory_ + "/shard-0003");
  }
  const auto again = Installation::open(directory_, 1);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->key_for("a"), first);
}

TEST_F(InstallationTest, KeyIsForItsOwnerOnly) {
  ASSERT_TRUE(Installation::open(directory_, 1));
  struct stat facts {};
  ASSERT_EQ(::stat((directory_ + "/key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777u, 0600u);
  EXPECT_EQ(facts.st_size, 32);
}

TEST_F(InstallationTest, OnlyOneServerAtATime) {
  const auto opened = Installation::open(directory_, 1);
  ASSERT_TRUE(opened);
  EXPECT_THAT(error_of(1), HasSubstr("a server uses"));
}

TEST_F(InstallationTest, ShardsAreRaisedButNeverLowered) {
  ASSERT_TRUE(Installation::open(directory_, 2));
  fs::create_directory(directory_ + "/shard-0000");
  fs::create_directory(directory_ + "/shard-0001");
  EXPECT_THAT(error_of(1), HasSubstr("--shards 2 or more"));
  EXPECT_EQ(error_of(3), "no error");
}

TEST_F(InstallationTest, AMissingOrDamagedKeyIsRefused) {
  ASSERT_TRUE(Installation::open(directory_, 1));
  fs::create_directory(directory_ + "/shard-0000");
  std::ofstream(directory_ + "/key") << "short";
  EXPECT_THAT(error_of(1), HasSubstr("not a key of 32 bytes"));
  fs::remove(directory_ + "/key");
  EXPECT_THAT(error_of(1), HasSubstr("is missing"));
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
