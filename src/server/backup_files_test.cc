#include "server/backup_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "support/temporary_directory.h"

namespace millrace {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

class BackupFiles : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  /// What read_manifest() says against the manifest `text`.
  std::string refusal(const std::string& text) const {
    write(path("MANIFEST"), text);
    const auto files = read_manifest(folder_.path());
    return files ? "" : files.error().message();
  }
  static std::string sealed(const std::string& lines) {
    return lines + "checksum " + to_hex(sha256(lines)) + "\n";
  }

  const TemporaryDirectory folder_;
  const ManualClock clock_{Timestamp{}};
  FileCopier copier_{0, clock_};
};

TEST_F(BackupFiles, AManifestIsReadAsItWasWritten) {
  const std::vector<BackupFile> files = {{"key", 120, "00ff"}, {"shard-0000/log/1", 5, "aa"}};
  ASSERT_TRUE(write_manifest(folder_.path(), files));
  const auto found = read_manifest(folder_.path());
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(1).path, files[1].path);
  EXPECT_EQ(found->at(1).bytes, files[1].bytes);
  EXPECT_EQ(found->at(1).sha256, files[1].sha256);
}

TEST_F(BackupFiles, WithoutAManifestThereIsNoBackup) {
  EXPECT_THAT(read_manifest(folder_.path()).error().message(), HasSubstr("is not a backup"));
}

TEST_F(BackupFiles, EveryChangeOfAManifestIsSeen) {
  ASSERT_TRUE(write_manifest(folder_.path(), {{"key", 120, "00ff"}}));
  const std::string whole = read(path("MANIFEST"));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_NE(refusal(changed), "") << "byte " << at;
  }
  EXPECT_NE(refusal(whole.substr(0, whole.size() / 2)), "");
  EXPECT_EQ(refusal(whole), "");
}

TEST_F(BackupFiles, AnotherVersionIsNamed) {
  EXPECT_THAT(refusal(sealed("millrace-backup\nversion 2\n")), HasSubstr("backup version 2"));
}

TEST_F(BackupFiles, NoFileLiesElsewhere) {
  for (const char* elsewhere : {"../key", "/etc/passwd", "shard/../../key"}) {
    const std::string lines = "millrace-backup\nversion 1\nfile 00 1 " + std::string(elsewhere);
    EXPECT_THAT(refusal(sealed(lines + "\n")), HasSubstr("not as it was written")) << elsewhere;
  }
}

TEST_F(BackupFiles, ACopyIsWhatWasThereForItsOwnerOnly) {
  const std::string text = std::string(3'000'000, 'x') + std::string(2'000'000, '\0') + "end";
  write(path("from"), text);
  const auto copied = copier_.copy(path("from"), path("to"));
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_EQ(read(path("to")), text);
  EXPECT_EQ(copied->bytes, text.size());
  EXPECT_EQ(copied->sha256, to_hex(sha256(text)));
  EXPECT_EQ(fs::status(path("to")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(BackupFiles, WhatDoesNotBelongToTheCopyIsZero) {
  write(path("from"), std::string(3'000'000, 'x'));
  const std::uint64_t kept = (std::uint64_t{1} << 20) + 5;
  ASSERT_TRUE(copier_.copy(path("from"), path("to"), kept));
  EXPECT_EQ(read(path("to")), std::string(kept, 'x') + std::string(3'000'000 - kept, '\0'));
}

TEST_F(BackupFiles, NoFileIsWrittenOver) {
  write(path("from"), "new");
  write(path("to"), "old");
  EXPECT_FALSE(copier_.copy(path("from"), path("to")));
  EXPECT_EQ(read(path("to")), "old");
}

TEST_F(BackupFiles, AnUnfinishedDirectoryGoesAndAFinishedOneStays) {
  {
    const auto directory = UnfinishedDirectory::make(path("new"));
    ASSERT_TRUE(directory);
    ASSERT_TRUE(directory->make_parents("one/two/file"));
    write(path("new/one/two/file"), "text");
  }
  EXPECT_FALSE(fs::exists(path("new")));
  fs::create_directory(path("empty"));
  {
    const auto directory = UnfinishedDirectory::make(path("empty"));
    ASSERT_TRUE(directory);
    write(path("empty/file"), "text");
  }
  EXPECT_TRUE(fs::is_empty(path("empty")));
  {
    auto directory = UnfinishedDirectory::make(path("new"));
    ASSERT_TRUE(directory);
    write(path("new/file"), "text");
    ASSERT_TRUE(directory->keep());
  }
  EXPECT_EQ(read(path("new/file")), "text");
  EXPECT_FALSE(UnfinishedDirectory::make(path("new")));
  EXPECT_EQ(read(path("new/file")), "text");
}

}  // namespace
}  // namespace millrace
