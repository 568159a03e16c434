#include "model/receipt_handle.h"

#include <array>
#include <cstring>

namespace millrace {

namespace {

// A version, then the handle's fields. With the tag it is 42 bytes: base64 without padding.
struct Plain {
  std::uint16_t version;
  std::uint32_t delivery;
  std::uint64_t queue;
  std::uint64_t sequence;
  std::uint32_t epoch;
} __attribute__((packed));

constexpr std::uint16_t kVersion = 2;
using Tag = std::array<std::uint64_t, 2>;
using Words = std::array<std::uint64_t, 4>;  // of a Plain, and zeros behind it
constexpr std::size_t kSealedSize = sizeof(Tag) + sizeof(Plain);
static_assert(kSealedSize % 3 == 0 && kSealedSize / 3 * 4 == ReceiptSealer::kTextSize);
static_assert(sizeof(Plain) <= sizeof(Words));

// Two values of the same function, told apart by their first word.
Tag tag_of(const SipKey& key, const Words& words) {
  return {sip_hash(key, {0, words[0], words[1], words[2], words[3]}),
          sip_hash(key, {1, words[0], words[1], words[2], words[3]})};
}

// The other half of sealing and opening: the same mask put on twice is gone.
void apply_mask(const SipKey& key, const Tag& tag, char* plain) {
  Words bits{};
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = sip_hash(key, {i, tag[0], tag[1]});
  std::array<char, sizeof bits> mask{};
  std::memcpy(mask.data(), bits.data(), sizeof bits);
  for (std::size_t i = 0; i < sizeof(Plain); ++i) plain[i] = static_cast<char>(plain[i] ^ mask[i]);
}

ApiError invalid_handle(std::string_view text) {
  std::string message = "The input receipt handle \"";
  message.append(text).append("\" is not a valid receipt handle.");
  return {ErrorCode::receipt_handle_is_invalid, std::move(message)};
}

}  // namespace

ReceiptSealer::ReceiptSealer(std::span<const std::uint8_t, 32> key)
    : tag_(derive_sip_key(key, "millrace receipt handle tag")),
      mask_(derive_sip_key(key, "millrace receipt handle mask")) {}

std::string ReceiptSealer::seal(const ReceiptHandle& handle) const {
  const Plain plain{.version = kVersion,
                    .delivery = handle.delivery,
                    .queue = handle.queue.value(),
                    .sequence = handle.sequence.value(),
                    .epoch = handle.epoch};
  Words words{};
  std::memcpy(words.data(), &plain, sizeof plain);
  const Tag tag = tag_of(tag_, words);
  std::array<char, kSealedSize> sealed;
  std::memcpy(sealed.data(), tag.data(), sizeof tag);
  std::memcpy(sealed.data() + sizeof tag, &plain, sizeof plain);
  apply_mask(mask_, tag, sealed.data() + sizeof tag);
  return to_base64({sealed.data(), sealed.size()});
}

Expected<ReceiptHandle> ReceiptSealer::open(std::string_view text) const {
  if (text.size() != kTextSize) return invalid_handle(text);
  std::optional<std::string> sealed = from_base64(text);
  if (!sealed || sealed->size() != kSealedSize) return invalid_handle(text);
  Tag tag;
  std::memcpy(tag.data(), sealed->data(), sizeof tag);
  apply_mask(mask_, tag, sealed->data() + sizeof tag);
  Words words{};
  std::memcpy(words.data(), sealed->data() + sizeof tag, sizeof(Plain));
  // Both halves are looked at, whatever the first one says.
  const Tag expected = tag_of(tag_, words);
  if (((expected[0] ^ tag[0]) | (expected[1] ^ tag[1])) != 0) return invalid_handle(text);
  Plain plain;
  std::memcpy(&plain, words.data(), sizeof plain);
  if (plain.version != kVersion) return invalid_handle(text);
  return ReceiptHandle{.queue = QueueId(plain.queue),
                       .sequence = SequenceNumber(plain.sequence),
                       .delivery = plain.delivery,
                       .epoch = plain.epoch};
}

}  // namespace millrace
