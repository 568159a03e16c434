#include "storage/log_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace millrace {

namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;
// Where housekeeping does not come, the shard brings the rows to RocksDB itself.
constexpr std::size_t kPendingBytesHard = 64 * kMebibyte;
// A burst's memory is given back.
constexpr std::size_t kPendingBytesKept = 8 * kMebibyte;
// Dead space up to so many segments is left alone.
constexpr std::uint64_t kRelocationSlackSegments = 4;

}  // namespace

// A RocksDB snapshot that keeps the segments it may name from being given back.
class LogStore::View final : public Snapshot {
 public:
  explicit View(const LogStore& store) : store_(store) {
    const std::lock_guard apply_lock(store_.apply_mutex_);
    {
      // Registered before it is taken, so it is taken for older than it is, never for newer.
      const std::lock_guard lock(store_.mutex_);
      number_ = store_.finished_;
      store_.snapshots_.insert(number_);
    }
    if (auto applied = store_.apply_locked(); !applied) {
      error_ = applied.error();
    } else {
      rows_ = store_.rows_->snapshot();
    }
  }

  ~View() override {
    {
      const std::lock_guard lock(store_.mutex_);
      store_.snapshots_.erase(store_.snapshots_.find(number_));
    }
    if (store_.retire_blocked_.exchange(false)) store_.retire_wanted_ = true;
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  StoreResult<std::vector<Row>> scan(Family family, std::string_view first, std::string_view last,
                                     std::size_t count_max) const override {
    if (!rows_) return error_;
    return rows_->scan(family, first, last, count_max);
  }
  StoreResult<std::optional<std::string>> get(Family family, std::string_view key) const override {
    if (!rows_) return error_;
    return rows_->get(family, key);
  }

 private:
  const LogStore& store_;
  std::uint64_t number_ = 0;
  std::unique_ptr<Snapshot> rows_;
  StoreError error_;
};

// Nothing is given back from before the rows are linked until the segments are: so every segment
// that these rows name or that has to be replayed on top of them is there, up to the cut.
class LogStore::Copy final : public StoreCopy {
 public:
  Copy(LogStore& store, std::string directory)
      : store_(store), directory_(std::move(directory)), log_(directory_ + "/log") {
    const std::lock_guard maintenance(store_.maintenance_mutex_);  // what is being given back is
    const std::lock_guard lock(store_.mutex_);
    ++store_.copies_;
  }
  ~Copy() override {
    {
      const std::lock_guard lock(store_.mutex_);
      --store_.copies_;
    }
    store_.retire_wanted_ = true;
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  StoreResult<void> begin() {
    for (const std::string& made : {directory_, log_}) {
      if (::mkdir(made.c_str(), 0700) != 0) return system_error("cannot make " + made, errno);
    }
    if (auto copied = store_.directory_->copy_to(directory_); !copied) return copied;
    return store_.rows_->link_to(directory_ + "/rows");
  }

  void cut() override { end_ = store_.position_; }

  StoreResult<CopyEnd> finish() override {
    store_.log_->keep_files(end_.segment);
    const std::uint64_t head = store_.log_->head();
    std::vector<std::uint64_t> segments = store_.log_->sealed();  // by now, the head as well maybe
    if (segments.empty() || segments.back() < head) segments.push_back(head);
    for (const std::uint64_t segment : segments) {
      if (segment > end_.segment) break;
      const std::string name = "/" + segment_file_name(segment);
      const std::string from = store_.directory_->log_path() + name;
      if (::link(from.c_str(), (log_ + name).c_str()) != 0) {
        return system_error("cannot link " + from, errno);
      }
    }
    return CopyEnd{"log/" + segment_file_name(end_.segment), end_.offset};
  }

 private:
  LogStore& store_;
  const std::string directory_;
  const std::string log_;
  LogPosition end_;
};

void LogStore::Pending::clear() {
  rows.clear();
  if (rows.capacity() > kPendingBytesKept) rows.shrink_to_fit();
  progress.live_changes.clear();
  progress.segments_gone.clear();
  log_bytes = 0;
}

std::uint64_t LogStore::segment_bytes_for(std::uint64_t capacity_bytes) {
  if (capacity_bytes >= 4 * kGibibyte) return 64 * kMebibyte;
  return capacity_bytes >= kGibibyte ? 16 * kMebibyte : 8 * kMebibyte;
}

std::size_t LogStore::batch_bytes_max_for(std::uint64_t segment_bytes) {
  return std::max(segment_bytes / 4, std::min(4 * kMebibyte, segment_bytes / 2));
}

StoreResult<std::unique_ptr<LogStore>> LogStore::open(const LogStoreOptions& options) {
  auto store = std::unique_ptr<LogStore>(new LogStore);
  auto directory = StoreDirectory::open(options.directory);
  if (!directory) return directory.error();
  store->directory_ = std::move(*directory);

  std::shared_ptr<LogDirectory> log_directory = options.log_directory;
  if (!log_directory) {
    auto opened = DiskLogDirectory::open(store->directory_->log_path(), options.writer);
    if (!opened) return opened.error();
    log_directory = std::move(*opened);
  }
  RowsOptions rows_options;
  rows_options.path = store->directory_->rows_path();
  rows_options.environment = options.rows_environment;
  rows_options.memory = options.memory
                            ? options.memory
                            : std::make_shared<RowsMemory>(kBlockCacheBytes, kRowsBufferBytes);
  auto rows = Rows::open(rows_options);
  if (!rows) return rows.error();
  store->rows_ = std::move(*rows);
  if (auto recovered = store->recover(options, std::move(log_directory)); !recovered) {
    return recovered.error();
  }
  return store;
}

StoreResult<void> LogStore::recover(const LogStoreOptions& options,
                                    std::shared_ptr<LogDirectory> log_directory) {
  log_directory_ = std::move(log_directory);
  segment_bytes_ = options.segment_bytes;
  if (segment_bytes_ == 0) {
    const auto space = log_directory_->space();
    if (!space) return space.error();
    segment_bytes_ = segment_bytes_for(space->capacity_bytes);
  }
  replay_bytes_max_ = std::min(options.replay_bytes_max, 2 * segment_bytes_);
  pending_bytes_max_ = options.pending_bytes_max;

  position_ = rows_->position().value_or(LogPosition{1, 1, kSegmentHeaderBytes});
  flushed_ = position_;
  finished_ = position_.number - 1;
  for (const auto& [segment, live_bytes] : rows_->live_bytes()) {
    usage_[segment].live_bytes = live_bytes;
  }
  LogOptions log_options;
  log_options.store_id = directory_->store_id();
  log_options.epoch = directory_->epoch();
  log_options.segment_bytes = segment_bytes_;
  const auto replay = [&](const LogFrame& frame) -> StoreResult<void> {
    const std::uint64_t begin =
        frame.next.segment == position_.segment ? position_.offset : kSegmentHeaderBytes;
    if (auto noted = note(frame, frame.next.offset - begin); !noted) return noted;
    return pending_bytes_ < kPendingBytesHard / 4 ? StoreResult<void>() : apply();
  };
  auto log = Log::open(log_directory_, log_options, position_, replay);
  if (!log) return log.error();
  log_ = std::move(*log);

  std::vector<std::uint64_t> sealed = log_->sealed();
  const std::uint64_t head = log_->head();
  for (auto usage = usage_.begin(); usage != usage_.end();) {
    const std::uint64_t segment = usage->first;
    if (segment == head || std::binary_search(sealed.begin(), sealed.end(), segment)) {
      ++usage;
      continue;
    }
    if (usage->second.live_bytes > 0) {
      return StoreError("segment " + segment_file_name(segment) +
                            " of the commit log is missing; messages lie in it",
                        true);
    }
    pending_.progress.segments_gone.push_back(segment);
    usage = usage_.erase(usage);
  }
  pending_.progress.position = position_;
  retire_wanted_ = true;
  return {};
}

LogStore::~LogStore() {
  if (!log_) return;
  log_.reset();  // waits for the write in flight, whose outcome the next open finds out
  // For a quick start next time only: what is not flushed is replayed.
  if (apply()) static_cast<void>(rows_->flush());
}

void LogStore::commit(const WriteBatch& batch) {
  log_->append(batch);
}

std::optional<StoreResult<PayloadPlaces>> LogStore::finish() {
  std::optional<StoreResult<LogFrame>> result = log_->finish();
  if (!result) return std::nullopt;
  if (!*result) return StoreResult<PayloadPlaces>(result->error());
  LogFrame& frame = **result;
  const std::uint64_t begin =
      frame.next.segment == position_.segment ? position_.offset : kSegmentHeaderBytes;
  CHECK(note(frame, frame.next.offset - begin));  // fails where a chunk is released twice
  if (pending_bytes_.load(std::memory_order_relaxed) >= kPendingBytesHard) {
    if (auto applied = apply(); !applied) return StoreResult<PayloadPlaces>(applied.error());
  }
  return StoreResult<PayloadPlaces>(std::move(frame.places));
}

// Takes a durable frame into account: its rows are pending, its chunks alive or dead.
StoreResult<void> LogStore::note(const LogFrame& frame, std::uint64_t frame_bytes) {
  const std::lock_guard lock(mutex_);
  position_ = frame.next;
  finished_ = frame.next.number - 1;
  for (const PayloadPlace& place : frame.places) {
    usage_[place.segment].live_bytes += place.length;
    pending_.progress.live_changes[place.segment] += place.length;
  }
  for (const PayloadPlace& place : frame.released) {
    const auto usage = usage_.find(place.segment);
    if (usage == usage_.end() || usage->second.live_bytes < place.length) {
      return StoreError(
          "more was released of segment " + segment_file_name(place.segment) + " than lies in it",
          true);
    }
    usage->second.live_bytes -= place.length;
    pending_.progress.live_changes[place.segment] -= place.length;
    if (usage->second.live_bytes == 0) {
      usage->second.dead_since = finished_;
      if (place.segment < flushed_.segment) retire_wanted_ = true;
    }
  }
  pending_.rows.append(frame.rows);
  pending_.progress.position = frame.next;
  pending_.log_bytes += frame_bytes;
  pending_bytes_.store(pending_.rows.size(), std::memory_order_relaxed);
  unflushed_bytes_ += frame_bytes;
  return {};
}

StoreResult<std::shared_ptr<const std::string>> LogStore::read(const PayloadPlace& place) const {
  return log_->read(place);
}

std::unique_ptr<Snapshot> LogStore::snapshot() const {
  return std::make_unique<View>(*this);
}

StoreResult<void> LogStore::apply() const {
  const std::lock_guard lock(apply_mutex_);
  return apply_locked();
}

// Brings all rows of finished frames to RocksDB. What fails stays where it is and is tried again.
StoreResult<void> LogStore::apply_locked() const {
  while (true) {
    if (applying_.empty()) {
      const std::lock_guard lock(mutex_);
      if (pending_.empty()) return {};
      applying_.progress.position = pending_.progress.position;
      std::swap(applying_, pending_);
      pending_.progress.position = applying_.progress.position;
      pending_bytes_ = 0;
    }
    if (auto applied = rows_->apply(applying_.rows, applying_.progress); !applied) {
      rows_failed_ = true;
      return applied;
    }
    applied_log_bytes_ += applying_.log_bytes;
    applying_.clear();
  }
}

StoreResult<void> LogStore::flush() {
  LogPosition position;
  std::uint64_t log_bytes = 0;
  {
    const std::lock_guard lock(apply_mutex_);
    if (auto applied = apply_locked(); !applied) return applied;
    if (!rows_->position()) return {};
    position = *rows_->position();
    log_bytes = applied_log_bytes_;
  }
  if (auto flushed = rows_->flush(); !flushed) {
    rows_failed_ = true;
    return flushed;
  }
  unflushed_bytes_ -= log_bytes - flushed_log_bytes_;
  flushed_log_bytes_ = log_bytes;
  const std::lock_guard lock(mutex_);
  flushed_ = position;
  return {};
}

// Gives back the segments in which nothing is alive and which neither a replay nor a snapshot
// needs.
StoreResult<void> LogStore::retire_dead() {
  retire_wanted_ = false;
  std::vector<std::uint64_t> dead;
  const std::vector<std::uint64_t> sealed = log_->sealed();
  {
    const std::lock_guard lock(mutex_);
    if (copies_ > 0) return {};
    for (const std::uint64_t segment : sealed) {
      if (segment >= flushed_.segment) break;
      const auto usage = usage_.find(segment);
      if (usage != usage_.end()) {
        if (usage->second.live_bytes > 0) continue;
        if (!snapshots_.empty() && usage->second.dead_since > *snapshots_.begin()) {
          retire_blocked_ = true;
          continue;
        }
        usage_.erase(usage);
      }
      pending_.progress.segments_gone.push_back(segment);
      dead.push_back(segment);
    }
  }
  StoreResult<void> outcome;
  for (const std::uint64_t segment : dead) {
    if (auto retired = log_->retire(segment); !retired) outcome = retired;
  }
  return outcome;
}

StoreResult<void> LogStore::maintain() {
  const std::unique_lock lock(maintenance_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return {};
  // Each step helps even where the one before it failed.
  StoreResult<void> outcome;
  if (rows_failed_.exchange(false)) outcome = rows_->resume();
  if (!outcome) {
    rows_failed_ = true;
  } else {
    outcome = apply();
  }
  if (outcome && unflushed_bytes_ >= replay_bytes_max_) {
    if (auto flushed = flush(); !flushed) outcome = flushed;
  }
  if (auto retired = retire_dead(); !retired) outcome = retired;
  if (auto prepared = log_->prepare(); !prepared) outcome = prepared;
  rows_disk_bytes_ = rows_->disk_bytes();
  return outcome;
}

bool LogStore::wants_maintenance() const {
  return pending_bytes_.load(std::memory_order_relaxed) >= pending_bytes_max_ ||
         unflushed_bytes_.load(std::memory_order_relaxed) >= replay_bytes_max_ ||
         retire_wanted_.load(std::memory_order_relaxed) ||
         rows_failed_.load(std::memory_order_relaxed) || log_->wants_segments();
}

StoreResult<std::vector<RelocationCandidate>> LogStore::relocation_candidates(
    std::size_t count_max) {
  const std::lock_guard relocation_lock(relocation_mutex_);
  // Taken first: a segment that is alive now is not given back while it lives.
  const std::unique_ptr<Snapshot> rows = snapshot();
  const std::vector<std::uint64_t> sealed = log_->sealed();
  std::vector<std::uint64_t> mostly_dead;
  const std::uint64_t bound = 2 * live_bytes() + kRelocationSlackSegments * segment_bytes_;
  {
    const std::lock_guard lock(mutex_);
    if ((sealed.size() + 1) * segment_bytes_ <= bound) return std::vector<RelocationCandidate>();
    for (const std::uint64_t segment : sealed) {
      const auto usage = usage_.find(segment);
      if (usage != usage_.end() && usage->second.live_bytes > 0 &&
          usage->second.live_bytes < segment_bytes_ / 2) {
        mostly_dead.push_back(segment);
      }
    }
  }
  std::vector<RelocationCandidate> candidates;
  auto segment = std::lower_bound(mostly_dead.begin(), mostly_dead.end(), relocation_segment_);
  for (; segment != mostly_dead.end(); ++segment) {
    StoreResult<void> looked_up;
    const auto visit = [&](const FrameBody::Chunk& chunk) {
      if (candidates.size() == count_max) return false;
      const auto row = rows->get(Family::index, chunk.owner_key);
      if (!row) {
        looked_up = row.error();
        return false;
      }
      if (*row && (*row)->size() >= kPayloadPlaceBytes && read_place(**row) == chunk.place) {
        candidates.push_back({chunk.place, std::string(chunk.owner_key)});
      }
      return true;
    };
    const std::uint32_t from = *segment == relocation_segment_ ? relocation_offset_ : 0;
    const auto stopped = log_->walk(*segment, from, visit);
    if (!looked_up) return looked_up.error();
    if (!stopped) return stopped.error();
    if (*stopped) {
      relocation_segment_ = *segment;
      relocation_offset_ = **stopped;
      return candidates;
    }
  }
  relocation_segment_ = 0;  // the next search begins at the oldest again
  relocation_offset_ = 0;
  return candidates;
}

std::uint64_t LogStore::live_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& [segment, usage] : usage_) bytes += usage.live_bytes;
  return bytes;
}

StoreSpace LogStore::space() const {
  StoreSpace space;
  if (const auto asked = log_directory_->space()) space = *asked;
  space.used_bytes = log_->disk_bytes() + rows_disk_bytes_.load(std::memory_order_relaxed);
  return space;
}

StoreResult<std::unique_ptr<StoreCopy>> LogStore::begin_copy(const std::string& directory) {
  auto copy = std::make_unique<Copy>(*this, directory);
  if (auto begun = copy->begin(); !begun) return begun.error();
  return StoreResult<std::unique_ptr<StoreCopy>>(std::move(copy));
}

}  // namespace millrace
