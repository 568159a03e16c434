// The actions on messages: send, receive, delete, change visibility, and their batches.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/encoding.h"
#include "base/limits.h"
#include "model/attribute_selector.h"
#include "queue/shard.h"
#include "runtime/shard_driver.h"
#include "service/handlers.h"
#include "service/resolve.h"

namespace millrace {

namespace {

ApiError invalid(std::string text) {
  return {ErrorCode::invalid_parameter_value, std::move(text)};
}

// A number of a request that must lie in a range. @param reason why else it is refused.
Expected<void> check_range(const std::optional<std::int64_t>& value, std::int64_t min,
                           std::int64_t max, std::string_view parameter, std::string_view reason) {
  if (!value || (*value >= min && *value <= max)) return {};
  return invalid_parameter(std::to_string(*value), parameter, reason);
}

constexpr std::string_view kNotOfThisQueueType =
    "The request include parameter that is not valid for this queue type.";

// --- what all batches have in common ---

// "<entry>.<n>.<member>": how an error calls a member of the entry at `index`.
std::string entry_member(std::string_view entry, std::size_t index, std::string_view member) {
  std::string name(entry);
  return name.append(".").append(std::to_string(index + 1)).append(".").append(member);
}

// What fails a batch as a whole. @param entry_name what an error calls an entry.
template <class Entry>
Expected<void> check_batch(const std::vector<Entry>& entries, std::string_view entry_name) {
  if (entries.empty()) {
    std::string text = "There should be at least one ";
    return ApiError(ErrorCode::empty_batch_request,
                    text.append(entry_name).append(" in the request."));
  }
  if (entries.size() > limits::kBatchEntriesMax) {
    return ApiError(ErrorCode::too_many_entries_in_batch_request,
                    "Maximum number of entries per request are " +
                        std::to_string(limits::kBatchEntriesMax) + ". You have sent " +
                        std::to_string(entries.size()) + ".");
  }
  for (const Entry& entry : entries) {
    if (!is_batch_entry_id(entry.id)) return ApiError(ErrorCode::invalid_batch_entry_id);
  }
  for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
    const auto same = [&](const Entry& earlier) { return earlier.id == entry->id; };
    if (std::any_of(entries.begin(), entry, same)) {
      return ApiError(ErrorCode::batch_entry_ids_not_distinct, "Id " + entry->id + " repeated.");
    }
  }
  return {};
}

// The reply to a batch whose entries have nothing to say but whether they succeeded.
template <class Response, class Entry>
Response batch_response(std::vector<Entry>& entries,
                        const std::vector<std::optional<ApiError>>& errors) {
  Response response;
  response.successful.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (errors[i]) {
      response.failed.push_back(
          api::BatchResultErrorEntry::from(std::move(entries[i].id), *errors[i]));
    } else {
      response.successful.push_back({.id = std::move(entries[i].id)});
    }
  }
  return response;
}

// --- sending ---

// What an error calls an entry of SendMessageBatch.
constexpr std::string_view kSendEntry = "SendMessageBatchRequestEntry";

// A message of a request, checked. The views of `message` point into this and into the request.
struct Outgoing {
  std::vector<MessageAttribute> attributes;
  std::vector<MessageAttribute> system_attributes;
  NewMessage message;
  Md5Digest body_md5{};
};

// Where the texts of SendMessage and of an entry of SendMessageBatch differ.
struct SendTexts {
  std::string_view too_long;
  std::optional<std::size_t> entry;  // its index in a batch

  std::string body_parameter() const {
    return entry ? entry_member(kSendEntry, *entry, "MessageBody") : "MessageBody";
  }
};

std::size_t given_size(std::string_view body,
                       const std::vector<api::MessageAttributeInput>& attributes) {
  std::size_t size = body.size();
  for (const api::MessageAttributeInput& attribute : attributes) {
    size += attribute.name.size() + attribute.data_type.size();
    if (attribute.string_value) size += attribute.string_value->size();
    if (attribute.binary_value) size += attribute.binary_value->size();
  }
  return size;
}

