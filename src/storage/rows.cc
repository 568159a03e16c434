#include "storage/rows.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>

#include "base/bytes.h"
#include "base/check.h"

namespace millrace {

struct RowsMemory::Parts {
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> buffers;
};

RowsMemory::RowsMemory(std::size_t block_cache_bytes, std::size_t write_buffer_bytes)
    : parts_(std::make_unique<Parts>()) {
  parts_->cache = rocksdb::NewLRUCache(block_cache_bytes);
  parts_->buffers = std::make_shared<rocksdb::WriteBufferManager>(write_buffer_bytes);
}

RowsMemory::~RowsMemory() = default;

namespace {

constexpr std::array<const char*, kFamilyCount> kFamilyNames = {
    "meta", "queues", "index", "state", "due", "names", "groups", "deduplication", "transfers"};
constexpr std::size_t kWriteBufferBytes = std::size_t{16} << 20;  // of one family
constexpr std::chrono::seconds kFlushTimeMax{60};
constexpr int kDatabaseFilesMax = 256;

// Our own records, in RocksDB's default family.
constexpr std::string_view kPositionKey = "position";
constexpr char kLiveBytesPrefix = 'L';  // then the segment's number, 8 bytes

std::string live_bytes_key(std::uint64_t segment) {
  std::string key(1, kLiveBytesPrefix);
  append_u64(key, segment);
  return key;
}

StoreError rows_error(std::string_view what, const rocksdb::Status& status) {
  return StoreError(std::string(what) + ": " + status.ToString(), status.IsCorruption());
}

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

rocksdb::ColumnFamilyOptions family_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = kWriteBufferBytes;
  options.max_write_buffer_number = 4;
  options.compression = rocksdb::kNoCompression;  // values are small and mostly sealed
  options.ttl = 0;                                // retention is the queues' business
  options.periodic_compaction_seconds = 0;
  // Rows are erased from the front; a file full of tombstones is compacted before scans suffer.
  options.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(1024, 512));
  return options;
}

}  // namespace

// Sees what RocksDB has really made durable. Flush() is not enough: after an error that resume()
// got over it may say that all is well before the flush has ended (seen in 7.8).
class Rows::FlushWatcher final : public rocksdb::EventListener {
 public:
  /// `durable`: the sequence number up to which everything is durable already.
  void start(std::uint64_t durable) { durable_ = durable; }

  /// Before a flush: errors from now on are its errors.
  void begin() {
    const std::lock_guard lock(mutex_);
    error_ = rocksdb::Status::OK();
  }

  /// Waits until everything up to `sequence` is durable, or the background work fails.
  rocksdb::Status wait(std::uint64_t sequence) {
    std::unique_lock lock(mutex_);
    const bool ended = changed_.wait_for(lock, kFlushTimeMax,
                                         [&] { return durable_ >= sequence || !error_.ok(); });
    if (durable_ >= sequence) return rocksdb::Status::OK();
    return ended ? error_ : rocksdb::Status::TimedOut("the flush did not end");
  }

  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& flush) override {
    // All families are flushed as one; every write ends with our own records.
    if (flush.cf_id != 0) return;
    const std::lock_guard lock(mutex_);
    durable_ = std::max(durable_, flush.largest_seqno);
    changed_.notify_all();
  }
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    const std::lock_guard lock(mutex_);
    error_ = *status;
    changed_.notify_all();
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    // RocksDB would wait for space by its own clock; resume() is when we say.
    *auto_recovery = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t durable_ = 0;
  rocksdb::Status error_;
};

