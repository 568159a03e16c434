// The bytes of the commit log: segment headers, frames and chunks (docs/storage-format.md).
//
// Pure functions over memory. Reading takes whatever a disk may hold: what is not exactly right is
// refused, never trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/write_batch.h"
#include "storage/aligned_buffer.h"

namespace millrace {

inline constexpr std::uint32_t kLogFormatVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = kLogBlockBytes;
inline constexpr std::size_t kFrameHeaderBytes = 64;
inline constexpr std::size_t kChunkHeaderBytes = 16;  // lies before the chunk's bytes

/// A file of the log.
struct SegmentHeader {
  std::uint64_t store_id = 0;
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;  // length of the file
};

/// Writes the header into `block`, which is kSegmentHeaderBytes long.
void write_segment_header(const SegmentHeader& header, char* block);

/// Why a segment's header could not be read.
enum class SegmentHeaderFault { damaged, newer_version };
struct SegmentHeaderResult {
  std::optional<SegmentHeader> header;
  SegmentHeaderFault fault = SegmentHeaderFault::damaged;
};
SegmentHeaderResult read_segment_header(std::string_view block);

/// Which frame, and where.
struct FrameIdentity {
  std::uint64_t store_id = 0;
  std::uint64_t segment = 0;
  std::uint32_t offset = 0;  // of the frame in its segment
  std::uint64_t number = 0;  // log number: rises by one with each frame
  std::uint32_t epoch = 0;
};

/// A frame as laid out in memory, ready to be written.
struct FrameLayout {
  std::size_t bytes = 0;         // to the end of the last chunk
  std::size_t padded_bytes = 0;  // to the end of its last block
  std::string_view rows;         // the batch's rows, places filled in; a view into the buffer
  std::vector<PayloadPlace> places;
};

/// The length of the frame that holds `batch`, without padding.
std::size_t frame_bytes(const WriteBatch& batch);

/// Lays `batch` out as one frame at the buffer's start.
FrameLayout lay_out_frame(const WriteBatch& batch, const FrameIdentity& identity,
                          AlignedBuffer& buffer);

struct FrameHeader {
  FrameIdentity identity;
  std::uint32_t bytes = 0;
  std::uint32_t body_bytes = 0;
  std::uint32_t body_checksum = 0;
  std::uint32_t chunk_count = 0;
  std::uint32_t released_count = 0;
};

/// The frame header in `bytes`, if it is one that store `store_id` wrote at exactly this place.
std::optional<FrameHeader> read_frame_header(std::string_view bytes, std::uint64_t store_id,
                                             std::uint64_t segment, std::uint32_t offset);

/// What lies between a frame's header and its chunks; views into the bytes that it was read from.
struct FrameBody {
  struct Chunk {
    PayloadPlace place;
    std::string_view owner_key;
  };
  std::vector<Chunk> chunks;
  std::vector<PayloadPlace> released;
  std::string_view rows;
};

/// Reads a frame's body, `header.body_bytes` long, checked against the header's checksum.
std::optional<FrameBody> read_frame_body(const FrameHeader& header, std::string_view body);

/// Whether `bytes` (kChunkHeaderBytes and then the chunk) are the chunk that was written at
/// `place`.
bool is_chunk(std::string_view bytes, const PayloadPlace& place);

}  // namespace millrace