Expected<std::vector<MessageAttribute>> take_attributes(
    std::vector<api::MessageAttributeInput>& inputs) {
  std::vector<MessageAttribute> attributes;
  attributes.reserve(inputs.size());
  for (api::MessageAttributeInput& input : inputs) {
    GivenAttributeValue given{.string_value = std::move(input.string_value),
                              .binary_value = std::move(input.binary_value),
                              .has_list_value = input.has_list_values};
    if (!input.data_type.empty()) given.data_type = std::move(input.data_type);
    Expected<MessageAttribute> attribute = make_message_attribute(input.name, std::move(given));
    if (!attribute) return attribute.error();
    attributes.push_back(std::move(*attribute));
  }
  const Expected<void> checked = check_message_attributes(attributes);
  if (!checked) return checked.error();
  std::ranges::sort(attributes, {}, &MessageAttribute::name);
  return attributes;
}

Expected<std::vector<MessageAttribute>> take_system_attributes(
    std::vector<api::MessageAttributeInput>& inputs) {
  std::vector<MessageAttribute> attributes;
  attributes.reserve(inputs.size());
  for (api::MessageAttributeInput& input : inputs) {
    if (input.has_list_values) return ApiError(ErrorCode::unsupported_operation);
    const bool binary = input.binary_value.has_value();
    std::optional<std::string>& value = binary ? input.binary_value : input.string_value;
    attributes.push_back({.name = std::move(input.name),
                          .data_type = std::move(input.data_type),
                          .value = std::move(value).value_or(std::string()),
                          .binary = binary});
  }
  return attributes;
}

// A FIFO queue delays all its messages alike.
Expected<void> check_delay(const QueueConfig& config, const std::optional<std::int64_t>& delay) {
  if (config.fifo && delay.value_or(0) != 0) {
    return invalid_parameter(std::to_string(*delay), "DelaySeconds", kNotOfThisQueueType);
  }
  return check_range(delay, 0, limits::kDelaySecondsMax, "DelaySeconds",
                     "DelaySeconds must be >= 0 and <= 900.");
}

// That the ids are there which every message to a FIFO queue needs. Given is as in
// check_outgoing().
template <class Given>
Expected<void> require_fifo_ids(const QueueConfig& config, const Given& given) {
  if (!config.fifo) return {};
  if (!given.message_group_id) return missing_parameter("MessageGroupId");
  if (!given.message_deduplication_id && !config.content_based_deduplication) {
    return invalid(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
        "provided explicitly");
  }
  return {};
}

// The group and the deduplication id of a message. One that a FIFO queue makes from the body is put
// into `given`, which holds what `message` views.
template <class Given>
Expected<void> take_ids(const QueueConfig& config, Given& given, NewMessage& message) {
  const Expected<void> complete = require_fifo_ids(config, given);
  if (!complete) return complete;
  if (given.message_group_id) {
    const Expected<void> group = check_message_token(*given.message_group_id, "MessageGroupId");
    if (!group) return group;
    message.group_id = *given.message_group_id;
  }
  std::optional<std::string>& id = given.message_deduplication_id;
  if (!config.fifo) {
    if (!id) return {};
    return invalid_parameter(*id, "MessageDeduplicationId", kNotOfThisQueueType);
  }
  if (!id) id = to_hex(sha256(given.message_body));
  message.deduplication_id = *id;
  return check_message_token(*id, "MessageDeduplicationId");
}

