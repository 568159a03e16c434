// Store: keeps one shard's bytes. It sees keys, values and chunks, never a message.
//
// commit() and finish() belong to the shard's thread; one commit is in flight at a time. read() and
// scan() may be called from any thread at any time. An implementation: LogStore (the commit log
// with RocksDB for its rows) and MemoryStore (tests, `--ephemeral`).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/write_batch.h"

namespace millrace {

/// Why a store cannot go on, in words for an operator. Its shard is dropped and opened again.
class StoreError {
 public:
  StoreError() = default;
  explicit StoreError(std::string message, bool corruption = false)
      : message_(std::move(message)), corruption_(corruption) {}
  /// What was asked for is not there any more, as it may be: its owner released it.
  static StoreError gone(std::string message) {
    StoreError error(std::move(message));
    error.gone_ = true;
    return error;
  }
  const std::string& message() const { return message_; }
  /// True where bytes on disk are not what was written: opening again will not help.
  bool corruption() const { return corruption_; }
  /// True where nothing is wrong with the store: what was asked for has been released.
  bool gone() const { return gone_; }

 private:
  std::string message_;
  bool corruption_ = false;
  bool gone_ = false;
};

[[noreturn]] void throw_exception_from_error(const StoreError& error,
                                             const boost::source_location& location);

template <class T>
using StoreResult = boost::system::result<T, StoreError>;

/// The places of a committed batch's chunks, in the order of WriteBatch::payloads().
using PayloadPlaces = std::vector<PayloadPlace>;

/// What a scan returns.
struct Row {
  std::string key;
  std::string value;
};

/// A consistent view of the rows at one moment. Any thread; must not outlive its store. While it
/// lives, the places that its rows name stay readable; keep it short, since it holds disk space.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  /// The rows with first <= key < last, in order, at most `count_max` of them. An empty `last` is
  /// the family's end.
  virtual StoreResult<std::vector<Row>> scan(Family family, std::string_view first,
                                             std::string_view last,
                                             std::size_t count_max) const = 0;
  /// The value at `key`, or nothing.
  virtual StoreResult<std::optional<std::string>> get(Family family,
                                                      std::string_view key) const = 0;
};

/// Gives `look` all rows of a family in order, page by page. @return the first error, of the scan
/// or of `look`.
StoreResult<void> for_each_page(
    const Snapshot& snapshot, Family family,
    const std::function<StoreResult<void>(const std::vector<Row>& rows)>& look);

/// Room on the disk that holds the store.
struct StoreSpace {
  std::uint64_t used_bytes = 0;       // by this store
  std::uint64_t available_bytes = 0;  // left for unprivileged processes
  std::uint64_t capacity_bytes = 0;
};

/// One chunk that stands in the way of recycling the oldest segment: the store asks its owner to
/// write it again at the head.
struct RelocationCandidate {
  PayloadPlace place;
  std::string owner_key;  // in Family::index
};

/// The file of a copy that holds more than belongs to it: what stands in it from `bytes` on was
/// written later.
struct CopyEnd {
  std::string file;  // its path in the copy's directory
  std::uint64_t bytes = 0;
};

/// A copy of a store in the making, while the store serves. It is made of links: second names of
/// files that are not written any more. While this lives, the store gives nothing back.
class StoreCopy {
 public:
  virtual ~StoreCopy() = default;

  /// Says that the copy ends here: what has been committed by now is in it, and nothing else. The
  /// shard's thread; no commit is in flight.
  virtual void cut() = 0;

  /// Completes the copy, after cut(). Blocks. The copy needs neither this object nor the store from
  /// here on, and may be removed at any time. @return where it ends.
  virtual StoreResult<CopyEnd> finish() = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  /// Starts writing `batch` as one frame: after a crash all of it is there or none. Exactly one
  /// commit may be in flight. The batch may be reused as soon as commit() returns.
  virtual void commit(const WriteBatch& batch) = 0;

  /// A descriptor that becomes readable when the commit in flight has finished (an eventfd).
  virtual int completion_descriptor() const = 0;

  /// The outcome of the commit in flight, or nothing while it still runs or when there is none (the
  /// descriptor may wake its waiter once too often). On success the batch is
  /// durable, and its rows are visible to snapshots taken from now on. An error is final: the
  /// outcome is unknown, and the store takes no further commit.
  virtual std::optional<StoreResult<PayloadPlaces>> finish() = 0;

  /// The bytes of the chunk at `place`, checked against their checksum. Any thread. An error with
  /// gone() means that the chunk was released meanwhile and its space given away; one with neither
  /// gone() nor corruption(), that the disk did not give the bytes this time.
  virtual StoreResult<std::shared_ptr<const std::string>> read(const PayloadPlace& place) const = 0;

  /// The rows of all finished commits. Any thread.
  virtual std::unique_ptr<Snapshot> snapshot() const = 0;

  /// Housekeeping that may block for long: flushes rows, recycles and removes dead segments, makes
  /// segments ahead. Called from a background thread now and then; never on the shard's thread. An
  /// error is not final: the store goes on, and a later call tries again (a full disk, above all).
  virtual StoreResult<void> maintain() = 0;

  /// Whether maintain() has something to do. Cheap; any thread. It may stay true while maintain()
  /// fails, so leave a pause of a second or so after an error.
  virtual bool wants_maintenance() const = 0;

  /// The largest WriteBatch::bytes() that commit() is sure to take: keys and rows of a common size
  /// are allowed for. Never less than 4 MiB in a store that serves clients.
  virtual std::size_t batch_bytes_max() const = 0;

  /// Live chunks of mostly dead old segments, which keep space from coming back; at most
  /// `count_max`, oldest first. Called from a background thread. Chunks whose index row no longer
  /// names their place are left out.
  virtual StoreResult<std::vector<RelocationCandidate>> relocation_candidates(
      std::size_t count_max) = 0;

  virtual StoreSpace space() const = 0;

  /// Begins a copy that can be opened as a store. Blocks for moments. @param directory of the copy,
  /// which is made; on the same file system. @return an error where the store has no files.
  virtual StoreResult<std::unique_ptr<StoreCopy>> begin_copy(const std::string& directory);

  /// Counts the opens of this store, raised durably at each: what was handed out before is told
  /// from what is handed out now.
  virtual std::uint32_t epoch() const = 0;
};

}  // namespace millrace
