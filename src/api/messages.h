// Requests and replies of the actions on messages: send, receive, delete, change visibility, and
// their batches. Plain values; see api/field.h for what the field lists mean.
//
// The results of a batch stand in the order of the request's entries, within `successful` and
// within `failed`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/field.h"

namespace millrace::api {

struct SendMessageRequest {
  std::string queue_url;
  std::string message_body;
  std::optional<std::int64_t> delay_seconds;
  std::vector<MessageAttributeInput> message_attributes;
  std::vector<MessageAttributeInput> message_system_attributes;
  std::optional<std::string> message_deduplication_id;
  std::optional<std::string> message_group_id;
  std::string trace_header;  // the HTTP field X-Amzn-Trace-Id: AWSTraceHeader where that is not set

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({.json = "MessageBody", .required = Required::always}, self.message_body);
    visit({"DelaySeconds"}, self.delay_seconds);
    visit({"MessageAttributes", "MessageAttribute"}, self.message_attributes);
    visit({"MessageSystemAttributes", "MessageSystemAttribute"}, self.message_system_attributes);
    visit({"MessageDeduplicationId"}, self.message_deduplication_id);
    visit({"MessageGroupId"}, self.message_group_id);
  }
  friend bool operator==(const SendMessageRequest&, const SendMessageRequest&) = default;
};

struct SendMessageResponse {
  Md5Digest md5_of_message_body{};
  std::optional<Md5Digest> md5_of_message_attributes;
  std::optional<Md5Digest> md5_of_message_system_attributes;
  UuidText message_id;
  std::string sequence_number;  // FIFO only, else empty

  static void fields(auto& self, auto& visit) {
    visit({"MD5OfMessageBody"}, self.md5_of_message_body);
    visit({"MD5OfMessageAttributes"}, self.md5_of_message_attributes);
    visit({"MD5OfMessageSystemAttributes"}, self.md5_of_message_system_attributes);
    visit({"MessageId"}, self.message_id);
    visit({"SequenceNumber"}, self.sequence_number);
  }
};

struct SendMessageBatchRequestEntry {
  std::string id;
  std::string message_body;
  std::optional<std::int64_t> delay_seconds;
  std::vector<MessageAttributeInput> message_attributes;
  std::vector<MessageAttributeInput> message_system_attributes;
  std::optional<std::string> message_deduplication_id;
  std::optional<std::string> message_group_id;

  static void fields(auto& self, auto& visit) {
    visit({"Id"}, self.id);
    visit({"MessageBody"}, self.message_body);
    visit({"DelaySeconds"}, self.delay_seconds);
    visit({"MessageAttributes", "MessageAttribute"}, self.message_attributes);
    visit({"MessageSystemAttributes", "MessageSystemAttribute"}, self.message_system_attributes);
    visit({"MessageDeduplicationId"}, self.message_deduplication_id);
    visit({"MessageGroupId"}, self.message_group_id);
  }
  friend bool operator==(const SendMessageBatchRequestEntry&,
                         const SendMessageBatchRequestEntry&) = default;
};

struct SendMessageBatchRequest {
  std::string queue_url;
  std::vector<SendMessageBatchRequestEntry> entries;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"Entries", "SendMessageBatchRequestEntry"}, self.entries);
  }
  friend bool operator==(const SendMessageBatchRequest&, const SendMessageBatchRequest&) = default;
};

struct SendMessageBatchResultEntry {
  std::string id;
  UuidText message_id;
  Md5Digest md5_of_message_body{};
  std::optional<Md5Digest> md5_of_message_attributes;
  std::optional<Md5Digest> md5_of_message_system_attributes;
  std::string sequence_number;  // FIFO only, else empty

  static void fields(auto& self, auto& visit) {
    visit({"Id"}, self.id);
    visit({"MessageId"}, self.message_id);
    visit({"MD5OfMessageBody"}, self.md5_of_message_body);
    visit({"MD5OfMessageAttributes"}, self.md5_of_message_attributes);
    visit({"MD5OfMessageSystemAttributes"}, self.md5_of_message_system_attributes);
    visit({"SequenceNumber"}, self.sequence_number);
  }
};

struct SendMessageBatchResponse {
  std::vector<SendMessageBatchResultEntry> successful;
  std::vector<BatchResultErrorEntry> failed;

  static void fields(auto& self, auto& visit) {
    visit({"Successful", "SendMessageBatchResultEntry"}, self.successful);
    visit({"Failed", "BatchResultErrorEntry"}, self.failed);
  }
};

struct ReceiveMessageRequest {
  std::string queue_url;
  std::vector<std::string> attribute_names;
  std::vector<std::string> message_system_attribute_names;  // wins over attribute_names
  std::vector<std::string> message_attribute_names;
  std::optional<std::int64_t> max_number_of_messages;
  std::optional<std::int64_t> visibility_timeout;
  std::optional<std::int64_t> wait_time_seconds;
  std::optional<std::string> receive_request_attempt_id;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"AttributeNames", "AttributeName"}, self.attribute_names);
    visit({"MessageSystemAttributeNames", "MessageSystemAttributeName"},
          self.message_system_attribute_names);
    visit({"MessageAttributeNames", "MessageAttributeName"}, self.message_attribute_names);
    visit({"MaxNumberOfMessages"}, self.max_number_of_messages);
    visit({"VisibilityTimeout"}, self.visibility_timeout);
    visit({"WaitTimeSeconds"}, self.wait_time_seconds);
    visit({"ReceiveRequestAttemptId"}, self.receive_request_attempt_id);
  }
  friend bool operator==(const ReceiveMessageRequest&, const ReceiveMessageRequest&) = default;
};

