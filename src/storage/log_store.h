// LogStore: the Store of a server on one machine: a commit log (log.h) for durability and payloads,
// and RocksDB (rows.h) for the rows.
//
// A commit is one frame in the log. When it is durable its rows are only noted in memory; they are
// brought to RocksDB in bulk by maintain() or by whoever takes a snapshot, so the shard's thread
// never calls RocksDB, and a row that was erased soon after it was put never gets there. The rows
// are flushed before more than LogStoreOptions::replay_bytes_max of log would have to be replayed.
//
// The store owns its directory (LOCK) for as long as it lives. It has no thread of its own but the
// committer thread where io_uring cannot be used: maintain() and relocation_candidates() are for a
// thread of a pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "storage/log.h"
#include "storage/store_directory.h"

namespace millrace {

struct LogStoreOptions {
  std::string directory;            // made if it is not there; its parent must be
  std::uint64_t segment_bytes = 0;  // of new segments; 0: by LogStore::segment_bytes_for()
  LogWriterChoice writer = LogWriterChoice::automatic;
  std::shared_ptr<RowsMemory> memory;  // shared by the stores of a process; null: one of its own
  std::uint64_t replay_bytes_max = std::uint64_t{128} << 20;  // and never over two segments
  std::size_t pending_bytes_max = std::size_t{4} << 20;  // of rows, before maintain() is wanted

  // What a test puts in place of the disk; null is the disk.
  std::shared_ptr<LogDirectory> log_directory;
  rocksdb::Env* rows_environment = nullptr;
};

/// Memory for RowsMemory where a store makes its own.
inline constexpr std::size_t kBlockCacheBytes = std::size_t{64} << 20;
inline constexpr std::size_t kRowsBufferBytes = std::size_t{64} << 20;

class LogStore final : public Store {
 public:
  static StoreResult<std::unique_ptr<LogStore>> open(const LogStoreOptions& options);
  /// Waits for the commit in flight and flushes the rows, so that the next open replays nothing.
  ~LogStore() override;
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;

  void commit(const WriteBatch& batch) override;
  int completion_descriptor() const override { return log_->completion_descriptor(); }
  std::optional<StoreResult<PayloadPlaces>> finish() override;
  StoreResult<std::shared_ptr<const std::string>> read(const PayloadPlace& place) const override;
  std::unique_ptr<Snapshot> snapshot() const override;
  StoreResult<void> maintain() override;
  bool wants_maintenance() const override;
  std::size_t batch_bytes_max() const override { return batch_bytes_max_for(segment_bytes_); }
  StoreResult<std::vector<RelocationCandidate>> relocation_candidates(
      std::size_t count_max) override;
  StoreSpace space() const override;
  /// The rows as they were flushed last, and all segments: opening the copy replays the rest.
  StoreResult<std::unique_ptr<StoreCopy>> begin_copy(const std::string& directory) override;
  std::uint32_t epoch() const override { return directory_->epoch(); }

  /// Bytes of chunks that are not released.
  std::uint64_t live_bytes() const;

  /// How commits are written ("io_uring" or "committer thread"), for the start-up message.
  std::string_view writer_name() const { return log_->writer_name(); }

  /// The length of segments on a file system of this capacity: 64 MiB from 4 GiB on, 16 MiB from
  /// 1 GiB on, below that 8 MiB, so that the few segments that are always there leave room.
  static std::uint64_t segment_bytes_for(std::uint64_t capacity_bytes);
  /// A quarter of a segment, but 4 MiB at least where that is no more than half of one. The rest
  /// is for frame headers, chunk headers and keys, and so that little is left empty at a segment's
  /// end.
  static std::size_t batch_bytes_max_for(std::uint64_t segment_bytes);

 private:
  class View;
  class Copy;

  // Rows of durable frames on their way to RocksDB.
  struct Pending {
    std::string rows;
    RowsProgress progress;
    std::uint64_t log_bytes = 0;  // of their frames
    bool empty() const { return log_bytes == 0 && progress.segments_gone.empty(); }
    void clear();
  };
  struct Usage {
    std::uint64_t live_bytes = 0;
    std::uint64_t dead_since = 0;  // number of the frame that released the last chunk
  };

  LogStore() = default;
  StoreResult<void> recover(const LogStoreOptions& options,
                            std::shared_ptr<LogDirectory> log_directory);
  StoreResult<void> note(const LogFrame& frame, std::uint64_t frame_bytes);
  StoreResult<void> apply() const;
  StoreResult<void> apply_locked() const;
  StoreResult<void> flush();
  StoreResult<void> retire_dead();

  std::unique_ptr<StoreDirectory> directory_;
  std::shared_ptr<LogDirectory> log_directory_;
  std::unique_ptr<Rows> rows_;
  std::unique_ptr<Log> log_;
  std::uint64_t segment_bytes_ = 0;
  std::uint64_t replay_bytes_max_ = 0;
  std::size_t pending_bytes_max_ = 0;

  // The shard's thread.
  LogPosition position_;  // of the next frame

  // Taken in this order; the last is held for moments only.
  std::mutex maintenance_mutex_;
  std::mutex relocation_mutex_;
  mutable std::mutex apply_mutex_;
  mutable std::mutex mutex_;

  mutable Pending applying_;                        // apply_mutex_: what failed is tried again
  mutable std::uint64_t applied_log_bytes_ = 0;     // apply_mutex_: since the store was opened
  mutable Pending pending_;                         // mutex_
  std::map<std::uint64_t, Usage> usage_;            // mutex_: by segment
  mutable std::multiset<std::uint64_t> snapshots_;  // mutex_: the frames behind which they stand
  unsigned copies_ = 0;                             // mutex_: in the making
  std::uint64_t finished_ = 0;                      // mutex_: number of the last finished frame
  LogPosition flushed_;                             // mutex_: frames before it need no replay
  std::uint64_t flushed_log_bytes_ = 0;             // maintenance_mutex_: as applied_log_bytes_

  std::uint64_t relocation_segment_ = 0;  // relocation_mutex_: where the search goes on
  std::uint32_t relocation_offset_ = 0;

  mutable std::atomic<std::size_t> pending_bytes_{0};
  std::atomic<std::uint64_t> unflushed_bytes_{0};
  mutable std::atomic<bool> retire_wanted_{false};
  mutable std::atomic<bool> retire_blocked_{false};  // by a snapshot
  mutable std::atomic<bool> rows_failed_{false};     // RocksDB refuses until it is told to go on
  std::atomic<std::uint64_t> rows_disk_bytes_{0};
};

}  // namespace millrace
