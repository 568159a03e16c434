#include "queue/chunk.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "base/encoding.h"
#include "queue/records.h"

namespace millrace {

namespace {

// A chunk is: version (1), the records, the wrapped data keys (each sized), the offset of each
// record (4 each), the offset of the keys (4), the count of the records (1).
constexpr std::uint8_t kChunkVersion = 2;
constexpr std::size_t kTailBytes = 4 + 1;

// A record is: flags (1), time sent (8), and then what the flags say; from there to its
// end, which is where the next one or the keys begin, the content.
enum RecordFlag : std::uint8_t {
  kSealed = 1,              // number of the data key (1), number under that key (varint)
  kGrouped = 2,             // group (8)
  kMoved = 4,               // first place: queue (8), sequence (varint)
  kHasDeduplicationId = 8,  // message id (16)
  kHasOrigin = 16,          // message id (16), ARN of the source (sized), count (4), time (8)
};
// The place seal (16) stands before the content, unless that is sealed and was not moved.

// A content is: flags (1), MD5 of the body (16), sender (sized), what the flags say, the body.
enum ContentFlag : std::uint8_t {
  kHasAttributes = 1,
  kHasTraceHeader = 2,
  kHasGroupId = 4,
  kHasOwnDeduplicationId = 8,
};

constexpr std::size_t kUuidTextBytes = 36;
// What a record holds besides a body, in most cases.
constexpr std::size_t kUsualBytes = 128;

void append_bytes(std::string& out, std::span<const std::uint8_t> bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

template <std::size_t Size>
void read_bytes(ByteReader& in, std::array<std::uint8_t, Size>& into) {
  for (std::uint8_t& byte : into) byte = in.u8();
}

// What a content is sealed with besides its key and nonce.
class Bound {
 public:
  explicit Bound(const MessagePlace& place) {
    bytes_[0] = kChunkVersion;
    put(1, place.queue.value());
    put(9, place.sequence.value());
  }
  operator std::string_view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  void put(std::size_t at, std::uint64_t value) {
    for (std::size_t i = 8; i-- > 0; value >>= 8) bytes_[at + i] = static_cast<char>(value);
  }
  std::array<char, 17> bytes_{};
};

void append_content(std::string& out, const NewMessage& message) {
  std::uint8_t flags = 0;
  if (!message.attributes.empty()) flags |= kHasAttributes;
  if (!message.trace_header.empty()) flags |= kHasTraceHeader;
  if (!message.group_id.empty()) flags |= kHasGroupId;
  if (!message.deduplication_id.empty()) flags |= kHasOwnDeduplicationId;
  append_u8(out, flags);
  out.append(sizeof(Md5Digest), 0);  // see digest_and_seal()
  append_sized(out, message.sender_id);
  if (!message.attributes.empty()) {
    append_varint(out, message.attributes.size());
    for (const MessageAttribute& attribute : message.attributes) {
      append_sized(out, attribute.name);
      append_sized(out, attribute.data_type);
      append_u8(out, attribute.binary ? 1 : 0);
      append_sized(out, attribute.value);
    }
  }
  for (const std::string_view text :
       {message.trace_header, message.group_id, message.deduplication_id}) {
    if (!text.empty()) append_sized(out, text);
  }
  out.append(message.body);
}

// @return false where the bytes are no content.
bool parse_content(std::string_view bytes, StoredMessage& message) {
  ByteReader in(bytes);
  const std::uint8_t flags = in.u8();
  read_bytes(in, message.body_md5);
  message.sender_id = in.sized();
  if ((flags & kHasAttributes) != 0) {
    const std::uint64_t count = in.varint();
    if (count > bytes.size()) return false;
    message.attributes.resize(count);
    for (MessageAttributeView& attribute : message.attributes) {
      attribute.name = in.sized();
      attribute.data_type = in.sized();
      attribute.binary = in.u8() != 0;
      attribute.value = in.sized();
    }
  }
  if ((flags & kHasTraceHeader) != 0) message.trace_header = in.sized();
  if ((flags & kHasGroupId) != 0) message.group_id = in.sized();
  if ((flags & kHasOwnDeduplicationId) != 0) message.deduplication_id = in.sized();
  message.body = in.rest();
  return !in.failed();
}

// Covers the record up to there, and a sealed content by its tag.
Fingerprint make_place_seal(const Fingerprinter& fingerprints, const MessagePlace& place,
                            std::string_view clear_part, bool sealed, std::string_view content) {
  std::string bytes(clear_part);
  if (sealed) bytes.append(content.substr(content.size() - std::min(content.size(), kGcmTagBytes)));
  return fingerprints.stored_message(place, bytes);
}

// The wrapped key number `number` of the keys at the start of `keys`.
std::string_view find_key(std::string_view keys, unsigned number) {
  ByteReader in(keys);
  std::string_view key;
  for (unsigned i = 0; i <= number; ++i) key = in.sized();
  return key;
}

void parse_origin(ByteReader& in, std::optional<MessageOrigin>& into) {
  MessageOrigin& origin = into.emplace();
  read_bytes(in, origin.id);
  origin.source_arn = in.sized();
  origin.receive_count = in.u32();
  origin.first_received_at = Timestamp{in.i64()};
}

}  // namespace

// --- building ---

void ChunkBuilder::begin_record(std::uint8_t flags, Timestamp sent_at, GroupKey group) {
  CHECK(count() < kBlockMessagesMax);
  if (bytes_.empty()) append_u8(bytes_, kChunkVersion);
  offsets_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  if (group != GroupKey{}) flags |= kGrouped;
  append_u8(bytes_, flags);
  append_i64(bytes_, sent_at.milliseconds);
  if (group != GroupKey{}) append_u64(bytes_, group.value());
}

// The number of the key in this chunk, where it is put if it is new.
std::uint8_t ChunkBuilder::key_number(std::string_view wrapped_key) {
  const auto found = std::ranges::find(keys_, wrapped_key);
  const auto number = static_cast<std::uint8_t>(found - keys_.begin());
  if (found == keys_.end()) {
    keys_.emplace_back(wrapped_key);
    key_bytes_ += wrapped_key.size() + 2;
  }
  return number;
}

void ChunkBuilder::add(const NewMessage& message, Timestamp sent_at, GroupKey group,
                       const MessagePlace& place, const std::shared_ptr<SealingKey>& key,
                       const Fingerprinter& fingerprints) {
  bytes_.reserve(bytes_.size() + message.body.size() + kUsualBytes);
  begin_record(key ? kSealed : 0, sent_at, group);
  std::uint64_t number = 0;
  if (key) {
    number = key->number_for(message_size(message.body, message.attributes));
    append_u8(bytes_, key_number(key->wrapped()));
    append_varint(bytes_, number);
  } else {
    const std::string_view part = std::string_view(bytes_).substr(offsets_.back());
    append_bytes(bytes_, make_place_seal(fingerprints, place, part, false, {}));
  }
  Unsealed& unsealed =
      unsealed_.emplace_back(Unsealed{.place = place, .key = key, .number = number});
  unsealed.content = bytes_.size();
  append_content(bytes_, message);
  unsealed.end = bytes_.size();
  unsealed.body = unsealed.end - message.body.size();
  unsealed.digest = message.body_md5;
  if (key) bytes_.append(kGcmTagBytes, 0);
}

void ChunkBuilder::add_moved(const MessageRecord& message, const MessagePlace& place,
                             const Fingerprinter& fingerprints) {
  CHECK(message.first_place);
  bytes_.reserve(bytes_.size() + message.content.size() + kUsualBytes);
  std::uint8_t flags = kMoved;
  if (!message.wrapped_key.empty()) flags |= kSealed;
  if (message.deduplication_id) flags |= kHasDeduplicationId;
  if (message.origin) flags |= kHasOrigin;
  begin_record(flags, message.sent_at, message.group);
  if (!message.wrapped_key.empty()) {
    append_u8(bytes_, key_number(message.wrapped_key));
    append_varint(bytes_, message.nonce);
  }
  append_u64(bytes_, message.first_place->queue.value());
  append_varint(bytes_, message.first_place->sequence.value());
  if (message.deduplication_id) append_bytes(bytes_, *message.deduplication_id);
  if (message.origin) {
    append_bytes(bytes_, message.origin->id);
    append_sized(bytes_, message.origin->source_arn);
    append_u32(bytes_, message.origin->receive_count);
    append_i64(bytes_, message.origin->first_received_at.milliseconds);
  }
  const std::string_view part = std::string_view(bytes_).substr(offsets_.back());
  append_bytes(bytes_,
               make_place_seal(fingerprints, place, part, (flags & kSealed) != 0, message.content));
  bytes_.append(message.content);
}

std::size_t ChunkBuilder::bytes() const {
  return bytes_.size() + key_bytes_ + offsets_.size() * 4 + kTailBytes;
}

// The digest stands behind a content's flags.
void ChunkBuilder::digest_and_seal() {
  std::array<std::string_view, kBlockMessagesMax> bodies;
  std::array<Md5Digest, kBlockMessagesMax> digests;
  const std::size_t count = unsealed_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Unsealed& message = unsealed_[i];
    bodies[i] = std::string_view(bytes_).substr(message.body, message.end - message.body);
  }
  md5_many({bodies.data(), count}, {digests.data(), count});
  for (std::size_t i = 0; i < count; ++i) {
    const Unsealed& message = unsealed_[i];
    if (message.digest != nullptr) *message.digest = digests[i];
    std::ranges::copy(digests[i], bytes_.data() + message.content + 1);
    if (!message.key) continue;
    const std::size_t sealed_bytes = message.end - message.content + kGcmTagBytes;
    message.key->seal(message.number, Bound(message.place),
                      {bytes_.data() + message.content, sealed_bytes});
  }
  unsealed_.clear();
}

std::string ChunkBuilder::finish() {
  digest_and_seal();
  const auto keys = static_cast<std::uint32_t>(bytes_.size());
  for (const std::string& key : keys_) append_sized(bytes_, key);
  for (const std::uint32_t offset : offsets_) append_u32(bytes_, offset);
  append_u32(bytes_, keys);
  append_u8(bytes_, static_cast<std::uint8_t>(offsets_.size()));
  // A chunk may stay in memory for long, so it has no room to spare.
  const bool fits = bytes_.capacity() - bytes_.size() <= bytes_.size() / 8;
  std::string chunk = fits ? std::move(bytes_) : bytes_;
  bytes_.clear();
  offsets_.clear();
  keys_.clear();
  key_bytes_ = 0;
  return chunk;
}

// --- reading ---

std::optional<MessageRecord> parse_chunk_message(std::string_view chunk, unsigned slot) {
  if (chunk.size() <= kTailBytes) return {};
  if (static_cast<std::uint8_t>(chunk.front()) != kChunkVersion) return {};
  const unsigned count = static_cast<std::uint8_t>(chunk.back());
  const std::size_t tail_bytes = std::size_t{count} * 4 + kTailBytes;
  if (slot >= count || tail_bytes >= chunk.size()) return {};
  const std::size_t tail = chunk.size() - tail_bytes;
  const std::size_t keys = ByteReader(chunk.substr(chunk.size() - kTailBytes)).u32();
  ByteReader offsets(chunk.substr(tail + std::size_t{slot} * 4));
  const std::size_t offset = offsets.u32();
  const std::size_t end = slot + 1 < count ? offsets.u32() : keys;
  if (keys > tail || offset == 0 || offset >= end || end > keys) return {};

  const std::string_view record = chunk.substr(offset, end - offset);
  ByteReader in(record);
  MessageRecord parsed;
  const std::uint8_t flags = in.u8();
  parsed.sent_at = Timestamp{in.i64()};
  if ((flags & kGrouped) != 0) parsed.group = GroupKey{in.u64()};
  if ((flags & kSealed) != 0) {
    parsed.wrapped_key = find_key(chunk.substr(keys, tail - keys), in.u8());
    parsed.nonce = in.varint();
    if (parsed.wrapped_key.empty()) return {};
  }
  if ((flags & kMoved) != 0) {
    const QueueId queue{in.u64()};
    parsed.first_place = MessagePlace{queue, SequenceNumber{in.varint()}};
  }
  if ((flags & kHasDeduplicationId) != 0) read_bytes(in, parsed.deduplication_id.emplace());
  if ((flags & kHasOrigin) != 0) parse_origin(in, parsed.origin);
  if ((flags & kMoved) != 0 || (flags & kSealed) == 0) {
    parsed.clear_part = record.substr(0, record.size() - in.rest().size());
    parsed.place_seal = in.bytes(sizeof(Fingerprint));
  }
  parsed.content = in.rest();
  if (in.failed()) return {};
  return parsed;
}

bool is_genuine(const MessageRecord& message, const MessagePlace& place,
                const Fingerprinter& fingerprints) {
  const bool sealed = !message.wrapped_key.empty();
  // What a move adds is true only under a place seal.
  if (sealed && !message.first_place) return !message.origin && !message.deduplication_id;
  const Fingerprint seal =
      make_place_seal(fingerprints, place, message.clear_part, sealed, message.content);
  return equal_constant_time({reinterpret_cast<const char*>(seal.data()), seal.size()},
                             message.place_seal);
}

ApiError damaged_message() {
  return {ErrorCode::internal_failure, "A stored message is not what was stored there."};
}

Expected<OpenedMessage> open_message(const MessageRecord& record, const MessagePlace& place,
                                     const std::shared_ptr<const std::string>& chunk,
                                     DataKeys& keys, Timestamp now) {
  const bool sealed = !record.wrapped_key.empty();
  OpenedMessage opened{.message = {}, .storage = chunk};
  std::string_view content = record.content;
  std::string_view source_arn = record.origin ? record.origin->source_arn : std::string_view();
  if (sealed || record.deduplication_id) {
    // One piece of memory: the content, the deduplication id, the source's ARN.
    if (sealed && content.size() < kGcmTagBytes) return damaged_message();
    const std::size_t size = content.size() - (sealed ? kGcmTagBytes : 0);
    const std::shared_ptr<char[]> buffer =
        std::make_shared_for_overwrite<char[]>(size + kUuidTextBytes + source_arn.size());
    if (sealed) {
      const Expected<GcmOpener*> opener = keys.opening(record.wrapped_key, now);
      if (!opener) return opener.error();
      const GcmNonce nonce = counted_nonce(record.nonce);
      const Bound bound(record.first_place.value_or(place));
      if (!(*opener)->open(nonce, bound, content, buffer.get())) return damaged_message();
    } else {
      std::ranges::copy(content, buffer.get());
    }
    content = {buffer.get(), size};
    char* behind = buffer.get() + size;
    if (record.deduplication_id) {
      std::ranges::copy(to_uuid_text(*record.deduplication_id), behind);
      opened.message.deduplication_id = {behind, kUuidTextBytes};
    }
    std::ranges::copy(source_arn, behind + kUuidTextBytes);
    source_arn = {behind + kUuidTextBytes, source_arn.size()};
    opened.storage = buffer;
  }
  StoredMessage& message = opened.message;
  const std::string_view deduplication_id = message.deduplication_id;
  if (!parse_content(content, message)) return damaged_message();
  if (record.deduplication_id) message.deduplication_id = deduplication_id;
  message.sent_at = record.sent_at;
  message.dead_letter_source_arn = source_arn;
  return opened;
}

}  // namespace millrace
