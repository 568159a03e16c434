#include "storage/log_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/check.h"
#include "storage/aligned_buffer.h"

namespace millrace {

StoreError system_error(std::string_view what, int error_number) {
  return StoreError(std::string(what) + ": " + std::generic_category().message(error_number));
}

namespace {

constexpr std::size_t kZeroBytes = std::size_t{1} << 20;  // written at a time into a new file

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  int number() const { return number_; }

 private:
  int number_;
};

// Writes all of `bytes` durably. Nothing, or the error.
StoreResult<void> write_durably(int descriptor, std::uint64_t offset, std::span<const char> bytes,
                                const std::string& path) {
  while (!bytes.empty()) {
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    const ssize_t written = ::pwritev2(descriptor, &part, 1, static_cast<off_t>(offset), RWF_DSYNC);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("cannot write " + path, errno);
    // A part of a block cannot be gone on with past the page cache, and nothing makes no progress.
    if (written == 0 || static_cast<std::size_t>(written) % kLogBlockBytes != 0) {
      return StoreError("cannot write " + path + ": the disk took only a part of a block");
    }
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

class DiskLogFile final : public LogFile {
 public:
  DiskLogFile(std::string path, Descriptor reading, Descriptor writing)
      : path_(std::move(path)), reading_(std::move(reading)), writing_(std::move(writing)) {}

  StoreResult<void> read(std::uint64_t offset, std::span<char> out) const override {
    while (!out.empty()) {
      const ssize_t count =
          ::pread(reading_.number(), out.data(), out.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return system_error("cannot read " + path_, errno);
      if (count == 0) return StoreError("cannot read " + path_ + ": it ends too early");
      offset += static_cast<std::uint64_t>(count);
      out = out.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }

  StoreResult<void> write(std::uint64_t offset, std::span<const char> bytes) override {
    CHECK(writing_.number() >= 0);
    return write_durably(writing_.number(), offset, bytes, path_);
  }

  StoreResult<void> sync() override {
    if (::fdatasync(reading_.number()) != 0) return system_error("cannot sync " + path_, errno);
    return {};
  }

  const std::string& path() const { return path_; }
  int writing_descriptor() const { return writing_.number(); }

 private:
  std::string path_;  // when it was opened
  Descriptor reading_;
  Descriptor writing_;
};

const DiskLogFile& disk_file(const LogFile& file) {
  // Writers are made by the directory whose files they write.
  return static_cast<const DiskLogFile&>(file);
}

Descriptor make_eventfd() {
  Descriptor event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  CHECK(event.number() >= 0);
  return event;
}

void drain(const Descriptor& event) {
  eventfd_t count = 0;
  static_cast<void>(::eventfd_read(event.number(), &count));  // EAGAIN: it was not signalled
}

// One write with RWF_DSYNC in a ring of its own, submitted by the thread that calls start().
class IoUringWriter final : public LogWriter {
 public:
  static StoreResult<std::unique_ptr<LogWriter>> make() {
    auto writer = std::unique_ptr<IoUringWriter>(new IoUringWriter);
    if (const int error = ::io_uring_queue_init(4, &writer->ring_, 0); error < 0) {
      return system_error("io_uring cannot be used", -error);
    }
    writer->ring_made_ = true;
    if (const int error = ::io_uring_register_eventfd(&writer->ring_, writer->event_.number());
        error < 0) {
      return system_error("io_uring cannot signal an eventfd", -error);
    }
    return std::unique_ptr<LogWriter>(std::move(writer));
  }

  ~IoUringWriter() override {
    if (!ring_made_) return;
    if (in_flight_) {
      // The kernel may still read the caller's bytes.
      io_uring_cqe* completion = nullptr;
      while (::io_uring_wait_cqe(&ring_, &completion) == -EINTR) {
      }
    }
    ::io_uring_queue_exit(&ring_);
  }
  IoUringWriter(const IoUringWriter&) = delete;
  IoUringWriter& operator=(const IoUringWriter&) = delete;

  void start(const std::shared_ptr<LogFile>& file, std::uint64_t offset,
             std::span<const char> bytes) override {
    CHECK(!file_ && !bytes.empty());
    file_ = file;
    offset_ = offset;
    rest_ = bytes;
    submit();
  }

  std::optional<StoreResult<void>> finish() override {
    // Drained before the look at the ring: a completion in between wakes once more, never not.
    drain(event_);
    if (!file_) return std::nullopt;
    if (!in_flight_) return end(system_error("cannot submit a write", submit_error_));
    io_uring_cqe* completion = nullptr;
    if (::io_uring_peek_cqe(&ring_, &completion) != 0) return std::nullopt;
    const int written = completion->res;
    ::io_uring_cqe_seen(&ring_, completion);
    in_flight_ = false;
    if (written == -EINTR || written == -EAGAIN) {
      submit();
      return std::nullopt;
    }
    if (written < 0) return end(system_error("cannot write " + path(), -written));
    if (written == 0 || static_cast<std::size_t>(written) % kLogBlockBytes != 0) {
      return end(StoreError("cannot write " + path() + ": the disk took only a part of a block"));
    }
    offset_ += static_cast<std::uint64_t>(written);
    rest_ = rest_.subspan(static_cast<std::size_t>(written));
    if (rest_.empty()) return end({});
    submit();
    return std::nullopt;
  }

  int completion_descriptor() const override { return event_.number(); }
  std::string_view name() const override { return "io_uring"; }

 private:
  IoUringWriter() = default;

  const std::string& path() const { return disk_file(*file_).path(); }

  StoreResult<void> end(StoreResult<void> outcome) {
    file_.reset();
    return outcome;
  }

  void submit() {
    io_uring_sqe* submission = ::io_uring_get_sqe(&ring_);
    CHECK(submission != nullptr);
    // The length of one request is 32 bits with room for a sign; a longer rest follows by itself.
    const std::size_t length = std::min<std::size_t>(rest_.size(), std::size_t{1} << 30);
    ::io_uring_prep_write(submission, disk_file(*file_).writing_descriptor(), rest_.data(),
                          static_cast<unsigned>(length), offset_);
    submission->rw_flags = RWF_DSYNC;
    int submitted = 0;
    do {
      submitted = ::io_uring_submit(&ring_);
    } while (submitted == -EINTR);
    in_flight_ = submitted == 1;
    if (!in_flight_) {
      submit_error_ = submitted < 0 ? -submitted : EIO;
      CHECK(::eventfd_write(event_.number(), 1) == 0);  // finish() is to report it
    }
  }

  Descriptor event_ = make_eventfd();
  io_uring ring_{};
  bool ring_made_ = false;
  bool in_flight_ = false;  // the kernel has the request
  int submit_error_ = 0;
  std::shared_ptr<LogFile> file_;  // of the write that finish() has not reported yet
  std::uint64_t offset_ = 0;
  std::span<const char> rest_;
};

// A thread that writes, for where io_uring is forbidden.
class ThreadWriter final : public LogWriter {
 public:
  ThreadWriter() : thread_([this] { run(); }) {}

  ~ThreadWriter() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  ThreadWriter(const ThreadWriter&) = delete;
  ThreadWriter& operator=(const ThreadWriter&) = delete;

  void start(const std::shared_ptr<LogFile>& file, std::uint64_t offset,
             std::span<const char> bytes) override {
    {
      const std::lock_guard lock(mutex_);
      CHECK(!file_ && !outcome_ && !bytes.empty());
      file_ = file;
      offset_ = offset;
      bytes_ = bytes;
    }
    wake_.notify_one();
  }

  std::optional<StoreResult<void>> finish() override {
    drain(event_);
    const std::lock_guard lock(mutex_);
    return std::exchange(outcome_, std::nullopt);
  }

  int completion_descriptor() const override { return event_.number(); }
  std::string_view name() const override { return "committer thread"; }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stop_ || file_; });
      if (!file_) return;
      const std::shared_ptr<LogFile> file = file_;
      lock.unlock();
      const DiskLogFile& disk = disk_file(*file);
      StoreResult<void> outcome =
          write_durably(disk.writing_descriptor(), offset_, bytes_, disk.path());
      lock.lock();
      file_.reset();
      outcome_ = std::move(outcome);
      CHECK(::eventfd_write(event_.number(), 1) == 0);
    }
  }

  Descriptor event_ = make_eventfd();
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::shared_ptr<LogFile> file_;  // of the write in flight
  std::uint64_t offset_ = 0;
  std::span<const char> bytes_;
  std::optional<StoreResult<void>> outcome_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

StoreResult<std::unique_ptr<DiskLogDirectory>> DiskLogDirectory::open(const std::string& path,
                                                                      LogWriterChoice choice) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return system_error("cannot open " + path, errno);
  auto directory =
      std::unique_ptr<DiskLogDirectory>(new DiskLogDirectory(path, descriptor, choice));
  directory->find_out_direct();
  return directory;
}

DiskLogDirectory::~DiskLogDirectory() {
  ::close(descriptor_);
}

void DiskLogDirectory::find_out_direct() {
  // Some file systems take the flag and then refuse the write, so only a write tells.
  const char* name = "direct.new";
  {
    const Descriptor probe(
        ::openat(descriptor_, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_DIRECT, 0600));
    AlignedBuffer zeros;
    zeros.reserve(kLogBlockBytes);
    std::memset(zeros.data(), 0, kLogBlockBytes);
    direct_ = probe.number() >= 0 && ::pwrite(probe.number(), zeros.data(), kLogBlockBytes, 0) ==
                                         static_cast<ssize_t>(kLogBlockBytes);
  }
  static_cast<void>(::unlinkat(descriptor_, name, 0));  // a left-over is removed at the next open
}

StoreResult<void> DiskLogDirectory::sync() const {
  if (::fsync(descriptor_) != 0) return system_error("cannot sync " + path_, errno);
  return {};
}

StoreResult<std::vector<LogDirectory::Entry>> DiskLogDirectory::list() const {
  DIR* opened = ::opendir(path_.c_str());
  if (opened == nullptr) return system_error("cannot list " + path_, errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opened, ::closedir);
  std::vector<Entry> entries;
  while (const dirent* entry = ::readdir(directory.get())) {
    struct stat status {};
    if (::fstatat(descriptor_, entry->d_name, &status, 0) != 0 || !S_ISREG(status.st_mode)) {
      continue;
    }
    entries.push_back({entry->d_name, static_cast<std::uint64_t>(status.st_size)});
  }
  return entries;
}

StoreResult<std::shared_ptr<LogFile>> DiskLogDirectory::create(const std::string& name,
                                                               std::uint64_t bytes) {
  CHECK(bytes % kLogBlockBytes == 0);
  const std::string path = path_ + "/" + name;
  const auto fill = [&]() -> StoreResult<void> {
    const Descriptor file(
        ::openat(descriptor_, name.c_str(),
                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (direct_ ? O_DIRECT : 0), 0600));
    if (file.number() < 0) return system_error("cannot make " + path, errno);
    // Reserving all of it first keeps the file in few pieces; where that is not known, writing
    // does.
    static_cast<void>(::fallocate(file.number(), 0, 0, static_cast<off_t>(bytes)));
    AlignedBuffer zeros;
    zeros.reserve(kZeroBytes);
    std::memset(zeros.data(), 0, kZeroBytes);
    for (std::uint64_t offset = 0; offset < bytes;) {
      const std::size_t length = std::min<std::uint64_t>(kZeroBytes, bytes - offset);
      const ssize_t written =
          ::pwrite(file.number(), zeros.data(), length, static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return system_error("cannot fill " + path, errno);
      if (written == 0 || static_cast<std::size_t>(written) % kLogBlockBytes != 0) {
        return StoreError("cannot fill " + path + ": the disk took only a part of a block");
      }
      offset += static_cast<std::uint64_t>(written);
    }
    if (::fsync(file.number()) != 0) return system_error("cannot sync " + path, errno);
    return sync();
  };
  if (auto filled = fill(); !filled) {
    static_cast<void>(::unlinkat(descriptor_, name.c_str(), 0));
    return filled.error();
  }
  return open(name, LogAccess::read_write);
}

StoreResult<std::shared_ptr<LogFile>> DiskLogDirectory::open(const std::string& name,
                                                             LogAccess access) const {
  const std::string path = path_ + "/" + name;
  Descriptor reading(::openat(descriptor_, name.c_str(), O_RDONLY | O_CLOEXEC));
  if (reading.number() < 0) return system_error("cannot open " + path, errno);
  Descriptor writing;
  if (access == LogAccess::read_write) {
    writing = Descriptor(
        ::openat(descriptor_, name.c_str(), O_WRONLY | O_CLOEXEC | (direct_ ? O_DIRECT : 0)));
    if (writing.number() < 0) return system_error("cannot open " + path, errno);
    static_cast<void>(::posix_fadvise(reading.number(), 0, 0, POSIX_FADV_RANDOM));
  }
  return std::shared_ptr<LogFile>(
      std::make_shared<DiskLogFile>(path, std::move(reading), std::move(writing)));
}

StoreResult<void> DiskLogDirectory::rename(const std::string& from, const std::string& to) {
  if (::renameat(descriptor_, from.c_str(), descriptor_, to.c_str()) != 0) {
    return system_error("cannot rename " + path_ + "/" + from, errno);
  }
  return sync();
}

StoreResult<void> DiskLogDirectory::remove(const std::string& name) {
  if (::unlinkat(descriptor_, name.c_str(), 0) != 0) {
    return system_error("cannot remove " + path_ + "/" + name, errno);
  }
  return {};
}

StoreResult<StoreSpace> DiskLogDirectory::space() const {
  struct statvfs status {};
  if (::fstatvfs(descriptor_, &status) != 0) {
    return system_error("cannot ask for the free space of " + path_, errno);
  }
  return StoreSpace{.used_bytes = 0,
                    .available_bytes = std::uint64_t{status.f_bavail} * status.f_frsize,
                    .capacity_bytes = std::uint64_t{status.f_blocks} * status.f_frsize};
}

StoreResult<std::unique_ptr<LogWriter>> DiskLogDirectory::make_writer() {
  if (choice_ != LogWriterChoice::thread) {
    auto writer = IoUringWriter::make();
    if (writer || choice_ == LogWriterChoice::io_uring) return writer;
  }
  return std::unique_ptr<LogWriter>(std::make_unique<ThreadWriter>());
}

}  // namespace millrace
