// The console's actions on the messages of a queue: peek, search, delete and move by id, message
// groups, consumers. What a look at a queue is, queue/look.h tells.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "queue/shard.h"
#include "runtime/shard_driver.h"
#include "service/authorize.h"
#include "service/console.h"
#include "service/resolve.h"

namespace millrace {

namespace {

constexpr std::uint8_t kTokenVersion = 1;
// What a message may be when it is found, by the name that requests and replies use.
constexpr std::array<std::string_view, 3> kStates = {"available", "inFlight", "delayed"};

ApiError invalid(std::string text) {
  return {ErrorCode::invalid_parameter_value, std::move(text)};
}

ApiError no_such_message() {
  return {ErrorCode::resource_not_found, "The message is not in the queue any more."};
}

// A number of a request, or its default.
Expected<std::size_t> number_of(const std::optional<std::int64_t>& given, std::int64_t min,
                                std::int64_t max, std::int64_t usual, std::string_view parameter) {
  const std::int64_t number = given.value_or(usual);
  if (number >= min && number <= max) return static_cast<std::size_t>(number);
  return invalid_parameter(
      std::to_string(number), parameter,
      "Must be between " + std::to_string(min) + " and " + std::to_string(max) + ".");
}

Expected<void> take_states(const std::vector<std::string>& states, LookWanted& wanted) {
  if (states.empty()) return {};
  const std::array<bool*, 3> flags = {&wanted.available, &wanted.in_flight, &wanted.delayed};
  for (bool* flag : flags) *flag = false;
  for (const std::string& state : states) {
    const auto found = std::ranges::find(kStates, state);
    if (found == kStates.end()) {
      return invalid_parameter(state, "States", "Must be available, inFlight or delayed.");
    }
    *flags[static_cast<std::size_t>(found - kStates.begin())] = true;
  }
  return {};
}

// --- pages ---

// Where a look goes on, and the groups that it has listed.
std::string token_of(const Look& look) {
  if (look.exhausted) return {};
  std::string bytes;
  append_u8(bytes, kTokenVersion);
  append_u64(bytes, look.queue.value());
  append_u64(bytes, look.next.value());
  for (const GroupKey group : look.groups_listed) append_u64(bytes, group.value());
  return to_base64(bytes);
}

Expected<void> take_token(const std::optional<std::string>& token, Look& look) {
  if (!token || token->empty()) return {};
  const ApiError refused = invalid("Invalid or expired next token.");
  const std::optional<std::string> bytes = from_base64(*token);
  if (!bytes) return refused;
  ByteReader reader(*bytes);
  const std::uint8_t version = reader.u8();
  const QueueId queue{reader.u64()};
  look.from = SequenceNumber{reader.u64()};
  while (!reader.failed() && !reader.rest().empty()) {
    look.groups_listed.insert(GroupKey{reader.u64()});
  }
  if (reader.failed() || version != kTokenVersion || queue != look.queue ||
      look.groups_listed.size() > limits::kListedGroupsMax) {
    return refused;
  }
  return {};
}

// --- looking ---

// Looks slice by slice, until the look has what it wants or has taken long enough. The shard does
// something else between two slices.
boost::asio::awaitable<Expected<void>> carry_out(const Context& context,
                                                 std::shared_ptr<Look> look) {
  ShardDriver& shard = context.service.shard_of(look->queue);
  Timestamp now;
  std::optional<Timestamp> began;
  for (;;) {
    const auto slice = [&look, &now](Shard& owner, Timestamp at) {
      now = at;
      return owner.look(look, at);
    };
    const Expected<void> done = co_await shard.call(slice);
    if (!done) co_return done.error();
    if (look->error) co_return *look->error;
    if (!began) began = now;
    if (has_enough(*look) || now - *began >= limits::kLookTimeMax) co_return Expected<void>();
    go_on(*look);
  }
}

std::shared_ptr<Look> look_at(const QueueInfo& queue) {
  auto look = std::make_shared<Look>();
  look->queue = queue.id;
  look->found_bytes_max = limits::kPeekReplyBytesMax;
  return look;
}

std::optional<std::int64_t> milliseconds_of(const std::optional<Timestamp>& at) {
  return at ? std::optional(at->milliseconds) : std::nullopt;
}

// @param look holds the message, and is kept for as long as its views are.
api::PeekedMessage peeked(const std::shared_ptr<const Look>& look, const LookedMessage& message,
                          bool fifo) {
  api::PeekedMessage out;
  out.peek_id = {.bytes = message.peek_id};
  out.message_id = {.bytes = message.id};
  out.state = kStates[static_cast<std::size_t>(message.state)];
  out.visible_at = milliseconds_of(message.visible_at);
  out.sent_timestamp = message.sent_at.milliseconds;
  if (message.first_received_at != Timestamp{}) {
    out.first_receive_timestamp = message.first_received_at.milliseconds;
  }
  out.receive_count = message.receive_count;
  out.sender_id = message.sender_id;
  out.message_group_id = message.group_id;
  out.message_deduplication_id = message.deduplication_id;
  if (fifo) out.sequence_number = sequence_number_text(message.sequence);
  out.trace_header = message.trace_header;
  out.dead_letter_queue_source_arn = message.dead_letter_source_arn;
  out.body = message.body;
  out.body_size = static_cast<std::int64_t>(message.body_size);
  out.body_truncated = message.body.size() < message.body_size;
  out.md5_of_body = message.body_md5;
  for (const MessageAttribute& attribute : message.attributes) {
    out.message_attributes.push_back(
        {attribute.name, attribute.data_type, attribute.value, attribute.binary});
  }
  if (!message.attributes.empty()) {
    out.md5_of_message_attributes =
        attributes_md5(std::span<const MessageAttribute>(message.attributes));
  }
  out.keep_alive = look;
  return out;
}

template <class Response>
Response found_messages(const std::shared_ptr<const Look>& look, bool fifo) {
  Response response;
  for (const LookedMessage& message : look->found) {
    response.messages.push_back(peeked(look, message, fifo));
  }
  response.next_token = token_of(*look);
  response.scanned = static_cast<std::int64_t>(look->scanned);
  return response;
}

// What peek and search have in common.
template <class Request>
Expected<std::shared_ptr<Look>> page_of(const QueueInfo& queue, const Request& request) {
  std::shared_ptr<Look> look = look_at(queue);
  const Expected<std::size_t> count = number_of(request.max_results, 1, limits::kPeekResultsMax,
                                                limits::kPeekResultsDefault, "MaxResults");
  if (!count) return count.error();
  const Expected<std::size_t> body = number_of(request.max_body_bytes, 0, limits::kMessageBytesMax,
                                               limits::kPeekBodyBytesDefault, "MaxBodyBytes");
  if (!body) return body.error();
  look->found_max = *count;
  look->body_bytes_max = *body;
  const Expected<void> states = take_states(request.states, look->wanted);
  if (!states) return states.error();
  const Expected<void> token = take_token(request.next_token, *look);
  if (!token) return token.error();
  return look;
}

Expected<void> take_criteria(api::SearchMessagesRequest& request, LookWanted& wanted) {
  wanted.text = std::move(request.text).value_or(std::string());
  if (wanted.text.size() > limits::kSearchTextMax) {
    return invalid("Value for parameter Text is invalid. Reason: Must be no longer than " +
                   std::to_string(limits::kSearchTextMax) + " bytes.");
  }
  if (request.message_id && !request.message_id->empty()) {
    const auto id = from_uuid_text(*request.message_id);
    if (!id) return invalid_parameter(*request.message_id, "MessageId", "Must be a message's id.");
    wanted.id = *id;
  }
  wanted.group_id = std::move(request.message_group_id).value_or(std::string());
  wanted.attribute_name = std::move(request.attribute_name).value_or(std::string());
  wanted.attribute_value = std::move(request.attribute_value);
  if (request.sent_after) wanted.sent_from = Timestamp{*request.sent_after};
  if (request.sent_before) wanted.sent_until = Timestamp{*request.sent_before};
  return {};
}

// --- by id ---

// The messages that a request names: for each id its place, or why it has none.
struct Named {
  std::vector<std::string>& ids;
  std::vector<SequenceNumber> places;             // of those that have one
  std::vector<std::size_t> indexes;               // of these, in `ids`
  std::vector<std::optional<ApiError>> refusals;  // of all
};

boost::asio::awaitable<Expected<Named>> find_named(const Context& context, QueueId queue,
                                                   std::vector<std::string>& ids) {
  if (ids.empty() || ids.size() > limits::kPeekIdsMax) {
    co_return invalid("Value for parameter PeekIds is invalid. Reason: Must be 1 to " +
                      std::to_string(limits::kPeekIdsMax) + " ids.");
  }
  Named named{.ids = ids, .places = {}, .indexes = {}, .refusals = {}};
  std::vector<MessageId> parsed;
  for (const std::string& id : ids) {
    parsed.push_back(from_uuid_text(id).value_or(MessageId{}));
  }
  const auto find = [queue, &parsed](
                        Shard& shard,
                        Timestamp) -> Expected<std::vector<std::optional<SequenceNumber>>> {
    return shard.places(queue, parsed);
  };
  const auto places = co_await context.service.shard_of(queue).call(find);
  if (!places) co_return places.error();
  named.refusals.resize(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!(*places)[i]) {
      named.refusals[i] = no_such_message();
    } else if (std::ranges::find(named.places, *(*places)[i]) == named.places.end()) {
      named.places.push_back(*(*places)[i]);
      named.indexes.push_back(i);
    } else {
      named.refusals[i] = invalid("The request names the message twice.");
    }
  }
  co_return named;
}

// @param done takes the ids of what succeeded.
void tell(Named& named, const std::vector<MessageOutcome>& outcomes, std::vector<std::string>& done,
          std::vector<api::FailedMessage>& failed) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    named.refusals[named.indexes[i]] = outcomes[i].refusal;
  }
  for (std::size_t i = 0; i < named.ids.size(); ++i) {
    if (const std::optional<ApiError>& refusal = named.refusals[i]) {
      failed.push_back({std::move(named.ids[i]), std::string(refusal->row().query_code),
                        std::string(refusal->message())});
    } else {
      done.push_back(std::move(named.ids[i]));
    }
  }
}