// Checks one message. Given is a SendMessageRequest or an entry of a batch, whose body and ids must
// outlive the result; its attributes are taken. Where the body's MD5 goes is left to the caller.
template <class Given>
Expected<Outgoing> check_outgoing(const QueueInfo& queue, Given& given, std::string_view sender_id,
                                  const SendTexts& texts) {
  const QueueConfig& config = queue.config;
  if (!is_message_body(given.message_body)) {
    return bad_message_body(given.message_body, texts.body_parameter());
  }
  const auto size_max = static_cast<std::size_t>(config.message_bytes_max);
  if (given_size(given.message_body, given.message_attributes) > size_max) {
    std::string text(texts.too_long);
    return invalid(text.append(" Reason: Message must be shorter than ")
                       .append(std::to_string(size_max))
                       .append(" bytes."));
  }

  Outgoing outgoing;
  if (!given.message_attributes.empty()) {
    Expected<std::vector<MessageAttribute>> attributes = take_attributes(given.message_attributes);
    if (!attributes) return attributes.error();
    outgoing.attributes = std::move(*attributes);
  }
  NewMessage& message = outgoing.message;
  if (!given.message_system_attributes.empty()) {
    Expected<std::vector<MessageAttribute>> attributes =
        take_system_attributes(given.message_system_attributes);
    if (!attributes) return attributes.error();
    outgoing.system_attributes = std::move(*attributes);
    const Expected<std::string_view> trace_header = trace_header_of(outgoing.system_attributes);
    if (!trace_header) return trace_header.error();
    message.trace_header = *trace_header;
  }

  const Expected<void> delay = check_delay(config, given.delay_seconds);
  if (!delay) return delay.error();
  const Expected<void> ids = take_ids(config, given, message);
  if (!ids) return ids.error();
  message.body = given.message_body;
  message.attributes = outgoing.attributes;
  message.sender_id = sender_id;
  if (!config.fifo) message.delay = seconds(given.delay_seconds.value_or(config.delay_seconds));
  return outgoing;
}

// What fails a SendMessageBatch as a whole.
Expected<void> check_send_batch(const QueueConfig& config,
                                const std::vector<api::SendMessageBatchRequestEntry>& entries,
                                std::string_view entry_name) {
  const Expected<void> checked = check_batch(entries, entry_name);
  if (!checked) return checked;
  std::size_t total = 0;
  for (const api::SendMessageBatchRequestEntry& entry : entries) {
    total += given_size(entry.message_body, entry.message_attributes);
  }
  if (total > limits::kBatchBytesMax) {
    return ApiError(ErrorCode::batch_request_too_long, "Batch requests cannot be longer than " +
                                                           std::to_string(limits::kBatchBytesMax) +
                                                           " bytes. You have sent " +
                                                           std::to_string(total) + " bytes.");
  }
  for (const api::SendMessageBatchRequestEntry& entry : entries) {
    const Expected<void> complete = require_fifo_ids(config, entry);
    // A group that a batch lacks is an invalid value to SQS, though SendMessage misses a parameter.
    if (!complete) return invalid(complete.error().message());
  }
  return {};
}

// Messages of FIFO queues, and no others, have a deduplication id. Message is a NewMessage or a
// StoredMessage.
template <class Message>
bool is_of_fifo_queue(const Message& message) {
  return !message.deduplication_id.empty();
}

// What the replies of SendMessage and of an entry of SendMessageBatch have in common.
template <class Result>
void fill_sent(Result& result, const Outgoing& outgoing, const SentMessage& sent) {
  result.md5_of_message_body = outgoing.body_md5;
  if (!outgoing.attributes.empty()) {
    result.md5_of_message_attributes =
        attributes_md5(std::span<const MessageAttribute>(outgoing.attributes));
  }
  if (!outgoing.system_attributes.empty()) {
    result.md5_of_message_system_attributes =
        attributes_md5(std::span<const MessageAttribute>(outgoing.system_attributes));
  }
  result.message_id = {.bytes = sent.id};
  if (is_of_fifo_queue(outgoing.message)) {
    result.sequence_number = sequence_number_text(sent.sequence);
  }
}

boost::asio::awaitable<Expected<std::vector<SentMessage>>> send_all(
    const Context& context, QueueId queue, std::span<const NewMessage> messages) {
  return context.service.shard_of(queue).call(
      [queue, messages](Shard& shard, Timestamp now) { return shard.send(queue, messages, now); });
}

// --- receiving ---

// THE TABLE OF SYSTEM ATTRIBUTES of a received message. An empty value: it does not apply.
struct SystemAttributeRow {
  std::string_view name;
  std::string (*value)(const Delivery& delivery);
};

