#include "model/fingerprint.h"

#include <string>

#include "base/bytes.h"

namespace millrace {

namespace {

// The first byte of what is hashed, so that the kinds have nothing to do with each other.
enum Hashed : std::uint8_t {
  kGroup = 1,
  kDeduplication = 2,
  kReceiveAttempt = 3,
  kMoveTask = 4,
  kStoredMessage = 5,
};

Fingerprint first_half(const Sha256Digest& digest) {
  Fingerprint fingerprint;
  std::memcpy(fingerprint.data(), digest.data(), fingerprint.size());
  return fingerprint;
}

std::string tagged(Hashed kind, std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() + 1);
  append_u8(bytes, kind);
  bytes.append(text);
  return bytes;
}

}  // namespace

Fingerprinter::Fingerprinter(std::span<const std::uint8_t, 32> key)
    : hash_({reinterpret_cast<const char*>(key.data()), key.size()}) {}

GroupKey Fingerprinter::group(std::string_view group_id) const {
  const Sha256Digest digest = hash_(tagged(kGroup, group_id));
  return GroupKey{ByteReader({reinterpret_cast<const char*>(digest.data()), digest.size()}).u64()};
}

Fingerprint Fingerprinter::deduplication(std::string_view group_id,
                                         std::string_view deduplication_id) const {
  std::string bytes;
  append_u8(bytes, kDeduplication);
  append_sized(bytes, group_id);
  bytes.append(deduplication_id);
  return first_half(hash_(bytes));
}

Fingerprint Fingerprinter::receive_attempt(std::string_view attempt_id) const {
  return first_half(hash_(tagged(kReceiveAttempt, attempt_id)));
}

Fingerprint Fingerprinter::move_task(QueueId source, std::uint64_t number) const {
  std::string bytes;
  append_u8(bytes, kMoveTask);
  append_u64(bytes, source.value());
  append_u64(bytes, number);
  Fingerprint id = first_half(hash_(bytes));
  id[6] = static_cast<std::uint8_t>(0x40 | (id[6] & 0x0f));  // version 4
  id[8] = static_cast<std::uint8_t>(0x80 | (id[8] & 0x3f));  // variant of RFC 9562
  return id;
}

Fingerprint Fingerprinter::stored_message(const MessagePlace& place, std::string_view bytes) const {
  std::string tagged_bytes;
  tagged_bytes.reserve(bytes.size() + 17);
  append_u8(tagged_bytes, kStoredMessage);
  append_u64(tagged_bytes, place.queue.value());
  append_u64(tagged_bytes, place.sequence.value());
  tagged_bytes.append(bytes);
  return first_half(hash_(tagged_bytes));
}

}  // namespace millrace
