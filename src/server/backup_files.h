// What a backup is on disk: the files of a data directory and, written last, BACKUP/MANIFEST, which
// names each with its length and checksum. A directory without a manifest is no backup.
//
//   millrace-backup
//   version 1
//   file <SHA-256 in hex> <bytes> <path>
//   ...
//   checksum <SHA-256 in hex of the lines before>
//
// Any thread; blocks on the disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "server/start_error.h"

namespace millrace {

/// Version of the manifest and of what it says of the files.
inline constexpr std::uint32_t kBackupVersion = 1;

struct BackupFile {
  std::string path;  // below the backup
  std::uint64_t bytes = 0;
  std::string sha256;  // in hex
};

/// Replaces BACKUP/MANIFEST, durably.
StartResult<void> write_manifest(const std::string& backup, const std::vector<BackupFile>& files);
/// @return the files of the backup; a StartError if it is none, if its version is another one, or
/// if the manifest is damaged.
StartResult<std::vector<BackupFile>> read_manifest(const std::string& backup);

/// Copies files one after the other, at a pace that leaves the disk to others.
class FileCopier {
 public:
  /// @param bytes_per_second at most; 0: as fast as it goes. @param clock outlives the copier.
  FileCopier(std::uint64_t bytes_per_second, const Clock& clock)
      : bytes_per_second_(bytes_per_second), clock_(clock), started_at_(clock.now()) {}

  /// Makes `to` a durable copy of the file `from`, for its owner only; what is zero takes no space.
  /// @param bytes_kept of the content; the rest of the length is zero in the copy.
  /// @return its checksum and length.
  StartResult<BackupFile> copy(const std::string& from, const std::string& to,
                               std::uint64_t bytes_kept = UINT64_MAX);

  std::uint64_t bytes() const { return bytes_; }

 private:
  void keep_pace() const;

  const std::uint64_t bytes_per_second_;
  const Clock& clock_;
  const Timestamp started_at_;
  std::uint64_t bytes_ = 0;
};

/// A directory that is being filled: whatever is in it is removed again unless it is kept.
class UnfinishedDirectory {
 public:
  /// Makes `path`, or takes it if it is there and empty. @return a StartError otherwise.
  static StartResult<UnfinishedDirectory> make(const std::string& path);
  UnfinishedDirectory(UnfinishedDirectory&& other) noexcept;
  UnfinishedDirectory& operator=(UnfinishedDirectory&&) = delete;
  ~UnfinishedDirectory();

  const std::string& path() const { return path_; }
  /// Makes the directories that the file `path`, below this one, lies in.
  StartResult<void> make_parents(const std::string& path) const;
  /// Makes durable which files there are.
  StartResult<void> sync() const;
  /// As sync(); the directory stays from here on.
  StartResult<void> keep();

 private:
  UnfinishedDirectory(std::string path, bool made) : path_(std::move(path)), made_(made) {}

  std::string path_;  // empty: it was moved from, or is kept
  bool made_;         // by us
};

}  // namespace millrace
