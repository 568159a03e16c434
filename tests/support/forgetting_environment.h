// ForgettingEnvironment: a RocksDB environment whose files lose, with the power, what was not
// synced. It also plays a full disk.
//
// Header only, so that only tests that use it need RocksDB. Threads: any.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

namespace millrace {

class ForgettingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  ForgettingFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "ForgettingFileSystem"; }

  /// From now on nothing reaches the disk any more, while all calls seem to succeed.
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }

  /// Takes away what was not synced before stop(), and lets it go on. The database must be closed.
  void power_loss() {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, bytes] : synced_) {
      std::error_code ignored;
      if (bytes == 0) {
        std::filesystem::remove(name, ignored);
      } else {
        std::filesystem::resize_file(name, bytes, ignored);
      }
    }
    synced_.clear();
    stopped_ = false;
  }

  /// While true, appending to files fails for want of space.
  void set_full(bool full) {
    const std::lock_guard lock(mutex_);
    full_ = full;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<rocksdb::FSWritableFile> file;
    rocksdb::IOStatus status = target()->NewWritableFile(name, options, &file, context);
    if (!status.ok()) return status;
    if (!stopped_ || !synced_.contains(name)) synced_[name] = 0;
    *result = std::make_unique<File>(*this, name, std::move(file));
    return status;
  }

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    const std::lock_guard lock(mutex_);
    if (stopped_) return rocksdb::IOStatus::OK();
    if (const auto found = synced_.find(from); found != synced_.end()) {
      synced_[to] = found->second;
      synced_.erase(from);
    }
    return target()->RenameFile(from, to, options, context);
  }

  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    const std::lock_guard lock(mutex_);
    if (stopped_) return rocksdb::IOStatus::OK();
    synced_.erase(name);
    return target()->DeleteFile(name, options, context);
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(ForgettingFileSystem& disk, std::string name,
         std::unique_ptr<rocksdb::FSWritableFile> target)
        : FSWritableFileOwnerWrapper(std::move(target)), disk_(disk), name_(std::move(name)) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      if (disk_.full()) return rocksdb::IOStatus::NoSpace("as the test asked");
      written_ += data.size();
      return FSWritableFileOwnerWrapper::Append(data, options, context);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* context) override {
      return Append(data, options, context);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
      disk_.synced(name_, written_);
      // What this disk keeps is its own account; the real one need not be waited for.
      return FSWritableFileOwnerWrapper::Flush(options, context);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* context) override {
      return Sync(options, context);
    }

   private:
    ForgettingFileSystem& disk_;
    std::string name_;
    std::uint64_t written_ = 0;
  };

  bool full() {
    const std::lock_guard lock(mutex_);
    return full_;
  }
  void synced(const std::string& name, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (!stopped_) synced_[name] = bytes;
  }

  std::mutex mutex_;
  std::map<std::string, std::uint64_t> synced_;  // of the files written since the last power loss
  bool stopped_ = false;
  bool full_ = false;
};

class ForgettingEnvironment {
 public:
  ForgettingEnvironment()
      : disk_(std::make_shared<ForgettingFileSystem>()),
        environment_(rocksdb::NewCompositeEnv(disk_)) {}
  ForgettingFileSystem& disk() { return *disk_; }
  rocksdb::Env* environment() { return environment_.get(); }

 private:
  std::shared_ptr<ForgettingFileSystem> disk_;
  std::unique_ptr<rocksdb::Env> environment_;
};

}  // namespace millrace
