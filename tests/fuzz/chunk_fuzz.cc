// Fuzzes the reading of chunks, as a damaged disk could hold them. What is read of a message is
// made of bytes of the chunk and is the same when a move writes it again; what is opened of it is,
// too.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "crypt/key_provider.h"
#include "queue/chunk.h"

namespace millrace {
namespace {

constexpr MessagePlace kPlace{QueueId{7}, SequenceNumber{640}};
constexpr MessagePlace kNext{QueueId{8}, SequenceNumber{64}};
constexpr Timestamp kNow{1'790'000'000'000};

/// Has one data key, with which the corpus is sealed.
class OneKey : public KeyProvider {
 public:
  Expected<DataKey> make_data_key(std::string_view) const override {
    return DataKey{SecretKey{}, "wrapped"};
  }
  Expected<SecretKey> unwrap(std::string_view wrapped) const override {
    if (wrapped != "wrapped") return ApiError(ErrorCode::internal_failure);
    return SecretKey{};
  }
  std::uint64_t generation() const override { return 1; }
};

void check_inside(std::string_view part, std::string_view chunk) {
  if (part.empty()) return;
  CHECK(part.data() >= chunk.data() && part.data() + part.size() <= chunk.data() + chunk.size());
}

void check_moved(const MessageRecord& record, const Fingerprinter& fingerprints) {
  MessageRecord moved = record;
  if (!moved.first_place) moved.first_place = kPlace;
  ChunkBuilder builder;
  builder.add_moved(moved, kNext, fingerprints);
  const std::string written = builder.finish();
  const std::optional<MessageRecord> again = parse_chunk_message(written, 0);
  CHECK(again && again->content == record.content && again->wrapped_key == record.wrapped_key);
  CHECK(again->sent_at == record.sent_at && again->group == record.group);
  CHECK(again->nonce == record.nonce && again->first_place == moved.first_place);
  CHECK(again->deduplication_id == record.deduplication_id);
  CHECK(again->origin.has_value() == record.origin.has_value());
  CHECK(is_genuine(*again, kNext, fingerprints) && !is_genuine(*again, kPlace, fingerprints));
}

void read(const std::shared_ptr<const std::string>& chunk) {
  static constexpr std::array<std::uint8_t, 32> kSecret{4};
  static const Fingerprinter fingerprints{kSecret};
  static const OneKey provider;
  static DataKeys keys{provider};
  for (unsigned slot = 0; slot <= 64; ++slot) {
    const std::optional<MessageRecord> record = parse_chunk_message(*chunk, slot);
    if (!record) continue;
    check_inside(record->content, *chunk);
    check_inside(record->wrapped_key, *chunk);
    check_inside(record->clear_part, *chunk);
    check_moved(*record, fingerprints);
    const Expected<OpenedMessage> opened = open_message(*record, kPlace, chunk, keys, kNow);
    if (opened) CHECK(opened->message.body.size() <= record->content.size());
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::read(std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size));
  return 0;
}