/// One message of a receive. Its views point into what `keep_alive` holds, so that a body goes from
/// the store's chunk into the reply without a copy in between.
struct ReceivedMessage {
  UuidText message_id;
  std::string receipt_handle;
  Md5Digest md5_of_body{};
  std::string_view body;
  std::vector<std::pair<std::string_view, std::string>> attributes;  // names of static storage
  std::optional<Md5Digest> md5_of_message_attributes;                // of the returned ones
  std::vector<MessageAttributeView> message_attributes;
  std::shared_ptr<const void> keep_alive;

  static void fields(auto& self, auto& visit) {
    visit({"MessageId"}, self.message_id);
    visit({"ReceiptHandle"}, self.receipt_handle);
    visit({"MD5OfBody"}, self.md5_of_body);
    visit({"Body"}, self.body);
    visit({"Attributes", "Attribute"}, self.attributes);
    visit({"MD5OfMessageAttributes"}, self.md5_of_message_attributes);
    visit({"MessageAttributes", "MessageAttribute"}, self.message_attributes);
  }
};

struct ReceiveMessageResponse {
  std::vector<ReceivedMessage> messages;

  static void fields(auto& self, auto& visit) { visit({"Messages", "Message"}, self.messages); }
};

struct DeleteMessageRequest {
  std::string queue_url;
  std::string receipt_handle;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({.json = "ReceiptHandle", .required = Required::always}, self.receipt_handle);
  }
  friend bool operator==(const DeleteMessageRequest&, const DeleteMessageRequest&) = default;
};

using DeleteMessageResponse = NoOutput;

struct DeleteMessageBatchRequestEntry {
  std::string id;
  std::string receipt_handle;

  static void fields(auto& self, auto& visit) {
    visit({"Id"}, self.id);
    visit({"ReceiptHandle"}, self.receipt_handle);
  }
  friend bool operator==(const DeleteMessageBatchRequestEntry&,
                         const DeleteMessageBatchRequestEntry&) = default;
};

struct DeleteMessageBatchRequest {
  std::string queue_url;
  std::vector<DeleteMessageBatchRequestEntry> entries;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"Entries", "DeleteMessageBatchRequestEntry"}, self.entries);
  }
  friend bool operator==(const DeleteMessageBatchRequest&,
                         const DeleteMessageBatchRequest&) = default;
};

struct DeleteMessageBatchResponse {
  std::vector<BatchResultEntry> successful;
  std::vector<BatchResultErrorEntry> failed;

  static void fields(auto& self, auto& visit) {
    visit({"Successful", "DeleteMessageBatchResultEntry"}, self.successful);
    visit({"Failed", "BatchResultErrorEntry"}, self.failed);
  }
};

struct ChangeMessageVisibilityRequest {
  std::string queue_url;
  std::string receipt_handle;
  std::optional<std::int64_t> visibility_timeout;  // always set once decoded

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({.json = "ReceiptHandle", .required = Required::always}, self.receipt_handle);
    visit({.json = "VisibilityTimeout", .required = Required::always}, self.visibility_timeout);
  }
  friend bool operator==(const ChangeMessageVisibilityRequest&,
                         const ChangeMessageVisibilityRequest&) = default;
};

using ChangeMessageVisibilityResponse = NoOutput;

struct ChangeMessageVisibilityBatchRequestEntry {
  std::string id;
  std::string receipt_handle;
  std::optional<std::int64_t> visibility_timeout;

  static void fields(auto& self, auto& visit) {
    visit({"Id"}, self.id);
    visit({"ReceiptHandle"}, self.receipt_handle);
    visit({"VisibilityTimeout"}, self.visibility_timeout);
  }
  friend bool operator==(const ChangeMessageVisibilityBatchRequestEntry&,
                         const ChangeMessageVisibilityBatchRequestEntry&) = default;
};

struct ChangeMessageVisibilityBatchRequest {
  std::string queue_url;
  std::vector<ChangeMessageVisibilityBatchRequestEntry> entries;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"Entries", "ChangeMessageVisibilityBatchRequestEntry"}, self.entries);
  }
  friend bool operator==(const ChangeMessageVisibilityBatchRequest&,
                         const ChangeMessageVisibilityBatchRequest&) = default;
};

struct ChangeMessageVisibilityBatchResponse {
  std::vector<BatchResultEntry> successful;
  std::vector<BatchResultErrorEntry> failed;

  static void fields(auto& self, auto& visit) {
    visit({"Successful", "ChangeMessageVisibilityBatchResultEntry"}, self.successful);
    visit({"Failed", "BatchResultErrorEntry"}, self.failed);
  }
};

}  // namespace millrace::api