constexpr SystemAttributeRow kSystemAttributes[] = {
    {"SenderId", [](const Delivery& delivery) { return std::string(delivery.message.sender_id); }},
    {"SentTimestamp",
     [](const Delivery& delivery) {
       return std::to_string(delivery.message.sent_at.milliseconds);
     }},
    {"ApproximateReceiveCount",
     [](const Delivery& delivery) { return std::to_string(delivery.receive_count); }},
    {"ApproximateFirstReceiveTimestamp",
     [](const Delivery& delivery) {
       return std::to_string(delivery.first_received_at.milliseconds);
     }},
    {"AWSTraceHeader",
     [](const Delivery& delivery) { return std::string(delivery.message.trace_header); }},
    {"SequenceNumber",
     [](const Delivery& delivery) {
       return is_of_fifo_queue(delivery.message) ? sequence_number_text(delivery.sequence)
                                                 : std::string();
     }},
    {"MessageDeduplicationId",
     [](const Delivery& delivery) { return std::string(delivery.message.deduplication_id); }},
    {"MessageGroupId",
     [](const Delivery& delivery) { return std::string(delivery.message.group_id); }},
    {"DeadLetterQueueSourceArn",
     [](const Delivery& delivery) { return std::string(delivery.message.dead_letter_source_arn); }},
};

// The rows that a receive asks for. Names that are none select nothing: AttributeNames may hold
// those of queue attributes as well.
std::vector<const SystemAttributeRow*> select_system_attributes(
    const api::ReceiveMessageRequest& request) {
  const std::vector<std::string>& names = request.message_system_attribute_names.empty()
                                              ? request.attribute_names
                                              : request.message_system_attribute_names;
  const bool all = std::ranges::find(names, "All") != names.end();
  std::vector<const SystemAttributeRow*> rows;
  for (const SystemAttributeRow& row : kSystemAttributes) {
    if (all || std::ranges::find(names, row.name) != names.end()) rows.push_back(&row);
  }
  return rows;
}

Expected<void> check_attempt_id(const QueueConfig& config,
                                const std::optional<std::string>& attempt_id) {
  constexpr std::string_view kParameter = "ReceiveRequestAttemptId";
  if (!attempt_id) return {};
  if (!config.fifo) return invalid_parameter(*attempt_id, kParameter, kNotOfThisQueueType);
  return check_message_token(*attempt_id, kParameter);
}

Expected<ReceiveRequest> check_receive(const QueueInfo& queue,
                                       const api::ReceiveMessageRequest& request) {
  const Expected<void> count =
      check_range(request.max_number_of_messages, 1, limits::kReceiveMessagesMax,
                  "MaxNumberOfMessages", "Must be between 1 and 10, if provided.");
  if (!count) return count.error();
  const Expected<void> visibility =
      check_range(request.visibility_timeout, 0, limits::kVisibilitySecondsMax, "VisibilityTimeout",
                  "Must be >= 0 and <= 43200, if provided.");
  if (!visibility) return visibility.error();
  const Expected<void> wait =
      check_range(request.wait_time_seconds, 0, limits::kWaitSecondsMax, "WaitTimeSeconds",
                  "Must be >= 0 and <= 20, if provided.");
  if (!wait) return wait.error();
  const Expected<void> attempt = check_attempt_id(queue.config, request.receive_request_attempt_id);
  if (!attempt) return attempt.error();
  return ReceiveRequest{
      .queue = queue.id,
      .count_max = static_cast<unsigned>(request.max_number_of_messages.value_or(1)),
      .visibility_timeout =
          seconds(request.visibility_timeout.value_or(queue.config.visibility_seconds)),
      .wait = seconds(request.wait_time_seconds.value_or(queue.config.wait_seconds)),
      .attempt_id = request.receive_request_attempt_id.value_or(std::string())};
}

api::ReceivedMessage received_message(Delivery& delivery,
                                      std::span<const SystemAttributeRow* const> system_attributes,
                                      const AttributeSelector& selector) {
  api::ReceivedMessage message;
  message.message_id = {.bytes = delivery.id};
  message.receipt_handle = std::move(delivery.receipt_handle);
  message.md5_of_body = delivery.message.body_md5;
  message.body = delivery.message.body;
  for (const SystemAttributeRow* row : system_attributes) {
    std::string value = row->value(delivery);
    if (!value.empty()) message.attributes.emplace_back(row->name, std::move(value));
  }
  for (const MessageAttributeView& attribute : delivery.message.attributes) {
    if (selector.selects(attribute.name)) message.message_attributes.push_back(attribute);
  }
  if (!message.message_attributes.empty()) {
    message.md5_of_message_attributes =
        attributes_md5(std::span<const MessageAttributeView>(message.message_attributes));
  }
  message.keep_alive = std::move(delivery.storage);
  return message;
}

