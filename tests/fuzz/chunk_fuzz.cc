// Fuzzes the reading of chunks, as a damaged disk could hold them: whatever is read as a message is
// made of bytes of the chunk, and is the same when it is written and read again.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "queue/records.h"

namespace millrace {
namespace {

void check_message(std::string_view chunk, const ChunkMessage& parsed) {
  const StoredMessage& message = parsed.message;
  CHECK(message.body.empty() ||
        (message.body.data() >= chunk.data() &&
         message.body.data() + message.body.size() <= chunk.data() + chunk.size()));
  ChunkBuilder builder;
  builder.add_moved(message, parsed.origin);
  const std::string written = builder.finish();
  const std::optional<ChunkMessage> again = parse_chunk_message(written, 0);
  CHECK(again && again->message.body == message.body);
  CHECK(again->message.body_md5 == message.body_md5 && again->message.sent_at == message.sent_at);
  CHECK(again->message.attributes.size() == message.attributes.size());
  CHECK(attributes_md5(again->message.attributes) == attributes_md5(message.attributes));
  CHECK(again->message.group_id == message.group_id);
  CHECK(again->message.deduplication_id == message.deduplication_id);
  CHECK(again->message.trace_header == message.trace_header);
  CHECK(again->message.sender_id == message.sender_id);
  CHECK(again->origin.has_value() == parsed.origin.has_value());
  CHECK(again->message.dead_letter_source_arn == message.dead_letter_source_arn);
}

void read(std::string_view chunk) {
  for (unsigned slot = 0; slot <= kBlockMessagesMax; ++slot) {
    const std::optional<ChunkMessage> parsed = parse_chunk_message(chunk, slot);
    if (parsed) check_message(chunk, *parsed);
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::read({reinterpret_cast<const char*>(data), size});
  return 0;
}
