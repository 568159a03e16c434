#include "storage/log_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <cstring>
#include <filesystem>

#include "storage/aligned_buffer.h"
#include "support/store_calls.h"

namespace millrace {
namespace {

// Both writers, on a real disk and on a file system in memory.
struct Where {
  LogWriterChoice writer;
  const char* parent;
};

class LogFileTest : public testing::TestWithParam<Where> {
 protected:
  void SetUp() override {
    std::string path = std::string(GetParam().parent) + "/millrace_log_file_test_XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) GTEST_SKIP() << "there is no " << GetParam().parent;
    path_ = path;
    auto directory = DiskLogDirectory::open(path_, GetParam().writer);
    ASSERT_TRUE(directory) << directory.error().message();
    directory_ = std::move(*directory);
    buffer_.reserve(kBytes);
    for (std::size_t i = 0; i < kBytes; ++i) buffer_.data()[i] = static_cast<char>(i * 7 + i / 251);
  }
  void TearDown() override {
    if (!path_.empty()) std::filesystem::remove_all(path_);
  }

  static StoreResult<void> wait(LogWriter& writer) {
    while (true) {
      pollfd wait{writer.completion_descriptor(), POLLIN, 0};
      CHECK(::poll(&wait, 1, 60'000) == 1);
      if (auto outcome = writer.finish()) return *outcome;
    }
  }

  static constexpr std::size_t kBytes = 64 * kLogBlockBytes;
  std::string path_;
  std::unique_ptr<DiskLogDirectory> directory_;
  AlignedBuffer buffer_;
};

TEST_P(LogFileTest, ReadsWhatItsWriterWrote) {
  auto file = directory_->create("a", 2 * kBytes);
  ASSERT_TRUE(file) << file.error().message();
  auto writer = directory_->make_writer();
  ASSERT_TRUE(writer) << writer.error().message();
  EXPECT_FALSE((*writer)->finish());
  for (std::size_t blocks = 1; blocks <= 64; blocks *= 4) {
    const std::size_t bytes = blocks * kLogBlockBytes;
    (*writer)->start(*file, kLogBlockBytes, {buffer_.data(), bytes});
    const auto outcome = wait(**writer);
    ASSERT_TRUE(outcome) << outcome.error().message();
    std::string read(bytes, '\0');
    ASSERT_TRUE((*file)->read(kLogBlockBytes, read));
    EXPECT_EQ(std::memcmp(read.data(), buffer_.data(), bytes), 0);
  }
  EXPECT_FALSE((*writer)->finish());
  std::string rest(kLogBlockBytes, 'x');
  ASSERT_TRUE((*file)->read(2 * kBytes - rest.size(), rest));
  EXPECT_EQ(rest, std::string(kLogBlockBytes, '\0'));
  EXPECT_FALSE((*file)->read(2 * kBytes - 10, rest));  // behind the end
}

TEST_P(LogFileTest, FilesAreWrittenFullAndKeepTheirBytesThroughARename) {
  auto file = directory_->create("a", kBytes);
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_TRUE((*file)->write(0, {buffer_.data(), kBytes}));
  ASSERT_TRUE((*file)->sync());
  ASSERT_TRUE(directory_->rename("a", "b"));
  const auto entries = directory_->list();
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ((*entries)[0].name, "b");
  EXPECT_EQ((*entries)[0].bytes, kBytes);
  const auto again = directory_->open("b", LogAccess::read);
  ASSERT_TRUE(again);
  std::string read(kBytes, '\0');
  ASSERT_TRUE((*again)->read(0, read));
  EXPECT_EQ(std::memcmp(read.data(), buffer_.data(), kBytes), 0);
  // A removed file stays readable for those who have it open.
  ASSERT_TRUE(directory_->remove("b"));
  EXPECT_TRUE((*again)->read(0, read));
  EXPECT_TRUE(directory_->list()->empty());
}

TEST_P(LogFileTest, ErrorsNameTheFile) {
  const auto missing = directory_->open("missing", LogAccess::read);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), testing::HasSubstr(path_ + "/missing"));
  EXPECT_FALSE(directory_->remove("missing"));
  EXPECT_FALSE(directory_->rename("missing", "other"));
}

TEST_P(LogFileTest, AWriterWaitsForItsWriteWhenItGoes) {
  auto file = directory_->create("a", kBytes);
  ASSERT_TRUE(file);
  auto writer = directory_->make_writer();
  (*writer)->start(*file, 0, {buffer_.data(), kBytes});
  writer->reset();
  std::string read(kBytes, '\0');
  ASSERT_TRUE((*file)->read(0, read));
  EXPECT_EQ(std::memcmp(read.data(), buffer_.data(), kBytes), 0);
}

TEST_P(LogFileTest, KnowsTheRoomOnItsDisk) {
  const auto space = directory_->space();
  ASSERT_TRUE(space);
  EXPECT_GT(space->capacity_bytes, 0u);
  EXPECT_LE(space->available_bytes, space->capacity_bytes);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, LogFileTest,
                         testing::Values(Where{LogWriterChoice::io_uring, "/tmp"},
                                         Where{LogWriterChoice::thread, "/tmp"},
                                         Where{LogWriterChoice::io_uring, "/dev/shm"},
                                         Where{LogWriterChoice::thread, "/dev/shm"}));

TEST(DiskLogDirectoryTest, AMissingDirectoryIsAnError) {
  EXPECT_FALSE(DiskLogDirectory::open("/nonexistent/log", LogWriterChoice::automatic));
}

}  // namespace
}  // namespace millrace
