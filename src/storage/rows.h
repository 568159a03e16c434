// Rows: the small keys and values of a store, in RocksDB without its own log.
//
// What is applied here is already durable in the commit log; beside the rows lies the position in
// the log up to which they are applied, in the same atomically flushed state. So what a crash
// leaves is the rows as they were at some position, and the frames behind it are applied again.
//
// RocksDB is behind this header and rows.cc and nowhere else. Threads: apply() and what it changes
// (position(), live_bytes()) belong to one thread at a time; everything else may be called by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Status;
}  // namespace rocksdb

namespace millrace {

/// The place of the next frame in the commit log: everything before it is done.
struct LogPosition {
  std::uint64_t number = 1;  // the next frame's log number
  std::uint64_t segment = 1;
  std::uint32_t offset = 0;

  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

/// Memory for blocks read and rows not flushed yet, shared by all stores of a process.
class RowsMemory {
 public:
  RowsMemory(std::size_t block_cache_bytes, std::size_t write_buffer_bytes);
  ~RowsMemory();
  RowsMemory(const RowsMemory&) = delete;
  RowsMemory& operator=(const RowsMemory&) = delete;

 private:
  friend class Rows;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

struct RowsOptions {
  std::string path;                     // made if it is not there; its parent must be
  std::shared_ptr<RowsMemory> memory;   // must not be null
  rocksdb::Env* environment = nullptr;  // tests: a disk that forgets; null is the real one
};

/// What goes to RocksDB with the rows of some frames.
struct RowsProgress {
  LogPosition position;                                // behind the last of these frames
  std::map<std::uint64_t, std::int64_t> live_changes;  // segment -> bytes of chunks, more or less
  std::vector<std::uint64_t> segments_gone;            // given back: no longer counted
};

class Rows {
 public:
  static StoreResult<std::unique_ptr<Rows>> open(const RowsOptions& options);
  /// Does not flush.
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  /// The position that the rows stand at. At open: what was recorded with them, or nothing.
  const std::optional<LogPosition>& position() const { return position_; }
  /// Live bytes of chunks per segment, as of position().
  const std::map<std::uint64_t, std::uint64_t>& live_bytes() const { return live_bytes_; }

  /// Applies encoded row changes in their order and records the progress. A key put and erased
  /// within them that is not in RocksDB leaves no trace there. After an error the same call can be
  /// made again: it may have been done in part, and doing it twice does no harm.
  StoreResult<void> apply(std::string_view encoded, const RowsProgress& progress);

  /// Makes what was applied durable. After an error (a full disk) it can be tried again later.
  StoreResult<void> flush();

  /// After a failed apply() or flush(): lets RocksDB, which refuses everything since, try again. An
  /// error if what was in its way still is.
  StoreResult<void> resume();

  std::unique_ptr<Snapshot> snapshot() const;

  /// Makes `directory` a copy of what was flushed last, out of links. Any thread.
  StoreResult<void> link_to(const std::string& directory) const;

  /// Bytes of RocksDB's files. Slow enough not to be asked for on a shard's thread.
  std::uint64_t disk_bytes() const;

 private:
  class View;
  class Applier;
  class FlushWatcher;

  Rows() = default;
  StoreResult<void> load();
  rocksdb::ColumnFamilyHandle* handle(Family family) const;

  std::shared_ptr<RowsMemory> memory_;
  std::shared_ptr<FlushWatcher> watcher_;
  std::atomic<std::uint64_t> applied_sequence_{0};  // RocksDB's, of the last write
  std::unique_ptr<rocksdb::DB> database_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount + 1> handles_{};  // [0]: our own records
  std::optional<LogPosition> position_;
  std::map<std::uint64_t, std::uint64_t> live_bytes_;
};

}  // namespace millrace