// The messages of one block that are to be moved, by their numbers in `places`.
using BlockMoves = std::map<SequenceNumber, std::size_t>;

// Reads the block and moves the messages out of it, in order.
boost::asio::awaitable<Expected<void>> move_of_block(const Context& context, QueueId source,
                                                     QueueId target, const BlockMoves& moves,
                                                     std::vector<MessageOutcome>& outcomes) {
  const auto look = std::make_shared<Look>();
  look->queue = source;
  look->from = moves.begin()->first;
  look->end = SequenceNumber{moves.rbegin()->first.value() + 1};
  look->found_max = kBlockMessagesMax;
  look->found_bytes_max = SIZE_MAX;
  look->keep_chunks = true;
  const Expected<void> looked = co_await carry_out(context, look);
  if (!looked) co_return looked.error();
  std::vector<MessageToTake> messages;
  std::vector<std::size_t> indexes;
  std::vector<MessageOutcome> ended;
  for (const auto& [sequence, index] : moves) {
    const auto found = std::ranges::find(look->found, sequence, &LookedMessage::sequence);
    if (found == look->found.end()) {
      outcomes[index].refusal = no_such_message();
      continue;
    }
    messages.push_back({sequence, found->chunk});
    indexes.push_back(index);
    ended.emplace_back();
  }
  while (!std::ranges::all_of(ended, &MessageOutcome::ended)) {
    const auto move = [&](Shard& shard, Timestamp now) {
      return shard.move_messages(source, target, messages, ended, now);
    };
    const Expected<void> moved = co_await context.service.shard_of(source).call(move);
    if (!moved) co_return moved.error();
  }
  for (std::size_t i = 0; i < ended.size(); ++i) outcomes[indexes[i]] = ended[i];
  co_return Expected<void>();
}

