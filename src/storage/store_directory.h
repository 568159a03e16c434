// StoreDirectory: the directory that holds one store: who may open it, what wrote it, how often it
// was opened.
//
// DIR/LOCK keeps a second process out, DIR/FORMAT says which version of the format it has and the
// store's random id, DIR/EPOCH counts the opens. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "storage/store.h"

namespace millrace {

/// Version of everything below DIR that is not versioned by itself.
inline constexpr std::uint32_t kStoreFormatVersion = 3;

class StoreDirectory {
 public:
  /// Makes `path` (its parent must be there) or opens it, takes the lock, checks the format and
  /// raises the epoch durably. Errors name the directory; another process that has it open is named
  /// by its id where it is known.
  static StoreResult<std::unique_ptr<StoreDirectory>> open(const std::string& path);
  ~StoreDirectory();  // gives the lock back
  StoreDirectory(const StoreDirectory&) = delete;
  StoreDirectory& operator=(const StoreDirectory&) = delete;

  /// Copies what the directory says of itself, its format and its epoch, to `directory`.
  StoreResult<void> copy_to(const std::string& directory) const;

  std::uint64_t store_id() const { return store_id_; }
  std::uint32_t epoch() const { return epoch_; }
  std::string log_path() const { return path_ + "/log"; }
  std::string rows_path() const { return path_ + "/rows"; }

 private:
  explicit StoreDirectory(std::string path) : path_(std::move(path)) {}
  StoreResult<void> lock();
  StoreResult<void> check_format();
  StoreResult<void> raise_epoch();
  StoreResult<void> write_file(const std::string& name, const std::string& text) const;

  std::string path_;
  int lock_ = -1;
  std::uint64_t store_id_ = 0;
  std::uint32_t epoch_ = 0;
};

}  // namespace millrace
