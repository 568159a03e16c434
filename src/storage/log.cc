#include "storage/log.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "base/check.h"

namespace millrace {

namespace {

constexpr std::string_view kSegmentSuffix = ".segment";
constexpr const char* kUnfinishedName = "ready.new";  // a segment that is not ready yet
constexpr std::size_t kNumberDigits = 16;
constexpr std::size_t kOpenFilesMax = 128;
constexpr std::size_t kBufferKeptBytes = std::size_t{4} << 20;
constexpr std::size_t kSearchBytes = std::size_t{1} << 20;  // read at a time behind the log's end

std::optional<std::uint64_t> segment_number(std::string_view name) {
  if (name.size() != kNumberDigits + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix)) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const char* const end = name.data() + kNumberDigits;
  const auto [stop, error] = std::from_chars(name.data(), end, number, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

StoreError corruption(std::uint64_t segment, std::uint64_t offset, std::string_view what) {
  return StoreError("the commit log is damaged in segment " + segment_file_name(segment) +
                        " at offset " + std::to_string(offset) + ": " + std::string(what),
                    true);
}

}  // namespace

std::string segment_file_name(std::uint64_t number) {
  std::array<char, kNumberDigits + 1> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(number));
  return std::string(digits.data(), kNumberDigits).append(kSegmentSuffix);
}

// Finds the segments, replays the frames and finds the log's end.
class Log::Recovery {
 public:
  Recovery(Log& log, const LogPosition& from, const Replay& replay)
      : log_(log), position_(from), replay_(replay) {}

  StoreResult<void> run() {
    if (auto found = find_segments(); !found) return found;
    if (segments_.empty()) return make_first();
    if (auto checked = check_segments(); !checked) return checked;
    if (auto replayed = replay_frames(); !replayed) return replayed;
    if (auto checked = check_nothing_follows(); !checked) return checked;
    return take_over();
  }

 private:
  struct Segment {
    std::uint64_t bytes = 0;
    std::shared_ptr<LogFile> file;  // from the first one that is replayed on
  };

  StoreResult<void> find_segments() {
    auto entries = log_.directory_->list();
    if (!entries) return entries.error();
    for (const LogDirectory::Entry& entry : *entries) {
      if (const auto number = segment_number(entry.name)) {
        segments_[*number].bytes = entry.bytes;
      } else if (entry.name.ends_with(".new")) {
        if (auto removed = log_.directory_->remove(entry.name); !removed) return removed;
      }
    }
    return {};
  }

  StoreResult<void> make_first() {
    if (position_.number != 1) {
      return corruption(position_.segment, position_.offset, "there is no segment at all");
    }
    log_.head_.number = position_.segment - 1;  // so that the next one made is the first
    if (auto made = log_.make_ready_segment(); !made) return made;
    log_.head_ = log_.ready_.front();
    log_.ready_.pop_front();
    log_.ready_count_ = 0;
    log_.position_ = position_;
    return {};
  }

  StoreResult<void> check_segments() {
    std::uint64_t expected = position_.segment;
    for (auto segment = segments_.lower_bound(expected); segment != segments_.end(); ++segment) {
      if (segment->first != expected) break;
      auto file = log_.directory_->open(segment_file_name(expected), LogAccess::read);
      if (!file) return file.error();
      segment->second.file = *file;
      std::string block(kSegmentHeaderBytes, '\0');
      if (segment->second.bytes < block.size()) {
        return corruption(expected, 0, "the file is too short");
      }
      if (auto read = segment->second.file->read(0, block); !read) return read;
      const SegmentHeaderResult result = read_segment_header(block);
      if (!result.header && result.fault == SegmentHeaderFault::newer_version) {
        return StoreError("segment " + segment_file_name(expected) +
                          " was written by a newer version of this server");
      }
      if (!result.header || result.header->store_id != log_.options_.store_id ||
          result.header->number != expected || result.header->bytes != segment->second.bytes) {
        return corruption(expected, 0, "the segment's header is not what was written");
      }
      ++expected;
    }
    if (expected == position_.segment || segments_.rbegin()->first >= expected) {
      return corruption(expected, 0, "the segment is missing");
    }
    return {};
  }

