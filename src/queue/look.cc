#include "queue/look.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "queue/chunk.h"

namespace millrace {

namespace {

bool sent_in_time(const LookWanted& wanted, Timestamp sent_at) {
  return (!wanted.sent_from || *wanted.sent_from <= sent_at) &&
         (!wanted.sent_until || sent_at <= *wanted.sent_until);
}

bool has_attribute(const LookWanted& wanted, const StoredMessage& message) {
  if (wanted.attribute_name.empty() && !wanted.attribute_value) return true;
  return std::ranges::any_of(message.attributes, [&](const MessageAttributeView& attribute) {
    return (wanted.attribute_name.empty() || attribute.name == wanted.attribute_name) &&
           (!wanted.attribute_value || attribute.value == *wanted.attribute_value);
  });
}

bool has_content(const LookWanted& wanted, const StoredMessage& message) {
  if (!wanted.group_id.empty() && message.group_id != wanted.group_id) return false;
  if (!has_attribute(wanted, message)) return false;
  return wanted.text.empty() || message.body.find(wanted.text) != std::string_view::npos;
}

// What receives call the message.
MessageId id_of(const MessageRecord& record, const MessagePlace& place,
                const MessageIdCipher& ids) {
  return record.origin ? record.origin->id : ids.id(place);
}

// Up to `bytes` of a text, whole characters of UTF-8.
std::string_view beginning(std::string_view text, std::size_t bytes) {
  if (bytes >= text.size()) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

LookedMessage describe(const Look& look, const MessageRecord& record, const StoredMessage& message,
                       const MessagePlace& place, const Look::Candidate::Slot& slot) {
  LookedMessage found;
  found.sequence = place.sequence;
  found.peek_id = look.ids->id(place);
  found.id = id_of(record, place, *look.ids);
  found.state = slot.state;
  found.visible_at = slot.visible_at;
  found.sent_at = message.sent_at;
  found.receive_count = slot.receive_count;
  found.first_received_at = slot.first_received_at;
  if (record.origin) {
    found.receive_count += record.origin->receive_count;
    found.first_received_at = record.origin->first_received_at;
  }
  found.body = beginning(message.body, look.body_bytes_max);
  found.body_size = message.body.size();
  found.body_md5 = message.body_md5;
  for (const MessageAttributeView& attribute : message.attributes) {
    found.attributes.push_back({.name = std::string(attribute.name),
                                .data_type = std::string(attribute.data_type),
                                .value = std::string(attribute.value),
                                .binary = attribute.binary});
  }
  found.sender_id = message.sender_id;
  found.group_id = message.group_id;
  found.deduplication_id = message.deduplication_id;
  found.trace_header = message.trace_header;
  found.dead_letter_source_arn = message.dead_letter_source_arn;
  found.group = slot.group;
  return found;
}

std::size_t bytes_of(const LookedMessage& message) {
  std::size_t bytes = message.body.size();
  for (const MessageAttribute& attribute : message.attributes) bytes += attribute.value.size();
  return bytes;
}

bool is_full(const Look& look) {
  return look.found.size() >= look.found_max ||
         (!look.found.empty() && look.found_bytes >= look.found_bytes_max);
}

}  // namespace

bool has_enough(const Look& look) {
  return look.exhausted || is_full(look) || look.bytes_read >= limits::kLookBytesMax ||
         (look.wanted.group_heads && look.groups_listed.size() >= look.groups_max);
}

void go_on(Look& look) {
  look.from = look.next;
  look.stage = Look::Stage::asked;
  look.candidates.clear();
}

std::optional<unsigned> examine(Look& look, const Look::Candidate& candidate,
                                const std::shared_ptr<const std::string>& chunk) {
  for (const Look::Candidate::Slot& slot : candidate.slots) {
    if (is_full(look)) return slot.number;
    const MessagePlace place{look.queue, sequence_of(candidate.block, slot.number)};
    const std::optional<MessageRecord> record = parse_chunk_message(*chunk, slot.number);
    // A message that is not what was stored is passed over, as receives do.
    if (!record || record->sent_at < look.kept_from || !sent_in_time(look.wanted, record->sent_at))
      continue;
    if (look.wanted.id && id_of(*record, place, *look.ids) != *look.wanted.id) continue;
    if (look.keep_chunks) {
      // As it is, sealed or not: whoever wants the chunk needs no key.
      LookedMessage& found = look.found.emplace_back();
      found.sequence = place.sequence;
      found.chunk = chunk;
      continue;
    }
    const Expected<OpenedMessage> opened =
        open_message(*record, place, chunk, *look.keys, look.now);
    if (!opened) {
      if (opened.error().code() == ErrorCode::internal_failure) continue;
      look.error = opened.error();
      return slot.number;
    }
    if (!has_content(look.wanted, opened->message)) continue;
    if (!is_genuine(*record, place, *look.fingerprints)) continue;
    look.found.push_back(describe(look, *record, opened->message, place, slot));
    look.found_bytes += bytes_of(look.found.back());
  }
  return std::nullopt;
}

}  // namespace millrace
