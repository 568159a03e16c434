#include "observe/line_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <vector>

#include "observe/log.h"
#include "support/temporary_directory.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;

class LineFileTest : public ::testing::Test {
 protected:
  LineFileTest() {
    options_.path = path("audit.log");
    options_.gap_line = [](std::uint64_t dropped) { return "gap " + std::to_string(dropped); };
  }

  std::string path(const std::string& name) const { return folder_ / name; }
  std::vector<std::string> lines(const std::string& name) const {
    std::ifstream file(path(name));
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }
  unsigned mode(const std::string& name) const {
    struct stat facts {};
    EXPECT_EQ(::stat(path(name).c_str(), &facts), 0) << name;
    return facts.st_mode & 0777;
  }
  std::unique_ptr<LineFile> open() const {
    auto file = LineFile::open(options_);
    EXPECT_TRUE(file.has_value());
    return std::move(*file);
  }

  const TemporaryDirectory directory_;
  const std::filesystem::path folder_ = directory_.path();
  LineFileOptions options_;
};

TEST_F(LineFileTest, AppendsLinesToAFileOfItsOwners) {
  const mode_t former = ::umask(0);
  open()->write("one {} %v");
  ::umask(former);
  EXPECT_EQ(mode("audit.log"), 0600u);
  ::chmod(path("audit.log").c_str(), 0644);
  {
    const auto file = open();
    file->write("two");
    file->write_first("three");
  }
  EXPECT_THAT(lines("audit.log"), ElementsAre("one {} %v", "two", "three"));
  EXPECT_EQ(mode("audit.log"), 0600u);
}

TEST_F(LineFileTest, AFileThatReachesItsSizeIsRenamed) {
  options_.bytes_max = 10;
  options_.files_max = 2;
  {
    const auto file = open();
    for (const char* line : {"line 1", "line 2", "line 3", "line 4"}) file->write(line);
  }
  EXPECT_THAT(lines("audit.log"), ElementsAre("line 4"));
  EXPECT_THAT(lines("audit.1.log"), ElementsAre("line 3"));
  EXPECT_THAT(lines("audit.2.log"), ElementsAre("line 2"));
  EXPECT_FALSE(std::filesystem::exists(path("audit.3.log")));
  for (const char* name : {"audit.log", "audit.1.log", "audit.2.log"}) EXPECT_EQ(mode(name), 0600u);
}

TEST_F(LineFileTest, OpensItsNameAgain) {
  auto file = open();
  std::filesystem::rename(path("audit.log"), path("taken-away"));
  EXPECT_TRUE(file->reopen());
  file->write("after");
  std::filesystem::rename(folder_, folder_.string() + "-moved");
  EXPECT_FALSE(file->reopen());
  file->write("kept");
  file.reset();
  std::filesystem::rename(folder_.string() + "-moved", folder_);
  EXPECT_THAT(lines("audit.log"), ElementsAre("after", "kept"));
  EXPECT_THAT(lines("taken-away"), ElementsAre());
}

TEST_F(LineFileTest, WhatCannotBeOpenedIsAnError) {
  options_.path = path("missing/audit.log");
  EXPECT_EQ(LineFile::open(options_).error(), std::errc::no_such_file_or_directory);
  EXPECT_FALSE(std::filesystem::exists(path("missing")));
  options_.path = folder_;
  EXPECT_EQ(LineFile::open(options_).error(), std::errc::is_a_directory);
  options_.path = path("pipe");
  ASSERT_EQ(::mkfifo(options_.path.c_str(), 0600), 0);
  EXPECT_EQ(LineFile::open(options_).error(), std::errc::no_such_device_or_address);
}

TEST_F(LineFileTest, AFullDiskIsToldOnceAndEndsNothing) {
  options_.path = "/dev/full";
  ::testing::internal::CaptureStderr();
  start_log(LogLevel::info);
  {
    const auto file = open();
    for (int i = 0; i < 100; ++i) file->write(std::string(1000, 'x'));
  }
  stop_log();
  const std::string log = ::testing::internal::GetCapturedStderr();
  const std::size_t told = log.find("cannot write a log");
  EXPECT_NE(told, std::string::npos) << log;
  EXPECT_EQ(log.find("cannot write a log", told + 1), std::string::npos) << log;
}

TEST_F(LineFileTest, NobodyWaitsForAFullQueueAndTheGapIsTold) {
  options_.path = path("pipe");
  ASSERT_EQ(::mkfifo(options_.path.c_str(), 0600), 0);
  const int pipe = ::open(options_.path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(pipe, 0);
  options_.bytes_max = 1000;  // not of a pipe
  options_.lines_max = 50;
  options_.lines_reserved = 10;
  // More than the pipe takes: until it is read, the writing thread hangs with the first line.
  const std::string ordinary(200'000, 'x');
  const std::string first(200'000, 'y');
  auto file = open();
  for (int i = 0; i < 1000; ++i) file->write(ordinary);
  for (int i = 0; i < 11; ++i) file->write_first(first);

  ::fcntl(pipe, F_SETFL, 0);
  std::string all;
  std::array<char, 65536> part;
  while (all.find("gap ") == std::string::npos || all.back() != '\n') {
    const ssize_t bytes = ::read(pipe, part.data(), part.size());
    ASSERT_GT(bytes, 0);
    all.append(part.data(), static_cast<std::size_t>(bytes));
  }
  file.reset();
  ::close(pipe);

  std::string expected;
  for (int i = 0; i < 40; ++i) expected += ordinary + "\n";
  for (int i = 0; i < 10; ++i) expected += first + "\n";
  EXPECT_TRUE(all == expected + "gap 961\n") << all.substr(all.find("gap "));
}

}  // namespace
}  // namespace millrace
