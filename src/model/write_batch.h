// WriteBatch: everything that one commit puts on disk, as values. The queue fills it, the store
// writes it; neither knows the other.
//
// A batch holds payload chunks (message bodies, written once, straight into the log) and row
// changes (small keys and values, kept in RocksDB). A row may carry the place of a chunk of the
// same batch, which is not known before the store has laid the frame out: put_placed() leaves room
// and the store fills it in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Where a payload chunk lies in a shard's log. Fixed for as long as the chunk is not relocated.
struct PayloadPlace {
  std::uint64_t segment = 0;  // number of the segment, always rising, never 0 for a real place
  std::uint32_t offset = 0;   // bytes from the segment's start
  std::uint32_t length = 0;   // bytes

  friend bool operator==(const PayloadPlace&, const PayloadPlace&) = default;
};

/// Size of an encoded PayloadPlace: segment, offset, length, each big-endian.
inline constexpr std::size_t kPayloadPlaceBytes = 16;

void append_place(std::string& out, const PayloadPlace& place);
/// Reads the place at the start of `bytes`, which must hold kPayloadPlaceBytes or more.
PayloadPlace read_place(std::string_view bytes);

/// A family of rows: a key space of its own. The values are part of the storage format.
enum class Family : std::uint8_t {
  meta = 0,           // shard-wide counters and settings
  queues = 1,         // definitions, counters and horizons of queues
  index = 2,          // (queue, block) -> a placed chunk of messages
  state = 3,          // (queue, block) -> what has happened to a block's messages
  due = 4,            // (queue, time, block) -> parked blocks, by when they are due
  names = 5,          // account and queue name -> queue (shard 0 only)
  groups = 6,         // FIFO and fair queues: (queue, group, sequence)
  deduplication = 7,  // FIFO: (queue, bucket, fingerprint)
  transfers = 8,      // moves between shards: outbox rows and the highest number applied
};
inline constexpr std::size_t kFamilyCount = 9;

/// What a row change does. `erase_range` takes away first <= key < last.
enum class RowOperation : std::uint8_t { put = 0, erase = 1, erase_range = 2, put_placed = 3 };

/// One row change, as views into the batch.
struct RowChange {
  RowOperation operation = RowOperation::put;
  Family family = Family::meta;
  std::string_view key;  // erase_range: the first key
  std::string_view
      value;  // erase_range: the key behind the last; put_placed: begins with the place
};

/// A payload chunk, kept alive by whoever still reads it. `owner_key` is the key of its index row,
/// stored beside it in the log, so that a relocation can ask whether the chunk is still in use.
struct PayloadChunk {
  std::shared_ptr<const std::string> bytes;
  std::string owner_key;  // in Family::index
};

class WriteBatch {
 public:
  /// Adds a chunk. @return its number in this batch, for put_placed().
  std::uint32_t add_payload(std::shared_ptr<const std::string> bytes, std::string owner_key);

  void put(Family family, std::string_view key, std::string_view value);
  /// The stored value is the place of chunk `payload` (kPayloadPlaceBytes) followed by `value`.
  void put_placed(Family family, std::string_view key, std::uint32_t payload,
                  std::string_view value);
  void erase(Family family, std::string_view key);
  void erase_range(Family family, std::string_view first, std::string_view last);

  /// Says that the chunk at `place` is dead: its bytes no longer count as live in its segment. Say
  /// it in the batch that takes away or replaces its index row.
  void release(const PayloadPlace& place);

  bool empty() const { return rows_.empty() && payloads_.empty(); }
  /// Bytes of rows and payloads: what the frame will hold besides its header.
  std::size_t bytes() const { return rows_.size() + payload_bytes_; }

  const std::vector<PayloadChunk>& payloads() const { return payloads_; }
  const std::vector<PayloadPlace>& released() const { return released_; }
  /// The row changes in their encoded form, as the frame holds them. put_placed rows hold zeros
  /// where their place belongs; placed_rows() says where.
  const std::string& rows() const { return rows_; }

  /// A put_placed row's chunk number and the offset in rows() of the place to fill in.
  struct PlacedRow {
    std::uint32_t payload;
    std::uint32_t offset;
  };
  const std::vector<PlacedRow>& placed_rows() const { return placed_; }

  void clear();

 private:
  void begin(RowOperation operation, Family family, std::string_view key, std::size_t value_bytes);

  std::string rows_;
  std::vector<PlacedRow> placed_;
  std::vector<PayloadChunk> payloads_;
  std::vector<PayloadPlace> released_;
  std::size_t payload_bytes_ = 0;
};

/// Walks encoded rows (WriteBatch::rows() or a frame's copy of them) in order.
class RowReader {
 public:
  explicit RowReader(std::string_view rows) : rest_(rows) {}
  /// The next change into `change`; false at the end, or at bytes that are no row: then
  /// malformed().
  bool next(RowChange& change);
  bool malformed() const { return malformed_; }

 private:
  std::string_view rest_;
  bool malformed_ = false;
};

}  // namespace millrace
