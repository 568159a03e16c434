// The one door between the commit log and its files. DiskLogDirectory is the real one; tests fill
// the same interface with a disk that forgets, tears and fails.
//
// Ownership: a LogFile is shared by whoever reads it, so a file that is removed or given a new name
// stays readable for those who hold it. Threads: a LogWriter belongs to one thread; everything else
// may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.h"

namespace millrace {

/// What a file is opened for. Files that are written are not read ahead: what lies behind the
/// newest frame must not get into the page cache.
enum class LogAccess { read, read_write };

class LogFile {
 public:
  virtual ~LogFile() = default;
  /// Fills `out` from `offset`. An error if the file ends before.
  virtual StoreResult<void> read(std::uint64_t offset, std::span<char> out) const = 0;
  /// Writes blocks and waits until they are durable. Offset, length and address are multiples of
  /// kLogBlockBytes; only with LogAccess::read_write.
  virtual StoreResult<void> write(std::uint64_t offset, std::span<const char> bytes) = 0;
  /// Waits until everything written to the file before, by whomever, is durable.
  virtual StoreResult<void> sync() = 0;
};

/// Writes one range at a time, without waiting.
class LogWriter {
 public:
  /// Waits for the write in flight.
  virtual ~LogWriter() = default;
  /// Starts a durable write of blocks, aligned as LogFile::write() asks. `file` and `bytes` must
  /// stay until finish() reports it; there must be no other write in flight.
  virtual void start(const std::shared_ptr<LogFile>& file, std::uint64_t offset,
                     std::span<const char> bytes) = 0;
  /// The outcome of the write in flight, or nothing while it runs or when there is none. After an
  /// error it is unknown what of the range is on the disk.
  virtual std::optional<StoreResult<void>> finish() = 0;
  /// Becomes readable when the write in flight has finished; -1 where there is no such thing.
  virtual int completion_descriptor() const = 0;
  /// How it writes, for the start-up message.
  virtual std::string_view name() const = 0;
};

class LogDirectory {
 public:
  virtual ~LogDirectory() = default;

  struct Entry {
    std::string name;
    std::uint64_t bytes;
  };
  /// The files, in no order.
  virtual StoreResult<std::vector<Entry>> list() const = 0;
  /// Makes a file whose `bytes` (a multiple of kLogBlockBytes) are really written with zeros and
  /// durable, and opens it for writing. Whatever had this name is replaced; after an error, nothing
  /// has it.
  virtual StoreResult<std::shared_ptr<LogFile>> create(const std::string& name,
                                                       std::uint64_t bytes) = 0;
  virtual StoreResult<std::shared_ptr<LogFile>> open(const std::string& name,
                                                     LogAccess access) const = 0;
  /// Gives a file a new name, durably, in place of whatever had it.
  virtual StoreResult<void> rename(const std::string& from, const std::string& to) = 0;
  virtual StoreResult<void> remove(const std::string& name) = 0;
  /// Room on the file system; used_bytes is left 0.
  virtual StoreResult<StoreSpace> space() const = 0;
  virtual StoreResult<std::unique_ptr<LogWriter>> make_writer() = 0;
};

/// How a DiskLogDirectory's writers write. automatic: io_uring where the kernel lets us, otherwise
/// a committer thread.
enum class LogWriterChoice { automatic, io_uring, thread };

/// Files of one directory on a local file system, written past the page cache where it allows that.
class DiskLogDirectory final : public LogDirectory {
 public:
  /// Opens `path`, which must exist, and finds out whether it takes direct writes.
  static StoreResult<std::unique_ptr<DiskLogDirectory>> open(const std::string& path,
                                                             LogWriterChoice choice);
  ~DiskLogDirectory() override;
  DiskLogDirectory(const DiskLogDirectory&) = delete;
  DiskLogDirectory& operator=(const DiskLogDirectory&) = delete;

  StoreResult<std::vector<Entry>> list() const override;
  StoreResult<std::shared_ptr<LogFile>> create(const std::string& name,
                                               std::uint64_t bytes) override;
  StoreResult<std::shared_ptr<LogFile>> open(const std::string& name,
                                             LogAccess access) const override;
  StoreResult<void> rename(const std::string& from, const std::string& to) override;
  StoreResult<void> remove(const std::string& name) override;
  StoreResult<StoreSpace> space() const override;
  StoreResult<std::unique_ptr<LogWriter>> make_writer() override;

  /// Whether writes go past the page cache.
  bool direct() const { return direct_; }

 private:
  DiskLogDirectory(std::string path, int descriptor, LogWriterChoice choice)
      : path_(std::move(path)), descriptor_(descriptor), choice_(choice) {}
  StoreResult<void> sync() const;
  void find_out_direct();

  std::string path_;
  int descriptor_;
  LogWriterChoice choice_;
  bool direct_ = false;
};

/// "<what>: <the system's text for error_number>".
StoreError system_error(std::string_view what, int error_number);

}  // namespace millrace