// A RocksDB snapshot, or the error that stood in its way.
class Rows::View final : public Snapshot {
 public:
  explicit View(const Rows& rows) : rows_(rows), snapshot_(rows.database_->GetSnapshot()) {}
  ~View() override { rows_.database_->ReleaseSnapshot(snapshot_); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  StoreResult<std::vector<Row>> scan(Family family, std::string_view first, std::string_view last,
                                     std::size_t count_max) const override {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    const rocksdb::Slice end = slice(last);
    if (!last.empty()) options.iterate_upper_bound = &end;
    const std::unique_ptr<rocksdb::Iterator> iterator(
        rows_.database_->NewIterator(options, rows_.handle(family)));
    std::vector<Row> found;
    for (iterator->Seek(slice(first)); found.size() < count_max && iterator->Valid();
         iterator->Next()) {
      found.push_back({iterator->key().ToString(), iterator->value().ToString()});
    }
    if (!iterator->status().ok()) return rows_error("cannot scan rows", iterator->status());
    return found;
  }

  StoreResult<std::optional<std::string>> get(Family family, std::string_view key) const override {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    std::string value;
    const rocksdb::Status status =
        rows_.database_->Get(options, rows_.handle(family), slice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return rows_error("cannot read a row", status);
    return std::optional<std::string>(std::move(value));
  }

 private:
  const Rows& rows_;
  const rocksdb::Snapshot* snapshot_;
};

// Brings encoded changes to RocksDB: of each key only the last change counts.
class Rows::Applier {
 public:
  explicit Applier(Rows& rows) : rows_(rows) {}

  StoreResult<void> run(std::string_view encoded) {
    RowReader reader(encoded);
    RowChange change;
    while (reader.next(change)) {
      if (change.operation == RowOperation::erase_range) {
        // It stands between what comes before and after; both are applied in their order.
        if (auto done = write(); !done) return done;
        batch_.DeleteRange(rows_.handle(change.family), slice(change.key), slice(change.value));
        if (auto done = write(); !done) return done;
        continue;
      }
      changes_.push_back({change, static_cast<std::uint32_t>(changes_.size())});
    }
    CHECK(!reader.malformed());
    gather();
    return {};
  }

  // Writes what was gathered, together with what the caller added to batch().
  StoreResult<void> write() {
    gather();
    if (batch_.Count() == 0) return {};
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    const rocksdb::Status status = rows_.database_->Write(options, &batch_);
    batch_.Clear();
    if (!status.ok()) return rows_error("cannot apply rows", status);
    return {};
  }

  rocksdb::WriteBatch& batch() { return batch_; }

 private:
  struct Change {
    RowChange change;
    std::uint32_t order;
  };

  void gather() {
    // RocksDB takes sorted keys faster, and a key's changes come to stand side by side.
    std::sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
      if (a.change.family != b.change.family) return a.change.family < b.change.family;
      if (const int order = a.change.key.compare(b.change.key); order != 0) return order < 0;
      return a.order < b.order;
    });
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      const RowChange& last = changes_[i].change;
      const auto same_key = [&](const RowChange& other) {
        return other.family == last.family && other.key == last.key;
      };
      if (i + 1 < changes_.size() && same_key(changes_[i + 1].change)) continue;
      rocksdb::ColumnFamilyHandle* family = rows_.handle(last.family);
      if (last.operation != RowOperation::erase) {
        batch_.Put(family, slice(last.key), slice(last.value));
      } else {
        // Put and erased within these changes: usually RocksDB need not hear of it at all. Where
        // there was no put, the key is there, and asking would be in vain.
        const bool put_before = i > 0 && same_key(changes_[i - 1].change);
        if (!put_before || may_hold(family, last.key)) batch_.Delete(family, slice(last.key));
      }
    }
    changes_.clear();
  }

  // Whether RocksDB may have a value at `key`; asks memory and filters only.
  bool may_hold(rocksdb::ColumnFamilyHandle* family, std::string_view key) {
    rocksdb::ReadOptions options;
    options.read_tier = rocksdb::kBlockCacheTier;
    rocksdb::PinnableSlice value;
    return !rows_.database_->Get(options, family, slice(key), &value).IsNotFound();
  }

  Rows& rows_;
  std::vector<Change> changes_;
  rocksdb::WriteBatch batch_;
};

StoreResult<std::unique_ptr<Rows>> Rows::open(const RowsOptions& options) {
  rocksdb::DBOptions database;
  if (options.environment != nullptr) database.env = options.environment;
  database.create_if_missing = true;
  database.create_missing_column_families = true;
  database.atomic_flush = true;  // the position and all families, or none
  database.avoid_flush_during_shutdown = true;
  database.write_buffer_manager = options.memory->parts_->buffers;
  database.max_open_files = kDatabaseFilesMax;
  database.max_background_jobs = 2;
  database.bytes_per_sync = std::uint64_t{1} << 20;
  database.info_log_level = rocksdb::WARN_LEVEL;
  database.max_log_file_size = std::size_t{1} << 20;
  database.keep_log_file_num = 2;
  const auto watcher = std::make_shared<FlushWatcher>();
  database.listeners.push_back(watcher);
  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;

  const rocksdb::ColumnFamilyOptions family = family_options(options.memory->parts_->cache);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, family);
  for (const char* name : kFamilyNames) descriptors.emplace_back(name, family);

  auto rows = std::unique_ptr<Rows>(new Rows);
  rows->memory_ = options.memory;
  rocksdb::DB* opened = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status =
      rocksdb::DB::Open(database, options.path, descriptors, &handles, &opened);
  if (!status.ok()) return rows_error("cannot open the rows in " + options.path, status);
  rows->database_.reset(opened);
  rows->watcher_ = watcher;
  watcher->start(opened->GetLatestSequenceNumber());  // without a log, what is there is flushed
  std::copy(handles.begin(), handles.end(), rows->handles_.begin());
  if (auto loaded = rows->load(); !loaded) return loaded.error();
  return rows;
}