  // Whether the frame at `at` is whole and the one that is expected there; then it is in `frame`.
  StoreResult<bool> read_frame(const LogPosition& at, LogFrame& frame) {
    const Segment& segment = segments_.at(at.segment);
    if (std::uint64_t{at.offset} + kFrameHeaderBytes > segment.bytes) return false;
    bytes_.resize(kFrameHeaderBytes);
    if (auto read = segment.file->read(at.offset, bytes_); !read) return read.error();
    const auto header = read_frame_header(bytes_, log_.options_.store_id, at.segment, at.offset);
    if (!header || header->identity.number != at.number) return false;
    const std::uint64_t padded = round_up_to_block(header->bytes);
    if (at.offset + padded > segment.bytes) return false;
    bytes_.resize(header->bytes);
    if (auto read = segment.file->read(at.offset, bytes_); !read) return read.error();
    const std::string_view all = bytes_;
    const auto body = read_frame_body(*header, all.substr(kFrameHeaderBytes, header->body_bytes));
    if (!body) return false;
    frame.places.clear();
    for (const FrameBody::Chunk& chunk : body->chunks) {
      const std::size_t start = chunk.place.offset - at.offset - kChunkHeaderBytes;
      if (!is_chunk(all.substr(start, kChunkHeaderBytes + chunk.place.length), chunk.place)) {
        return false;
      }
      frame.places.push_back(chunk.place);
    }
    if (header->identity.epoch > log_.options_.epoch) {
      return corruption(at.segment, at.offset, "the frame is from a later opening than this one");
    }
    frame.next = {at.number + 1, at.segment, at.offset + static_cast<std::uint32_t>(padded)};
    frame.released = body->released;
    frame.rows = body->rows;
    return true;
  }

  StoreResult<void> replay_frames() {
    LogFrame frame;
    while (true) {
      auto found = read_frame(position_, frame);
      if (!found) return found.error();
      if (!*found && segments_.contains(position_.segment + 1)) {
        found = read_frame({position_.number, position_.segment + 1, kSegmentHeaderBytes}, frame);
        if (!found) return found.error();
      }
      if (!*found) return {};
      if (auto replayed = replay_(frame); !replayed) return replayed;
      position_ = frame.next;
    }
  }

  // One frame is in flight at a time: where the log ends, no later frame can have been written.
  StoreResult<void> check_nothing_follows() {
    for (auto segment = segments_.find(position_.segment); segment != segments_.end(); ++segment) {
      const std::uint64_t start =
          segment->first == position_.segment ? position_.offset : kSegmentHeaderBytes;
      // In a segment behind the next one a frame would have to stand at the start.
      const std::uint64_t end =
          segment->first > position_.segment + 1
              ? std::min<std::uint64_t>(start + kLogBlockBytes, segment->second.bytes)
              : segment->second.bytes;
      for (std::uint64_t offset = start; offset < end; offset += kSearchBytes) {
        bytes_.resize(std::min<std::uint64_t>(kSearchBytes, end - offset));
        if (auto read = segment->second.file->read(offset, bytes_); !read) return read;
        for (std::size_t at = 0; at + kFrameHeaderBytes <= bytes_.size(); at += kLogBlockBytes) {
          const auto header =
              read_frame_header(std::string_view(bytes_).substr(at), log_.options_.store_id,
                                segment->first, static_cast<std::uint32_t>(offset + at));
          if (header && header->identity.number > position_.number) {
            std::string what = "frame " + std::to_string(position_.number) +
                               " cannot be read, but frame " +
                               std::to_string(header->identity.number) + " follows it";
            if (segment->first != position_.segment) {
              what += "; or it lies in segment " + segment_file_name(position_.segment + 1) +
                      " at offset " + std::to_string(kSegmentHeaderBytes);
            }
            return corruption(position_.segment, position_.offset, what);
          }
        }
      }
    }
    return {};
  }

  StoreResult<void> take_over() {
    log_.position_ = position_;
    while (segments_.rbegin()->first > position_.segment &&
           segments_.rbegin()->second.bytes != log_.options_.segment_bytes) {
      // Made ahead when segments had another length, and empty.
      const std::uint64_t number = segments_.rbegin()->first;
      if (auto removed = log_.directory_->remove(segment_file_name(number)); !removed) {
        return removed;
      }
      segments_.erase(number);
    }
    for (const auto& [number, segment] : segments_) {
      if (number < position_.segment) {
        log_.sealed_[number].bytes = segment.bytes;
        continue;
      }
      auto file = log_.directory_->open(segment_file_name(number), LogAccess::read_write);
      if (!file) return file.error();
      if (number == position_.segment) {
        log_.head_ = {number, segment.bytes, *file};
      } else {
        log_.ready_.push_back({number, segment.bytes, *file});
      }
    }
    log_.ready_count_ = log_.ready_.size();
    // The last frame may have been read from a cache and not be durable yet.
    return log_.head_.file->sync();
  }