// The two queues of a move, with which the caller may do what a move does.
Expected<std::pair<QueueInfoPointer, QueueInfoPointer>> queues_of_move(
    const Context& context, const api::MoveMessagesRequest& request) {
  const Expected<QueueInfoPointer> source = find_queue(context, request.source_url);
  if (!source) return source.error();
  const Expected<void> may_delete = authorize(context, PolicyAction::delete_message, **source);
  if (!may_delete) return may_delete.error();
  const Expected<QueueInfoPointer> target =
      find_queue(context, PolicyAction::send_message, request.destination_url);
  if (!target) return target.error();
  if ((*source)->id == (*target)->id) {
    return invalid("The source queue and the destination queue cannot be the same.");
  }
  if ((*source)->config.fifo != (*target)->config.fifo) {
    return invalid("The source queue and destination queue must be of the same queue type.");
  }
  return std::pair(*source, *target);
}

// --- LocalStack's ---

// As ReceiveMessage would give it with all attributes, but for the receipt handle, which LocalStack
// makes the same for all: there was no delivery.
api::ReceivedMessage as_received(const std::shared_ptr<const Look>& look,
                                 const LookedMessage& message, bool fifo) {
  const api::PeekedMessage seen = peeked(look, message, fifo);
  api::ReceivedMessage out;
  out.message_id = seen.message_id;
  out.receipt_handle = "SQS/BACKDOOR/ACCESS";
  out.md5_of_body = seen.md5_of_body;
  out.body = seen.body;
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.attributes.emplace_back(name, std::string(value));
  };
  add("SenderId", seen.sender_id);
  add("SentTimestamp", std::to_string(seen.sent_timestamp));
  add("ApproximateReceiveCount", std::to_string(seen.receive_count));
  if (seen.first_receive_timestamp) {
    add("ApproximateFirstReceiveTimestamp", std::to_string(*seen.first_receive_timestamp));
  }
  add("AWSTraceHeader", seen.trace_header);
  add("SequenceNumber", seen.sequence_number);
  add("MessageDeduplicationId", seen.message_deduplication_id);
  add("MessageGroupId", seen.message_group_id);
  add("DeadLetterQueueSourceArn", seen.dead_letter_queue_source_arn);
  out.md5_of_message_attributes = seen.md5_of_message_attributes;
  out.message_attributes = seen.message_attributes;
  out.keep_alive = look;
  return out;
}

