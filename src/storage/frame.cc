#include "storage/frame.h"

#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "storage/checksum.h"

namespace millrace {

namespace {

constexpr std::uint64_t kSegmentMagic = 0x4d494c4c52534547;  // "MILLRSEG"
constexpr std::size_t kSegmentFieldBytes = 40;               // before the checksum
constexpr std::uint32_t kFrameMagic = 0x4d524631;            // "MRF1"
constexpr std::size_t kFrameCheckedAt = 8;                   // what the header's checksum covers
constexpr std::size_t kChunkCheckedAt = 4;
constexpr std::size_t kChunkEntryBytes = 12;  // offset, length, length of the owner's key

// Writes fields one behind the other into memory that is large enough.
class FieldWriter {
 public:
  explicit FieldWriter(char* at) : at_(at) {}
  void u32(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) *at_++ = static_cast<char>(value >> shift);
  }
  void u64(std::uint64_t value) {
    u32(static_cast<std::uint32_t>(value >> 32));
    u32(static_cast<std::uint32_t>(value));
  }
  void place(const PayloadPlace& place) {
    u64(place.segment);
    u32(place.offset);
    u32(place.length);
  }
  void bytes(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  char* at() const { return at_; }

 private:
  char* at_;
};

std::size_t body_bytes(const WriteBatch& batch) {
  std::size_t bytes = batch.released().size() * kPayloadPlaceBytes + batch.rows().size();
  for (const PayloadChunk& chunk : batch.payloads()) {
    bytes += kChunkEntryBytes + chunk.owner_key.size();
  }
  return bytes;
}

}  // namespace

void write_segment_header(const SegmentHeader& header, char* block) {
  std::memset(block, 0, kSegmentHeaderBytes);
  FieldWriter writer(block);
  writer.u64(kSegmentMagic);
  writer.u32(kLogFormatVersion);
  writer.u32(kLogBlockBytes);
  writer.u64(header.store_id);
  writer.u64(header.number);
  writer.u64(header.bytes);
  writer.u32(crc32c({block, kSegmentFieldBytes}));
}

SegmentHeaderResult read_segment_header(std::string_view block) {
  SegmentHeaderResult result;
  ByteReader reader(block);
  const std::uint64_t magic = reader.u64();
  const std::uint32_t version = reader.u32();
  const std::uint32_t block_bytes = reader.u32();
  SegmentHeader header;
  header.store_id = reader.u64();
  header.number = reader.u64();
  header.bytes = reader.u64();
  const std::uint32_t checksum = reader.u32();
  if (reader.failed() || magic != kSegmentMagic ||
      checksum != crc32c(block.substr(0, kSegmentFieldBytes))) {
    return result;
  }
  if (version > kLogFormatVersion) {
    result.fault = SegmentHeaderFault::newer_version;
  } else if (version == kLogFormatVersion && block_bytes == kLogBlockBytes) {
    result.header = header;
  }
  return result;
}

std::size_t frame_bytes(const WriteBatch& batch) {
  std::size_t bytes = kFrameHeaderBytes + body_bytes(batch);
  for (const PayloadChunk& chunk : batch.payloads()) {
    bytes += kChunkHeaderBytes + chunk.bytes->size();
  }
  return bytes;
}

FrameLayout lay_out_frame(const WriteBatch& batch, const FrameIdentity& identity,
                          AlignedBuffer& buffer) {
  FrameLayout layout;
  layout.bytes = frame_bytes(batch);
  layout.padded_bytes = round_up_to_block(layout.bytes);
  CHECK(identity.offset + std::uint64_t{layout.padded_bytes} <= UINT32_MAX);
  buffer.reserve(layout.padded_bytes);
  const std::size_t body_size = body_bytes(batch);
  char* const body = buffer.data() + kFrameHeaderBytes;

  FieldWriter entries(body);
  FieldWriter chunks(body + body_size);
  layout.places.reserve(batch.payloads().size());
  for (const PayloadChunk& chunk : batch.payloads()) {
    const auto length = static_cast<std::uint32_t>(chunk.bytes->size());
    const auto at = static_cast<std::size_t>(chunks.at() - buffer.data()) + kChunkHeaderBytes;
    const PayloadPlace place{identity.segment, identity.offset + static_cast<std::uint32_t>(at),
                             length};
    layout.places.push_back(place);
    entries.u32(place.offset);
    entries.u32(place.length);
    entries.u32(static_cast<std::uint32_t>(chunk.owner_key.size()));
    entries.bytes(chunk.owner_key);

    char* const header = chunks.at();
    chunks.u32(0);
    chunks.u32(length);
    chunks.u64(identity.segment);
    const std::uint32_t checksum = crc32c(
        *chunk.bytes, crc32c({header + kChunkCheckedAt, kChunkHeaderBytes - kChunkCheckedAt}));
    FieldWriter(header).u32(checksum);
    chunks.bytes(*chunk.bytes);
  }
  for (const PayloadPlace& place : batch.released()) entries.place(place);
  char* const rows = entries.at();
  entries.bytes(batch.rows());
  for (const WriteBatch::PlacedRow& placed : batch.placed_rows()) {
    FieldWriter(rows + placed.offset).place(layout.places[placed.payload]);
  }
  layout.rows = {rows, batch.rows().size()};
  std::memset(buffer.data() + layout.bytes, 0, layout.padded_bytes - layout.bytes);

  FieldWriter header(buffer.data());
  header.u32(kFrameMagic);
  header.u32(0);
  header.u64(identity.number);
  header.u64(identity.segment);
  header.u64(identity.store_id);
  header.u32(identity.offset);
  header.u32(identity.epoch);
  header.u32(static_cast<std::uint32_t>(layout.bytes));
  header.u32(static_cast<std::uint32_t>(body_size));
  header.u32(crc32c({body, body_size}));
  header.u32(static_cast<std::uint32_t>(batch.payloads().size()));
  header.u32(static_cast<std::uint32_t>(batch.released().size()));
  header.u32(0);
  FieldWriter(buffer.data() + 4)
      .u32(crc32c({buffer.data() + kFrameCheckedAt, kFrameHeaderBytes - kFrameCheckedAt}));
  return layout;
}

std::optional<FrameHeader> read_frame_header(std::string_view bytes, std::uint64_t store_id,
                                             std::uint64_t segment, std::uint32_t offset) {
  if (bytes.size() < kFrameHeaderBytes) return std::nullopt;
  ByteReader reader(bytes.substr(0, kFrameHeaderBytes));
  const std::uint32_t magic = reader.u32();
  const std::uint32_t checksum = reader.u32();
  FrameHeader header;
  header.identity.number = reader.u64();
  header.identity.segment = reader.u64();
  header.identity.store_id = reader.u64();
  header.identity.offset = reader.u32();
  header.identity.epoch = reader.u32();
  header.bytes = reader.u32();
  header.body_bytes = reader.u32();
  header.body_checksum = reader.u32();
  header.chunk_count = reader.u32();
  header.released_count = reader.u32();
  if (magic != kFrameMagic || header.identity.segment != segment ||
      header.identity.store_id != store_id || header.identity.offset != offset ||
      checksum != crc32c(bytes.substr(kFrameCheckedAt, kFrameHeaderBytes - kFrameCheckedAt)) ||
      header.bytes < kFrameHeaderBytes + std::uint64_t{header.body_bytes}) {
    return std::nullopt;
  }
  return header;
}

std::optional<FrameBody> read_frame_body(const FrameHeader& header, std::string_view body) {
  if (body.size() != header.body_bytes || crc32c(body) != header.body_checksum) {
    return std::nullopt;
  }
  FrameBody parsed;
  ByteReader reader(body);
  const std::uint64_t frame_end = std::uint64_t{header.identity.offset} + header.bytes;
  for (std::uint32_t i = 0; i < header.chunk_count && !reader.failed(); ++i) {
    FrameBody::Chunk chunk;
    chunk.place.segment = header.identity.segment;
    chunk.place.offset = reader.u32();
    chunk.place.length = reader.u32();
    chunk.owner_key = reader.bytes(reader.u32());
    const std::uint64_t first =
        header.identity.offset + kFrameHeaderBytes + header.body_bytes + kChunkHeaderBytes;
    if (chunk.place.offset < first ||
        std::uint64_t{chunk.place.offset} + chunk.place.length > frame_end) {
      return std::nullopt;
    }
    parsed.chunks.push_back(chunk);
  }
  for (std::uint32_t i = 0; i < header.released_count && !reader.failed(); ++i) {
    PayloadPlace place;
    place.segment = reader.u64();
    place.offset = reader.u32();
    place.length = reader.u32();
    parsed.released.push_back(place);
  }
  if (reader.failed()) return std::nullopt;
  parsed.rows = reader.rest();
  return parsed;
}

bool is_chunk(std::string_view bytes, const PayloadPlace& place) {
  if (bytes.size() != kChunkHeaderBytes + std::size_t{place.length}) return false;
  ByteReader reader(bytes);
  const std::uint32_t checksum = reader.u32();
  const std::uint32_t length = reader.u32();
  const std::uint64_t segment = reader.u64();
  return length == place.length && segment == place.segment &&
         checksum == crc32c(bytes.substr(kChunkCheckedAt));
}

}  // namespace millrace
