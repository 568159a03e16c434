// A message in its three forms: as sent (NewMessage), as stored (StoredMessage), and as handed out
// (Delivery). Values only; the views of the first point into the request, those of the other two
// into what was stored, or what of it was opened, which a Delivery keeps alive.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/error.h"
#include "base/strong_type.h"

namespace millrace {

/// Number of a queue inside this installation; its upper 16 bits name the shard that owns it. Never
/// reused, so a queue that is created again shares nothing with the old one.
using QueueId = StrongType<struct QueueIdTag, std::uint64_t>;
/// Position of a message in its queue, always rising.
using SequenceNumber = StrongType<struct SequenceNumberTag, std::uint64_t>;
/// SequenceNumber as clients of a FIFO queue see it: always 20 digits, so that texts compare as the
/// numbers do.
std::string sequence_number_text(SequenceNumber sequence);
/// The 16 bytes behind the UUID text of a MessageId.
using MessageId = std::array<std::uint8_t, 16>;

/// One message attribute or message system attribute. For `binary` the value is the raw bytes.
struct MessageAttribute {
  std::string name;
  std::string data_type;  // String, Number or Binary, with an optional ".label"
  std::string value;
  bool binary = false;

  friend bool operator==(const MessageAttribute&, const MessageAttribute&) = default;
};

/// The same as views.
struct MessageAttributeView {
  std::string_view name;
  std::string_view data_type;
  std::string_view value;
  bool binary = false;
};

/// A message that has passed every check of its request and is about to be stored.
struct NewMessage {
  std::string_view body;
  // Where the body's MD5 is put by the time that the send is answered; null: nobody asks. It is
  // made with those of other messages, since many at once are cheaper.
  Md5Digest* body_md5 = nullptr;
  std::span<const MessageAttribute> attributes;  // sorted by name
  std::string_view trace_header;                 // AWSTraceHeader, or empty
  std::string_view group_id;                     // MessageGroupId, or empty
  std::string_view deduplication_id;             // FIFO: given or made from the body; else empty
  std::string_view sender_id;
  Milliseconds delay = 0;  // DelaySeconds of the message, or else of its queue
};

/// A message as it is stored: what never changes about it.
struct StoredMessage {
  std::string_view body;
  Md5Digest body_md5{};
  std::vector<MessageAttributeView> attributes;
  std::string_view trace_header;
  std::string_view group_id;
  std::string_view deduplication_id;
  std::string_view sender_id;
  std::string_view dead_letter_source_arn;  // set by a dead-letter move, else empty
  Timestamp sent_at;
};

/// A message handed to one receive.
struct Delivery {
  std::shared_ptr<const void> storage;  // what the views of `message` point into
  StoredMessage message;
  MessageId id{};
  SequenceNumber sequence;
  std::string receipt_handle;
  std::uint32_t receive_count = 0;
  Timestamp first_received_at;
};

/// MD5OfMessageAttributes (SQS Developer Guide, "Calculating the MD5 message digest for message
/// attributes"): name, type, transport byte and value, each with its length, in ascending order of
/// name. @param attributes any order; sorted inside when needed.
Md5Digest attributes_md5(std::span<const MessageAttributeView> attributes);
Md5Digest attributes_md5(std::span<const MessageAttribute> attributes);

/// What counts against MaximumMessageSize and the batch limit: the body and each attribute's name,
/// type and value, in bytes. System attributes are free.
std::size_t message_size(std::string_view body, std::span<const MessageAttribute> attributes);

/// Which value fields a request's MessageAttributeValue had.
struct GivenAttributeValue {
  std::optional<std::string> data_type = {};
  std::optional<std::string> string_value = {};
  std::optional<std::string> binary_value = {};  // raw bytes
  bool has_list_value = false;                   // StringListValues or BinaryListValues
};

/// The attribute that a request gave, checked as check_message_attributes does for one alone.
/// @return UnsupportedOperation for lists, else InvalidParameterValue with SQS's text.
Expected<MessageAttribute> make_message_attribute(std::string_view name, GivenAttributeValue given);

/// Checks a send's attributes: count, names, types, values. @return nothing, or the first error
/// (InvalidParameterValue with SQS's text).
Expected<void> check_message_attributes(std::span<const MessageAttribute> attributes);

/// Checks the system attributes of a send, of which only AWSTraceHeader exists.
/// @return its value, empty if it is not among them; or InvalidParameterValue.
Expected<std::string_view> trace_header_of(std::span<const MessageAttribute> system_attributes);

/// Whether a body is there and holds only the characters that SQS takes.
bool is_message_body(std::string_view body);
/// Why `body` is none: MissingParameter, which names `parameter`, or InvalidMessageContents.
ApiError bad_message_body(std::string_view body, std::string_view parameter);

/// Checks the form of a MessageGroupId, MessageDeduplicationId or ReceiveRequestAttemptId: 1 to 128
/// letters, digits and punctuation of ASCII. @param parameter its name, for the error.
/// @return InvalidParameterValue with SQS's text.
Expected<void> check_message_token(std::string_view token, std::string_view parameter);

/// Whether `id` may name an entry of a batch: 1 to 80 of [A-Za-z0-9_-].
bool is_batch_entry_id(std::string_view id);

}  // namespace millrace