// --- groups and consumers ---

api::MessageGroup described_group(const LookedMessage& head, const Look& look, bool counted,
                                  bool fifo) {
  api::MessageGroup group;
  group.message_group_id = head.group_id;
  group.head_message_id = {.bytes = head.id};
  group.head_sent_timestamp = head.sent_at.milliseconds;
  group.in_flight = static_cast<std::int64_t>(head.group.in_flight);
  if (head.group.messages) group.messages = static_cast<std::int64_t>(*head.group.messages);
  if (counted) {
    const Look::GroupCounts& counts = look.groups.at(look.fingerprints->group(head.group_id));
    group.messages = static_cast<std::int64_t>(counts.messages);
    group.in_flight = static_cast<std::int64_t>(counts.in_flight);
  }
  if (!fifo) {
    group.noisy = head.group.noisy;
    return group;
  }
  group.locked = head.group.locked || head.state == MessageState::in_flight;
  if (group.locked) {
    group.locked_until =
        milliseconds_of(head.group.locked_until ? head.group.locked_until : head.visible_at);
  }
  return group;
}

}  // namespace

Answer<api::PeekMessagesResponse> peek_messages(Context& context,
                                                api::PeekMessagesRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const Expected<std::shared_ptr<Look>> look = page_of(**queue, request);
  if (!look) co_return look.error();
  const Expected<void> done = co_await carry_out(context, *look);
  if (!done) co_return done.error();
  co_return found_messages<api::PeekMessagesResponse>(*look, (*queue)->config.fifo);
}

Answer<api::SearchMessagesResponse> search_messages(Context& context,
                                                    api::SearchMessagesRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const Expected<std::shared_ptr<Look>> look = page_of(**queue, request);
  if (!look) co_return look.error();
  const Expected<void> criteria = take_criteria(request, (*look)->wanted);
  if (!criteria) co_return criteria.error();
  const Expected<void> done = co_await carry_out(context, *look);
  if (!done) co_return done.error();
  auto response = found_messages<api::SearchMessagesResponse>(*look, (*queue)->config.fifo);
  response.total = static_cast<std::int64_t>((*look)->total);
  co_return response;
}

Answer<api::GetMessageResponse> get_message(Context& context, api::GetMessageRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  std::vector<std::string> ids{std::move(request.peek_id)};
  const Expected<Named> named = co_await find_named(context, (*queue)->id, ids);
  if (!named) co_return named.error();
  if (named->places.empty()) co_return no_such_message();
  const std::shared_ptr<Look> look = look_at(**queue);
  look->from = named->places.front();
  look->end = SequenceNumber{look->from.value() + 1};
  look->body_bytes_max = limits::kMessageBytesMax;
  const Expected<void> done = co_await carry_out(context, look);
  if (!done) co_return done.error();
  if (look->found.empty()) co_return no_such_message();
  co_return api::GetMessageResponse{.message =
                                        peeked(look, look->found.front(), (*queue)->config.fifo)};
}

Answer<api::DeleteMessagesResponse> delete_messages(Context& context,
                                                    api::DeleteMessagesRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const QueueId id = (*queue)->id;
  Expected<Named> named = co_await find_named(context, id, request.peek_ids);
  if (!named) co_return named.error();
  std::vector<MessageOutcome> outcomes(named->places.size());
  const auto erase = [id, &named, &outcomes](Shard& shard, Timestamp now) {
    return shard.erase_messages(id, named->places, outcomes, now);
  };
  const Expected<void> erased = co_await context.service.shard_of(id).call(erase);
  if (!erased) co_return erased.error();
  api::DeleteMessagesResponse response;
  tell(*named, outcomes, response.deleted, response.failed);
  co_return response;
}

