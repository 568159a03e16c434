#include "model/message_id.h"

#include "base/check.h"
#include "base/limits.h"

namespace millrace {

namespace {

constexpr std::uint64_t kHalfMask = (std::uint64_t{1} << limits::kMessageIdHalfBits) - 1;

// A UUID of version 4 leaves 122 bits free: 48, behind the version 12, and behind the variant 62.
// The left half takes the first 60 and one of the 62, the right half the other 61.
constexpr std::uint64_t kVersionBits = std::uint64_t{4} << 12;
constexpr std::uint64_t kVersionMask = std::uint64_t{0xf} << 12;
constexpr std::uint64_t kVariantBits = std::uint64_t{2} << 62;
constexpr std::uint64_t kVariantMask = std::uint64_t{3} << 62;

MessageId to_id(std::uint64_t left, std::uint64_t right) {
  const std::uint64_t first = (left >> 13 << 16) | kVersionBits | ((left >> 1) & 0xfff);
  const std::uint64_t second = kVariantBits | (left & 1) << limits::kMessageIdHalfBits | right;
  MessageId id;
  for (unsigned i = 0; i < 8; ++i) {
    id[i] = static_cast<std::uint8_t>(first >> (56 - 8 * i));
    id[8 + i] = static_cast<std::uint8_t>(second >> (56 - 8 * i));
  }
  return id;
}

}  // namespace

MessageIdCipher::MessageIdCipher(std::span<const std::uint8_t, 32> key) {
  for (std::size_t round = 0; round < kRounds; ++round) {
    keys_[round] = derive_sip_key(key, "millrace message id round " + std::to_string(round));
  }
}

MessageId MessageIdCipher::id(MessagePlace place) const {
  std::uint64_t left = place.queue.value();
  std::uint64_t right = place.sequence.value();
  CHECK(left <= kHalfMask && right <= kHalfMask);
  for (const SipKey& key : keys_) {
    left ^= sip_hash(key, {right}) & kHalfMask;
    std::swap(left, right);
  }
  return to_id(left, right);
}

std::optional<MessagePlace> MessageIdCipher::place(const MessageId& id) const {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  for (unsigned i = 0; i < 8; ++i) {
    first = first << 8 | id[i];
    second = second << 8 | id[8 + i];
  }
  if ((first & kVersionMask) != kVersionBits || (second & kVariantMask) != kVariantBits) {
    return std::nullopt;
  }
  std::uint64_t left =
      first >> 16 << 13 | (first & 0xfff) << 1 | (second >> limits::kMessageIdHalfBits & 1);
  std::uint64_t right = second & kHalfMask;
  for (std::size_t round = kRounds; round-- > 0;) {
    std::swap(left, right);
    left ^= sip_hash(keys_[round], {right}) & kHalfMask;
  }
  return MessagePlace{QueueId(left), SequenceNumber(right)};
}

}  // namespace millrace