  Log& log_;
  LogPosition position_;
  const Replay& replay_;
  std::map<std::uint64_t, Segment> segments_;
  std::string bytes_;
};

Log::Log(std::shared_ptr<LogDirectory> directory, const LogOptions& options)
    : directory_(std::move(directory)), options_(options) {
  CHECK(options.segment_bytes % kLogBlockBytes == 0 && options.segment_bytes <= UINT32_MAX &&
        options.segment_bytes > kSegmentHeaderBytes + kLogBlockBytes);
}

StoreResult<std::unique_ptr<Log>> Log::open(std::shared_ptr<LogDirectory> directory,
                                            const LogOptions& options, const LogPosition& from,
                                            const Replay& replay) {
  auto log = std::unique_ptr<Log>(new Log(std::move(directory), options));
  if (auto recovered = Recovery(*log, from, replay).run(); !recovered) return recovered.error();
  auto writer = log->directory_->make_writer();
  if (!writer) return writer.error();
  log->writer_ = std::move(*writer);
  return log;
}

StoreResult<void> Log::write_header(LogFile& file, std::uint64_t number,
                                    std::uint64_t bytes) const {
  AlignedBuffer block;
  block.reserve(kSegmentHeaderBytes);
  write_segment_header({.store_id = options_.store_id, .number = number, .bytes = bytes},
                       block.data());
  return file.write(0, {block.data(), kSegmentHeaderBytes});
}

StoreResult<void> Log::make_ready_segment() {
  auto file = directory_->create(kUnfinishedName, options_.segment_bytes);
  if (!file) return file.error();
  std::uint64_t number = 0;
  {
    // Only we add ready segments, and one that becomes the head leaves the sum as it is.
    const std::lock_guard lock(mutex_);
    number = head_.number + ready_.size() + 1;
  }
  if (auto written = write_header(**file, number, options_.segment_bytes); !written) return written;
  if (auto named = directory_->rename(kUnfinishedName, segment_file_name(number)); !named) {
    return named;
  }
  const std::lock_guard lock(mutex_);
  ready_.push_back({number, options_.segment_bytes, *file});
  ready_count_ = ready_.size();
  return {};
}

StoreResult<void> Log::prepare() {
  while (wants_segments()) {
    const std::lock_guard housekeeping(housekeeping_mutex_);
    if (!wants_segments()) break;
    if (auto made = make_ready_segment(); !made) return made;
  }
  return {};
}

StoreResult<void> Log::next_segment() {
  if (ready_count_ == 0) {
    // Housekeeping did not keep up; waiting for it, or doing its work, is all that is left.
    const std::lock_guard housekeeping(housekeeping_mutex_);
    if (ready_count_ == 0) {
      if (auto made = make_ready_segment(); !made) return made;
    }
  }
  const std::lock_guard lock(mutex_);
  sealed_[head_.number] = {head_.bytes, head_.file};
  head_ = std::move(ready_.front());
  ready_.pop_front();
  ready_count_ = ready_.size();
  position_.segment = head_.number;
  position_.offset = kSegmentHeaderBytes;
  return {};
}

void Log::append(const WriteBatch& batch) {
  CHECK(!failed_ && !in_flight_);
  const std::uint64_t padded = round_up_to_block(frame_bytes(batch));
  CHECK(padded <= frame_bytes_max(options_.segment_bytes));
  if (position_.offset + padded > head_.bytes) {
    if (auto moved = next_segment(); !moved) {
      append_error_ = moved.error();
      failed_ = true;
      if (completion_descriptor() >= 0) CHECK(::eventfd_write(completion_descriptor(), 1) == 0);
      return;
    }
  }
  if (padded <= kBufferKeptBytes) buffer_.shrink(kBufferKeptBytes);
  in_flight_ = lay_out_frame(batch,
                             {.store_id = options_.store_id,
                              .segment = position_.segment,
                              .offset = position_.offset,
                              .number = position_.number,
                              .epoch = options_.epoch},
                             buffer_);
  released_ = batch.released();
  writer_->start(head_.file, position_.offset, {buffer_.data(), in_flight_->padded_bytes});
}

std::optional<StoreResult<LogFrame>> Log::finish() {
  std::optional<StoreResult<void>> written = writer_->finish();
  if (append_error_) {
    StoreResult<LogFrame> result = *append_error_;
    append_error_.reset();
    return result;
  }
  if (!written || !in_flight_) return std::nullopt;
  if (!*written) {
    failed_ = true;
    in_flight_.reset();
    return StoreResult<LogFrame>(written->error());
  }
  ++position_.number;
  position_.offset += static_cast<std::uint32_t>(in_flight_->padded_bytes);
  LogFrame frame{.next = position_,
                 .places = std::move(in_flight_->places),
                 .released = std::move(released_),
                 .rows = in_flight_->rows};
  in_flight_.reset();
  return StoreResult<LogFrame>(std::move(frame));
}

StoreResult<std::shared_ptr<LogFile>> Log::sealed_file(std::uint64_t segment) const {
  const std::lock_guard lock(mutex_);
  if (segment == head_.number) return head_.file;
  const auto found = sealed_.find(segment);
  if (found == sealed_.end()) {
    return StoreError::gone("segment " + segment_file_name(segment) + " was given back");
  }
  if (auto file = found->second.file.lock()) return file;
  auto file = directory_->open(segment_file_name(segment), LogAccess::read);
  if (!file) return file;
  // The number of open files is bounded; who still reads in one that falls out keeps it.
  found->second.file = *file;
  open_files_.push_back(*file);
  if (open_files_.size() > kOpenFilesMax) open_files_.pop_front();
  return file;
}

StoreResult<std::shared_ptr<const std::string>> Log::read(const PayloadPlace& place) const {
  auto file = sealed_file(place.segment);
  if (!file) return file.error();
  if (place.offset < kSegmentHeaderBytes + kFrameHeaderBytes ||
      place.length > frame_bytes_max(UINT32_MAX)) {
    return corruption(place.segment, place.offset, "no chunk can lie there");
  }
  auto bytes = std::make_shared<std::string>(kChunkHeaderBytes + place.length, '\0');
  if (auto read = (*file)->read(place.offset - kChunkHeaderBytes, *bytes); !read) {
    return read.error();
  }
  if (!is_chunk(*bytes, place)) {
    return corruption(place.segment, place.offset, "the chunk is not what was written");
  }
  bytes->erase(0, kChunkHeaderBytes);
  return std::shared_ptr<const std::string>(std::move(bytes));
}

std::vector<std::uint64_t> Log::sealed() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> numbers;
  numbers.reserve(sealed_.size());
  for (const auto& [number, segment] : sealed_) numbers.push_back(number);
  return numbers;
}