Answer<api::MoveMessagesResponse> move_messages(Context& context,
                                                api::MoveMessagesRequest& request) {
  const auto queues = queues_of_move(context, request);
  if (!queues) co_return queues.error();
  const QueueId source = queues->first->id;
  const QueueId target = queues->second->id;
  Expected<Named> named = co_await find_named(context, source, request.peek_ids);
  if (!named) co_return named.error();
  std::vector<MessageOutcome> outcomes(named->places.size());
  std::map<BlockNumber, BlockMoves> blocks;  // in the order of their sending, as groups need it
  for (std::size_t i = 0; i < named->places.size(); ++i) {
    blocks[block_of(named->places[i])].emplace(named->places[i], i);
  }
  for (const auto& [block, moves] : blocks) {
    const Expected<void> moved = co_await move_of_block(context, source, target, moves, outcomes);
    if (moved) continue;
    // What went before is gone and is to be told of.
    for (const auto& [sequence, index] : moves) {
      if (!outcomes[index].ended()) outcomes[index].refusal = moved.error();
    }
  }
  api::MoveMessagesResponse response;
  tell(*named, outcomes, response.moved, response.failed);
  co_return response;
}

Answer<api::ListMessageGroupsResponse> list_message_groups(Context& context,
                                                           api::ListMessageGroupsRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const Expected<std::size_t> count = number_of(request.max_results, 1, limits::kPeekResultsMax,
                                                limits::kPeekResultsDefault, "MaxResults");
  if (!count) co_return count.error();
  const std::shared_ptr<Look> look = look_at(**queue);
  const Expected<void> token = take_token(request.next_token, *look);
  if (!token) co_return token.error();
  const bool first_page = look->from == SequenceNumber{};
  look->wanted.group_heads = true;
  look->found_max = *count;
  look->groups_max = std::min(look->groups_listed.size() + *count, limits::kListedGroupsMax);
  look->found_bytes_max = SIZE_MAX;
  const Expected<void> done = co_await carry_out(context, look);
  if (!done) co_return done.error();
  const bool counted = first_page && look->exhausted;
  api::ListMessageGroupsResponse response;
  for (const LookedMessage& head : look->found) {
    response.groups.push_back(described_group(head, *look, counted, (*queue)->config.fifo));
  }
  // Only who remembers all that were named can tell which one is new.
  response.truncated = !look->exhausted && look->groups_listed.size() >= limits::kListedGroupsMax;
  if (!response.truncated) response.next_token = token_of(*look);
  co_return response;
}

Answer<api::ReceiveMessageResponse> localstack_messages(Context& context,
                                                        const LocalStackPeek& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const std::shared_ptr<Look> look = look_at(**queue);
  look->wanted.in_flight = request.invisible;
  look->wanted.delayed = request.delayed;
  look->found_max = limits::kLocalStackMessagesMax;
  look->body_bytes_max = limits::kMessageBytesMax;
  const Expected<void> done = co_await carry_out(context, look);
  if (!done) co_return done.error();
  api::ReceiveMessageResponse response;
  for (const LookedMessage& message : look->found) {
    response.messages.push_back(as_received(look, message, (*queue)->config.fifo));
  }
  co_return response;
}

Answer<api::ListConsumersResponse> list_consumers(Context& context,
                                                  api::ListConsumersRequest& request) {
  const Expected<QueueInfoPointer> queue = find_queue(context, request.queue_url);
  if (!queue) co_return queue.error();
  const auto list = [id = (*queue)->id](const Shard& shard, Timestamp) {
    return shard.consumers(id);
  };
  Expected<Consumers> consumers = co_await context.service.shard_of((*queue)->id).call(list);
  if (!consumers) co_return consumers.error();
  api::ListConsumersResponse response;
  response.last_receive = milliseconds_of(consumers->last_receive);
  for (WaitingConsumer& waiting : consumers->waiting) {
    response.waiting.push_back({{std::move(waiting.source_address),
                                 std::move(waiting.principal_arn), std::move(waiting.user_agent)},
                                waiting.since.milliseconds,
                                waiting.until.milliseconds});
  }
  std::ranges::sort(consumers->recent, std::greater<>{}, &RecentConsumer::last_receive);
  for (RecentConsumer& recent : consumers->recent) {
    response.recent_consumers.push_back(
        {{std::move(recent.source_address), std::move(recent.principal_arn),
          std::move(recent.user_agent)},
         recent.last_receive.milliseconds,
         static_cast<std::int64_t>(recent.receives),
         static_cast<std::int64_t>(recent.messages)});
  }
  co_return response;
}

}  // namespace millrace