Rows::~Rows() {
  if (!database_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    database_->DestroyColumnFamilyHandle(handle);
  }
  database_->Close();
}

rocksdb::ColumnFamilyHandle* Rows::handle(Family family) const {
  return handles_[1 + static_cast<std::size_t>(family)];
}

StoreResult<void> Rows::load() {
  std::string value;
  const rocksdb::Status status =
      database_->Get(rocksdb::ReadOptions(), handles_[0], slice(kPositionKey), &value);
  if (status.IsNotFound()) return {};
  if (!status.ok()) return rows_error("cannot read the rows' position", status);
  ByteReader reader(value);
  LogPosition position;
  position.number = reader.u64();
  position.segment = reader.u64();
  position.offset = reader.u32();
  if (!reader.done()) return StoreError("the rows' position cannot be read", true);
  position_ = position;

  const std::unique_ptr<rocksdb::Iterator> iterator(
      database_->NewIterator(rocksdb::ReadOptions(), handles_[0]));
  for (iterator->Seek(std::string(1, kLiveBytesPrefix)); iterator->Valid(); iterator->Next()) {
    if (!iterator->key().starts_with(std::string(1, kLiveBytesPrefix))) break;
    ByteReader key({iterator->key().data() + 1, iterator->key().size() - 1});
    ByteReader bytes({iterator->value().data(), iterator->value().size()});
    const std::uint64_t segment = key.u64();
    const std::uint64_t live = bytes.u64();
    if (!key.done() || !bytes.done()) return StoreError("a segment's count cannot be read", true);
    live_bytes_[segment] = live;
  }
  if (!iterator->status().ok()) return rows_error("cannot read counts", iterator->status());
  return {};
}

StoreResult<void> Rows::apply(std::string_view encoded, const RowsProgress& progress) {
  Applier applier(*this);
  if (auto done = applier.run(encoded); !done) return done;

  std::string position;
  append_u64(position, progress.position.number);
  append_u64(position, progress.position.segment);
  append_u32(position, progress.position.offset);
  applier.batch().Put(handles_[0], slice(kPositionKey), position);
  std::map<std::uint64_t, std::uint64_t> changed;
  for (const auto& [segment, change] : progress.live_changes) {
    const auto found = live_bytes_.find(segment);
    const auto before = static_cast<std::int64_t>(found == live_bytes_.end() ? 0 : found->second);
    if (before + change < 0) {
      return StoreError(
          "more of segment " + std::to_string(segment) + " was released than it holds", true);
    }
    changed[segment] = static_cast<std::uint64_t>(before + change);
    std::string value;
    append_u64(value, changed[segment]);
    applier.batch().Put(handles_[0], live_bytes_key(segment), value);
  }
  for (const std::uint64_t segment : progress.segments_gone) {
    applier.batch().Delete(handles_[0], live_bytes_key(segment));
  }
  if (auto done = applier.write(); !done) return done;

  applied_sequence_ = database_->GetLatestSequenceNumber();
  position_ = progress.position;
  for (const auto& [segment, live] : changed) live_bytes_[segment] = live;
  for (const std::uint64_t segment : progress.segments_gone) live_bytes_.erase(segment);
  return {};
}

StoreResult<void> Rows::flush() {
  const std::vector<rocksdb::ColumnFamilyHandle*> all(handles_.begin(), handles_.end());
  const std::uint64_t sequence = applied_sequence_;
  watcher_->begin();
  rocksdb::Status status = database_->Flush(rocksdb::FlushOptions(), all);
  if (status.ok()) status = watcher_->wait(sequence);
  if (!status.ok()) return rows_error("cannot flush rows", status);
  return {};
}

StoreResult<void> Rows::resume() {
  const rocksdb::Status status = database_->Resume();
  if (!status.ok()) return rows_error("the rows cannot be written", status);
  return {};
}

std::unique_ptr<Snapshot> Rows::snapshot() const {
  return std::make_unique<View>(*this);
}

StoreResult<void> Rows::link_to(const std::string& directory) const {
  // So large a limit means: flush nothing. What is missing is in the commit log.
  constexpr std::uint64_t kNoFlush = std::numeric_limits<std::uint64_t>::max();
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(database_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory, kNoFlush);
  if (!status.ok()) return rows_error("cannot copy the rows to " + directory, status);
  return {};
}

std::uint64_t Rows::disk_bytes() const {
  std::uint64_t total = 0;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    std::uint64_t bytes = 0;
    if (database_->GetIntProperty(handle, rocksdb::DB::Properties::kTotalSstFilesSize, &bytes)) {
      total += bytes;
    }
  }
  return total;
}

}  // namespace millrace