std::uint64_t Log::head() const {
  const std::lock_guard lock(mutex_);
  return head_.number;
}

std::uint64_t Log::disk_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = head_.bytes;
  for (const auto& [number, segment] : sealed_) bytes += segment.bytes;
  for (const Ready& ready : ready_) bytes += ready.bytes;
  return bytes;
}

StoreResult<void> Log::retire(std::uint64_t segment) {
  const std::lock_guard housekeeping(housekeeping_mutex_);
  bool reusable = false;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sealed_.find(segment);
    CHECK(found != sealed_.end());
    const std::weak_ptr<LogFile> file = found->second.file;
    std::erase(open_files_, file.lock());
    // From here on nobody can begin to read in it; who has begun keeps the file as it is.
    reusable = segment > kept_files_ && file.expired() &&
               found->second.bytes == options_.segment_bytes &&
               ready_.size() < options_.ready_segments_max;
    number = head_.number + ready_.size() + 1;
    sealed_.erase(found);
  }
  const std::string name = segment_file_name(segment);
  if (!reusable) return directory_->remove(name);

  if (auto renamed = directory_->rename(name, kUnfinishedName); !renamed) return renamed;
  auto file = directory_->open(kUnfinishedName, LogAccess::read_write);
  if (!file) return file.error();
  if (auto written = write_header(**file, number, options_.segment_bytes); !written) return written;
  if (auto renamed = directory_->rename(kUnfinishedName, segment_file_name(number)); !renamed) {
    return renamed;
  }
  const std::lock_guard lock(mutex_);
  ready_.push_back({number, options_.segment_bytes, *file});
  ready_count_ = ready_.size();
  return {};
}

void Log::keep_files(std::uint64_t segment) {
  const std::lock_guard lock(mutex_);
  kept_files_ = std::max(kept_files_, segment);
}

StoreResult<std::optional<std::uint32_t>> Log::walk(std::uint64_t segment, std::uint32_t offset,
                                                    const Visit& visit) const {
  auto file = sealed_file(segment);
  if (!file) return file.error();
  std::uint64_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sealed_.find(segment);
    if (found == sealed_.end()) return std::optional<std::uint32_t>();
    bytes = found->second.bytes;
  }
  if (offset == 0) offset = kSegmentHeaderBytes;
  std::string buffer;
  while (std::uint64_t{offset} + kFrameHeaderBytes <= bytes) {
    buffer.resize(kFrameHeaderBytes);
    if (auto read = (*file)->read(offset, buffer); !read) return read.error();
    const auto header = read_frame_header(buffer, options_.store_id, segment, offset);
    if (!header || offset + std::uint64_t{header->bytes} > bytes) break;
    buffer.resize(header->body_bytes);
    if (auto read = (*file)->read(offset + kFrameHeaderBytes, buffer); !read) return read.error();
    const auto body = read_frame_body(*header, buffer);
    if (!body) break;
    for (const FrameBody::Chunk& chunk : body->chunks) {
      if (!visit(chunk)) return std::optional(offset);
    }
    offset += static_cast<std::uint32_t>(round_up_to_block(header->bytes));
  }
  return std::optional<std::uint32_t>();
}

}  // namespace millrace