// Receipt handles are base64, so that a line each keeps several in one piece of memory.
constexpr char kBetweenHandles = '\n';

boost::asio::awaitable<void> take_back(ShardDriver& shard, const ReceiptSealer& sealer,
                                       QueueId queue, std::string lines) {
  std::vector<ReceiptHandle> handles;
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find(kBetweenHandles));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (const Expected<ReceiptHandle> handle = sealer.open(line)) handles.push_back(*handle);
  }
  const auto undo = [queue, &handles](Shard& owner, Timestamp now) -> Expected<void> {
    owner.undo(queue, handles, now);
    return {};
  };
  // If this fails the messages come back at the end of their visibility timeout.
  static_cast<void>(co_await shard.call(undo));
}

// --- what has been received ---

// A ReceiptHandle parameter that must be of a delivery from `queue`.
Expected<ReceiptHandle> open_handle(const Context& context, QueueId queue,
                                    const std::string& text) {
  const Expected<ReceiptHandle> handle = context.service.sealer.open(text);
  if (!handle || handle->queue != queue) {
    return ApiError(ErrorCode::receipt_handle_is_invalid,
                    "The input receipt handle \"" + text + "\" is not a valid receipt handle.");
  }
  return *handle;
}

boost::asio::awaitable<Expected<std::vector<Erased>>> erase_all(
    const Context& context, QueueId queue, std::span<const ReceiptHandle> handles) {
  return context.service.shard_of(queue).call(
      [queue, handles](Shard& shard, Timestamp now) { return shard.erase(queue, handles, now); });
}

// The error by which a deletion's end is told, if it is one.
std::optional<ApiError> error_of(Erased erased, std::string_view handle_text) {
  if (erased == Erased::done) return std::nullopt;
  return invalid_parameter(handle_text, "ReceiptHandle", "The receipt handle has expired.");
}

using VisibilityErrors = std::vector<std::optional<ApiError>>;

boost::asio::awaitable<Expected<VisibilityErrors>> change_all(
    const Context& context, QueueId queue, std::span<const Shard::VisibilityChange> changes) {
  return context.service.shard_of(queue).call([queue, changes](Shard& shard, Timestamp now) {
    return shard.change_visibility(queue, changes, now);
  });
}

// One entry of a ChangeMessageVisibilityBatch.
Expected<Shard::VisibilityChange> check_visibility_entry(
    const Context& context, QueueId queue,
    const api::ChangeMessageVisibilityBatchRequestEntry& entry, std::size_t index) {
  constexpr std::string_view kEntry = "ChangeMessageVisibilityBatchRequestEntry";
  if (entry.receipt_handle.empty()) {
    return missing_parameter(entry_member(kEntry, index, "ReceiptHandle"));
  }
  if (!entry.visibility_timeout) {
    return missing_parameter(entry_member(kEntry, index, "VisibilityTimeout"));
  }
  const Expected<void> range =
      check_range(entry.visibility_timeout, 0, limits::kVisibilitySecondsMax, "VisibilityTimeout",
                  "VisibilityTimeout must be an integer between 0 and 43200.");
  if (!range) return range.error();
  const Expected<ReceiptHandle> handle = open_handle(context, queue, entry.receipt_handle);
  if (!handle) return handle.error();
  return Shard::VisibilityChange{.handle = *handle,
                                 .text = entry.receipt_handle,
                                 .timeout = seconds(*entry.visibility_timeout)};
}

}  // namespace

Answer<api::SendMessageResponse> send_message(Context& context, api::SendMessageRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const SendTexts texts{.too_long = "One or more parameters are invalid.", .entry = {}};
  Expected<Outgoing> outgoing = check_outgoing(**queue, request, context.caller->sender_id, texts);
  if (!outgoing) co_return outgoing.error();
  NewMessage& message = outgoing->message;
  message.body_md5 = &outgoing->body_md5;
  if (message.trace_header.empty() && is_sqs_text(request.trace_header)) {
    message.trace_header = request.trace_header;
  }
  const Expected<std::vector<SentMessage>> sent =
      co_await send_all(context, (*queue)->id, {&message, 1});
  if (!sent) co_return sent.error();
  api::SendMessageResponse response;
  fill_sent(response, *outgoing, sent->front());
  co_return response;
}

