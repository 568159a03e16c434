// Log: the commit log of one shard, a row of segments with frames in them (docs/storage-format.md).
//
// It knows files, frames and places, not which chunks are alive: its owner (LogStore) says when a
// segment can be given back. Threads: append() and finish() belong to the shard's thread;
// prepare(), retire() and walk() to whoever does housekeeping, one at a time; the rest may be
// called by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/frame.h"
#include "storage/log_file.h"
#include "storage/rows.h"

namespace millrace {

struct LogOptions {
  std::uint64_t store_id = 0;
  std::uint32_t epoch = 0;             // of this opening; no frame may carry a later one
  std::uint64_t segment_bytes = 0;     // length of new segments, a multiple of kLogBlockBytes
  std::size_t ready_segments = 2;      // kept ahead of the head
  std::size_t ready_segments_max = 4;  // dead segments are recycled up to so many, then removed
};

/// A frame that was found, or has just become durable. Views last until the next one.
struct LogFrame {
  LogPosition next;                  // behind it
  std::vector<PayloadPlace> places;  // of its chunks
  std::vector<PayloadPlace> released;
  std::string_view rows;
};

class Log {
 public:
  using Replay = std::function<StoreResult<void>(const LogFrame&)>;
  using Visit = std::function<bool(const FrameBody::Chunk&)>;

  /// Opens the log in `directory`, handing every frame from `from` on to `replay` in order. An
  /// unfinished frame at the end is dropped; damage anywhere else is an error with corruption()
  /// that names the segment and the offset. Makes the first segment of an empty log.
  static StoreResult<std::unique_ptr<Log>> open(std::shared_ptr<LogDirectory> directory,
                                                const LogOptions& options, const LogPosition& from,
                                                const Replay& replay);
  ~Log() = default;  // waits for the write in flight

  /// Starts writing `batch` as a frame. There must be none in flight.
  void append(const WriteBatch& batch);
  /// The outcome of the frame in flight, or nothing. After an error nothing may be appended.
  std::optional<StoreResult<LogFrame>> finish();
  int completion_descriptor() const { return writer_->completion_descriptor(); }
  std::string_view writer_name() const { return writer_->name(); }

  StoreResult<std::shared_ptr<const std::string>> read(const PayloadPlace& place) const;

  /// Numbers of the segments before the head, in order.
  std::vector<std::uint64_t> sealed() const;
  std::uint64_t head() const;
  /// Bytes of all files of the log.
  std::uint64_t disk_bytes() const;

  /// True if fewer segments are ready than there should be. Cheap.
  bool wants_segments() const {
    return ready_count_.load(std::memory_order_relaxed) < options_.ready_segments;
  }
  /// Makes segments until enough are ready.
  StoreResult<void> prepare();
  /// Gives back a sealed segment: makes a ready one of it, or removes it. Who still reads in it may
  /// go on to the end.
  StoreResult<void> retire(std::uint64_t segment);
  /// Says that the files of the segments up to this one have a second name, under which they must
  /// stay as they are: they are removed instead of being used again. Any thread.
  void keep_files(std::uint64_t segment);
  /// Visits the chunks of a sealed segment's frames from `offset` on (0: the start), until `visit`
  /// says false. @return the offset of the first frame not visited to its end, or nothing at the
  /// end.
  StoreResult<std::optional<std::uint32_t>> walk(std::uint64_t segment, std::uint32_t offset,
                                                 const Visit& visit) const;

  /// Most bytes that a frame may have in segments of `segment_bytes`.
  static std::uint64_t frame_bytes_max(std::uint64_t segment_bytes) {
    return segment_bytes - kSegmentHeaderBytes;
  }

 private:
  struct Sealed {
    std::uint64_t bytes = 0;
    std::weak_ptr<LogFile> file;  // where someone has it open
  };
  struct Ready {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::shared_ptr<LogFile> file;
  };
  class Recovery;

  Log(std::shared_ptr<LogDirectory> directory, const LogOptions& options);
  StoreResult<void> make_ready_segment();
  StoreResult<void> write_header(LogFile& file, std::uint64_t number, std::uint64_t bytes) const;
  StoreResult<void> next_segment();
  StoreResult<std::shared_ptr<LogFile>> sealed_file(std::uint64_t segment) const;

  std::shared_ptr<LogDirectory> directory_;
  const LogOptions options_;

  // The shard's thread.
  AlignedBuffer buffer_;
  std::unique_ptr<LogWriter> writer_;  // after the buffer, so that it is waited for first
  LogPosition position_;               // of the next frame
  std::optional<FrameLayout> in_flight_;
  std::vector<PayloadPlace> released_;      // of the frame in flight
  std::optional<StoreError> append_error_;  // for finish() to report
  bool failed_ = false;

  std::mutex housekeeping_mutex_;  // held while a segment is made ready; before mutex_
  mutable std::mutex mutex_;       // guards what follows; not held while a disk writes
  mutable std::map<std::uint64_t, Sealed> sealed_;
  mutable std::deque<std::shared_ptr<LogFile>> open_files_;  // sealed ones, kept open for readers
  Ready head_;
  std::uint64_t kept_files_ = 0;  // those of the segments up to this one have a second name
  std::deque<Ready> ready_;
  std::atomic<std::size_t> ready_count_{0};
};

/// The name of a segment's file: its number in 16 hex digits and ".segment".
std::string segment_file_name(std::uint64_t number);

}  // namespace millrace
