// Requests and replies of the console's actions on the messages of a queue: peek, search, delete
// and move by id, message groups, consumers. AWS JSON only; docs/admin-api.md describes them. Plain
// values; see api/field.h for what the field lists mean.
//
// Points in time are milliseconds since the epoch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/field.h"

namespace millrace::api {

/// A message as it lies in its queue.
struct PeekedMessage {
  UuidText peek_id;
  UuidText message_id;
  std::string_view state;  // "available", "inFlight" or "delayed"
  std::optional<std::int64_t> visible_at;
  std::int64_t sent_timestamp = 0;
  std::optional<std::int64_t> first_receive_timestamp;
  std::int64_t receive_count = 0;
  std::string_view sender_id;
  std::string_view message_group_id;
  std::string_view message_deduplication_id;
  std::string sequence_number;  // FIFO only, else empty
  std::string_view trace_header;
  std::string_view dead_letter_queue_source_arn;
  std::string_view body;  // its beginning
  std::int64_t body_size = 0;
  bool body_truncated = false;
  Md5Digest md5_of_body{};
  std::optional<Md5Digest> md5_of_message_attributes;
  std::vector<MessageAttributeView> message_attributes;
  std::shared_ptr<const void> keep_alive;  // what the views point into

  static void fields(auto& self, auto& visit) {
    visit({"PeekId"}, self.peek_id);
    visit({"MessageId"}, self.message_id);
    visit({"State"}, self.state);
    visit({"VisibleAt"}, self.visible_at);
    visit({"SentTimestamp"}, self.sent_timestamp);
    visit({"FirstReceiveTimestamp"}, self.first_receive_timestamp);
    visit({"ReceiveCount"}, self.receive_count);
    visit({"SenderId"}, self.sender_id);
    visit({"MessageGroupId"}, self.message_group_id);
    visit({"MessageDeduplicationId"}, self.message_deduplication_id);
    visit({"SequenceNumber"}, self.sequence_number);
    visit({"AWSTraceHeader"}, self.trace_header);
    visit({"DeadLetterQueueSourceArn"}, self.dead_letter_queue_source_arn);
    visit({.json = "Body", .required = Required::always}, self.body);
    visit({"BodySize"}, self.body_size);
    visit({"BodyTruncated"}, self.body_truncated);
    visit({"MD5OfBody"}, self.md5_of_body);
    visit({"MD5OfMessageAttributes"}, self.md5_of_message_attributes);
    visit({"MessageAttributes"}, self.message_attributes);
  }
};

struct PeekMessagesRequest {
  std::string queue_url;
  std::vector<std::string> states;
  std::optional<std::int64_t> max_results;
  std::optional<std::int64_t> max_body_bytes;
  std::optional<std::string> next_token;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"States"}, self.states);
    visit({"MaxResults"}, self.max_results);
    visit({"MaxBodyBytes"}, self.max_body_bytes);
    visit({"NextToken"}, self.next_token);
  }
};

struct PeekMessagesResponse {
  std::vector<PeekedMessage> messages;
  std::string next_token;
  std::int64_t scanned = 0;  // messages that were looked at

  static void fields(auto& self, auto& visit) {
    visit({.json = "Messages", .required = Required::always}, self.messages);
    visit({"NextToken"}, self.next_token);
    visit({"Scanned"}, self.scanned);
  }
};

struct GetMessageRequest {
  std::string queue_url;
  std::string peek_id;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({.json = "PeekId", .required = Required::always}, self.peek_id);
  }
};

struct GetMessageResponse {
  PeekedMessage message;

  static void fields(auto& self, auto& visit) { visit({"Message"}, self.message); }
};

struct SearchMessagesRequest {
  std::string queue_url;
  std::optional<std::string> text;
  std::optional<std::string> message_id;
  std::optional<std::string> message_group_id;
  std::optional<std::string> attribute_name;
  std::optional<std::string> attribute_value;
  std::optional<std::int64_t> sent_after;
  std::optional<std::int64_t> sent_before;
  std::vector<std::string> states;
  std::optional<std::int64_t> max_results;
  std::optional<std::int64_t> max_body_bytes;
  std::optional<std::string> next_token;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"Text"}, self.text);
    visit({"MessageId"}, self.message_id);
    visit({"MessageGroupId"}, self.message_group_id);
    visit({"AttributeName"}, self.attribute_name);
    visit({"AttributeValue"}, self.attribute_value);
    visit({"SentAfter"}, self.sent_after);
    visit({"SentBefore"}, self.sent_before);
    visit({"States"}, self.states);
    visit({"MaxResults"}, self.max_results);
    visit({"MaxBodyBytes"}, self.max_body_bytes);
    visit({"NextToken"}, self.next_token);
  }
};

struct SearchMessagesResponse {
  std::vector<PeekedMessage> messages;
  std::string next_token;
  std::int64_t scanned = 0;
  std::int64_t total = 0;  // messages in the queue