Answer<api::SendMessageBatchResponse> send_message_batch(Context& context,
                                                         api::SendMessageBatchRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const Expected<void> checked = check_send_batch((*queue)->config, request.entries, kSendEntry);
  if (!checked) co_return checked.error();

  api::SendMessageBatchResponse response;
  response.successful.reserve(request.entries.size());
  std::vector<Outgoing> outgoing;
  outgoing.reserve(request.entries.size());
  for (std::size_t i = 0; i < request.entries.size(); ++i) {
    api::SendMessageBatchRequestEntry& entry = request.entries[i];
    const SendTexts texts{.too_long = "One or more parameters cannot be validated.", .entry = i};
    Expected<Outgoing> one = check_outgoing(**queue, entry, context.caller->sender_id, texts);
    if (one) {
      outgoing.push_back(std::move(*one));
      response.successful.emplace_back().id = std::move(entry.id);
    } else {
      response.failed.push_back(api::BatchResultErrorEntry::from(std::move(entry.id), one.error()));
    }
  }
  if (outgoing.empty()) co_return response;

  std::vector<NewMessage> messages;
  messages.reserve(outgoing.size());
  for (Outgoing& one : outgoing) {
    one.message.body_md5 = &one.body_md5;
    messages.push_back(one.message);
  }
  const Expected<std::vector<SentMessage>> sent =
      co_await send_all(context, (*queue)->id, messages);
  if (!sent) co_return sent.error();
  for (std::size_t i = 0; i < outgoing.size(); ++i) {
    fill_sent(response.successful[i], outgoing[i], (*sent)[i]);
  }
  co_return response;
}

Answer<api::ReceiveMessageResponse> receive_message(Context& context,
                                                    api::ReceiveMessageRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  Expected<ReceiveRequest> wanted = check_receive(**queue, request);
  if (!wanted) co_return wanted.error();
  const Consumer consumer{.source_address = context.source_address,
                          .principal_arn = context.caller->arn,
                          .user_agent = context.user_agent};
  wanted->consumer = &consumer;
  ShardDriver& shard = context.service.shard_of((*queue)->id);
  Expected<ReceiveResult> received = co_await shard.receive(*wanted, context.hang_up);
  if (!received) co_return received.error();

  api::ReceiveMessageResponse response;
  if (received->deliveries.empty()) co_return response;
  const std::vector<const SystemAttributeRow*> system_attributes =
      select_system_attributes(request);
  const AttributeSelector selector(request.message_attribute_names);
  std::string handles;
  handles.reserve(received->deliveries.size() * (ReceiptSealer::kTextSize + 1));
  response.messages.reserve(received->deliveries.size());
  for (Delivery& delivery : received->deliveries) {
    handles.append(delivery.receipt_handle).push_back(kBetweenHandles);
    response.messages.push_back(received_message(delivery, system_attributes, selector));
  }
  context.attachment = std::move(received->charge);
  const auto executor = co_await boost::asio::this_coro::executor;
  context.on_undelivered = [executor, &shard, &sealer = context.service.sealer, id = (*queue)->id,
                            lines = std::move(handles)] {
    boost::asio::co_spawn(executor, take_back(shard, sealer, id, lines), boost::asio::detached);
  };
  co_return response;
}

Answer<api::DeleteMessageResponse> delete_message(Context& context,
                                                  api::DeleteMessageRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  if (request.receipt_handle.empty()) co_return missing_parameter("ReceiptHandle");
  const Expected<ReceiptHandle> handle = open_handle(context, (*queue)->id, request.receipt_handle);
  if (!handle) co_return handle.error();
  const Expected<std::vector<Erased>> erased =
      co_await erase_all(context, (*queue)->id, {&*handle, 1});
  if (!erased) co_return erased.error();
  const std::optional<ApiError> error = error_of(erased->front(), request.receipt_handle);
  if (error) co_return *error;
  co_return api::DeleteMessageResponse();
}

