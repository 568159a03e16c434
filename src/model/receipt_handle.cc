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

constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kSealedSize = kTagSize + sizeof(Plain);
constexpr std::size_t kTextSize = kSealedSize / 3 * 4;
static_assert(kSealedSize % 3 == 0 && sizeof(Plain) <= sizeof(Sha256Digest));

// A key for one use, so that tag and mask have nothing to do with each other.
KeyedHash derive(std::span<const std::uint8_t, 32> key, std::string_view use) {
  const Sha256Digest derived =
      hmac_sha256({reinterpret_cast<const char*>(key.data()), key.size()}, use);
  return KeyedHash({reinterpret_cast<const char*>(derived.data()), derived.size()});
}

// The other half of sealing and opening: the same mask put on twice is gone.
void apply_mask(const KeyedHash& mask, const char* tag, char* plain) {
  const Sha256Digest bits = mask({tag, kTagSize});
  for (std::size_t i = 0; i < sizeof(Plain); ++i) plain[i] = static_cast<char>(plain[i] ^ bits[i]);
}

ApiError invalid_handle(std::string_view text) {
  std::string message = "The input receipt handle \"";
  message.append(text).append("\" is not a valid receipt handle.");
  return {ErrorCode::receipt_handle_is_invalid, std::move(message)};
}

}  // namespace

ReceiptSealer::ReceiptSealer(std::span<const std::uint8_t, 32> key)
    : tag_(derive(key, "millrace receipt handle tag")),
      mask_(derive(key, "millrace receipt handle mask")) {}

std::string ReceiptSealer::seal(const ReceiptHandle& handle) const {
  const Plain plain{.version = kVersion,
                    .delivery = handle.delivery,
                    .queue = handle.queue.value(),
                    .sequence = handle.sequence.value(),
                    .epoch = handle.epoch};
  std::array<char, kSealedSize> sealed;
  std::memcpy(sealed.data() + kTagSize, &plain, sizeof plain);
  const Sha256Digest tag = tag_({sealed.data() + kTagSize, sizeof plain});
  std::memcpy(sealed.data(), tag.data(), kTagSize);
  apply_mask(mask_, sealed.data(), sealed.data() + kTagSize);
  return to_base64({sealed.data(), sealed.size()});
}

Expected<ReceiptHandle> ReceiptSealer::open(std::string_view text) const {
  if (text.size() != kTextSize) return invalid_handle(text);
  std::optional<std::string> sealed = from_base64(text);
  if (!sealed || sealed->size() != kSealedSize) return invalid_handle(text);
  apply_mask(mask_, sealed->data(), sealed->data() + kTagSize);
  const Sha256Digest tag = tag_(std::string_view(*sealed).substr(kTagSize));
  if (!equal_constant_time({reinterpret_cast<const char*>(tag.data()), kTagSize},
                           std::string_view(*sealed).substr(0, kTagSize))) {
    return invalid_handle(text);
  }
  Plain plain;
  std::memcpy(&plain, sealed->data() + kTagSize, sizeof plain);
  if (plain.version != kVersion) return invalid_handle(text);
  return ReceiptHandle{.queue = QueueId(plain.queue),
                       .sequence = SequenceNumber(plain.sequence),
                       .delivery = plain.delivery,
                       .epoch = plain.epoch};
}

}  // namespace millrace