  static void fields(auto& self, auto& visit) {
    visit({.json = "Messages", .required = Required::always}, self.messages);
    visit({"NextToken"}, self.next_token);
    visit({"Scanned"}, self.scanned);
    visit({"Total"}, self.total);
  }
};

/// A message that was not deleted, or not moved.
struct FailedMessage {
  std::string peek_id;
  std::string code;
  std::string message;

  static void fields(auto& self, auto& visit) {
    visit({"PeekId"}, self.peek_id);
    visit({"Code"}, self.code);
    visit({"Message"}, self.message);
  }
};

struct DeleteMessagesRequest {
  std::string queue_url;
  std::vector<std::string> peek_ids;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({.json = "PeekIds", .required = Required::always}, self.peek_ids);
  }
};

struct DeleteMessagesResponse {
  std::vector<std::string> deleted;
  std::vector<FailedMessage> failed;

  static void fields(auto& self, auto& visit) {
    visit({.json = "Deleted", .required = Required::always}, self.deleted);
    visit({.json = "Failed", .required = Required::always}, self.failed);
  }
};

struct MoveMessagesRequest {
  std::string source_url;
  std::string destination_url;
  std::vector<std::string> peek_ids;

  static void fields(auto& self, auto& visit) {
    visit({"SourceUrl"}, self.source_url);
    visit({"DestinationUrl"}, self.destination_url);
    visit({.json = "PeekIds", .required = Required::always}, self.peek_ids);
  }
};

struct MoveMessagesResponse {
  std::vector<std::string> moved;
  std::vector<FailedMessage> failed;

  static void fields(auto& self, auto& visit) {
    visit({.json = "Moved", .required = Required::always}, self.moved);
    visit({.json = "Failed", .required = Required::always}, self.failed);
  }
};

struct MessageGroup {
  std::string message_group_id;
  std::optional<std::int64_t> messages;  // nothing: not counted
  std::int64_t in_flight = 0;
  bool locked = false;
  std::optional<std::int64_t> locked_until;
  UuidText head_message_id;
  std::int64_t head_sent_timestamp = 0;
  std::optional<bool> noisy;  // standard queues

  static void fields(auto& self, auto& visit) {
    visit({"MessageGroupId"}, self.message_group_id);
    visit({"Messages"}, self.messages);
    visit({"InFlight"}, self.in_flight);
    visit({"Locked"}, self.locked);
    visit({"LockedUntil"}, self.locked_until);
    visit({"HeadMessageId"}, self.head_message_id);
    visit({"HeadSentTimestamp"}, self.head_sent_timestamp);
    visit({"Noisy"}, self.noisy);
  }
};

struct ListMessageGroupsRequest {
  std::string queue_url;
  std::optional<std::int64_t> max_results;
  std::optional<std::string> next_token;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"MaxResults"}, self.max_results);
    visit({"NextToken"}, self.next_token);
  }
};

struct ListMessageGroupsResponse {
  std::vector<MessageGroup> groups;
  std::string next_token;
  bool truncated = false;  // there may be more, and they cannot be told

  static void fields(auto& self, auto& visit) {
    visit({.json = "Groups", .required = Required::always}, self.groups);
    visit({"NextToken"}, self.next_token);
    visit({"Truncated"}, self.truncated);
  }
};

/// Who receives, as its requests say; part of what follows.
struct ConsumerIdentity {
  std::string source_address;
  std::string principal_arn;
  std::string user_agent;

  static void fields(auto& self, auto& visit) {
    visit({"SourceAddress"}, self.source_address);
    visit({"PrincipalArn"}, self.principal_arn);
    visit({"UserAgent"}, self.user_agent);
  }
};

/// A receive that waits for a message.
struct WaitingReceive {
  ConsumerIdentity consumer;
  std::int64_t since = 0;
  std::int64_t until = 0;

  static void fields(auto& self, auto& visit) {
    ConsumerIdentity::fields(self.consumer, visit);
    visit({"Since"}, self.since);
    visit({"Until"}, self.until);
  }
};

struct RecentConsumer {
  ConsumerIdentity consumer;
  std::int64_t last_receive = 0;
  std::int64_t receives = 0;
  std::int64_t messages = 0;

  static void fields(auto& self, auto& visit) {
    ConsumerIdentity::fields(self.consumer, visit);
    visit({"LastReceive"}, self.last_receive);
    visit({"Receives"}, self.receives);
    visit({"Messages"}, self.messages);
  }
};

struct ListConsumersRequest {
  std::string queue_url;

  static void fields(auto& self, auto& visit) { visit(kQueueUrl, self.queue_url); }
};

struct ListConsumersResponse {
  std::vector<WaitingReceive> waiting;
  std::optional<std::int64_t> last_receive;
  std::vector<RecentConsumer> recent_consumers;

  static void fields(auto& self, auto& visit) {
    visit({.json = "Waiting", .required = Required::always}, self.waiting);
    visit({"LastReceive"}, self.last_receive);
    visit({.json = "RecentConsumers", .required = Required::always}, self.recent_consumers);
  }
};

}  // namespace millrace::api