Answer<api::DeleteMessageBatchResponse> delete_message_batch(
    Context& context, api::DeleteMessageBatchRequest& request) {
  constexpr std::string_view kEntry = "DeleteMessageBatchRequestEntry";
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const Expected<void> checked = check_batch(request.entries, kEntry);
  if (!checked) co_return checked.error();

  std::vector<std::optional<ApiError>> errors(request.entries.size());
  std::vector<ReceiptHandle> handles;
  std::vector<std::size_t> entry_of_handle;
  handles.reserve(request.entries.size());
  entry_of_handle.reserve(request.entries.size());
  for (std::size_t i = 0; i < request.entries.size(); ++i) {
    const std::string& text = request.entries[i].receipt_handle;
    if (text.empty()) {
      errors[i] = missing_parameter(entry_member(kEntry, i, "ReceiptHandle"));
      continue;
    }
    const Expected<ReceiptHandle> handle = open_handle(context, (*queue)->id, text);
    if (handle) {
      handles.push_back(*handle);
      entry_of_handle.push_back(i);
    } else {
      errors[i] = handle.error();
    }
  }
  if (!handles.empty()) {
    const Expected<std::vector<Erased>> erased = co_await erase_all(context, (*queue)->id, handles);
    if (!erased) co_return erased.error();
    for (std::size_t i = 0; i < handles.size(); ++i) {
      const std::size_t entry = entry_of_handle[i];
      errors[entry] = error_of((*erased)[i], request.entries[entry].receipt_handle);
    }
  }
  co_return batch_response<api::DeleteMessageBatchResponse>(request.entries, errors);
}

Answer<api::ChangeMessageVisibilityResponse> change_message_visibility(
    Context& context, api::ChangeMessageVisibilityRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  if (request.receipt_handle.empty()) co_return missing_parameter("ReceiptHandle");
  if (!request.visibility_timeout) co_return missing_parameter("VisibilityTimeout");
  const Expected<void> range =
      check_range(request.visibility_timeout, 0, limits::kVisibilitySecondsMax, "VisibilityTimeout",
                  "Must be between 0 and 43200.");
  if (!range) co_return range.error();
  const Expected<ReceiptHandle> handle = open_handle(context, (*queue)->id, request.receipt_handle);
  if (!handle) co_return handle.error();
  const Shard::VisibilityChange change{.handle = *handle,
                                       .text = request.receipt_handle,
                                       .timeout = seconds(*request.visibility_timeout)};
  const Expected<VisibilityErrors> errors =
      co_await change_all(context, (*queue)->id, {&change, 1});
  if (!errors) co_return errors.error();
  if (errors->front()) co_return *errors->front();
  co_return api::ChangeMessageVisibilityResponse();
}

Answer<api::ChangeMessageVisibilityBatchResponse> change_message_visibility_batch(
    Context& context, api::ChangeMessageVisibilityBatchRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const Expected<void> checked =
      check_batch(request.entries, "ChangeMessageVisibilityBatchRequestEntry");
  if (!checked) co_return checked.error();

  VisibilityErrors errors(request.entries.size());
  std::vector<Shard::VisibilityChange> changes;
  std::vector<std::size_t> entry_of_change;
  for (std::size_t i = 0; i < request.entries.size(); ++i) {
    const Expected<Shard::VisibilityChange> change =
        check_visibility_entry(context, (*queue)->id, request.entries[i], i);
    if (change) {
      changes.push_back(*change);
      entry_of_change.push_back(i);
    } else {
      errors[i] = change.error();
    }
  }
  if (!changes.empty()) {
    Expected<VisibilityErrors> changed = co_await change_all(context, (*queue)->id, changes);
    if (!changed) co_return changed.error();
    for (std::size_t i = 0; i < changes.size(); ++i) {
      errors[entry_of_change[i]] = std::move((*changed)[i]);
    }
  }
  co_return batch_response<api::ChangeMessageVisibilityBatchResponse>(request.entries, errors);
}

}  // namespace millrace
