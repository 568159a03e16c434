// Requests and replies of the actions that only the management console has, and scripts that ask
// what it asks. AWS JSON only; docs/admin-api.md describes them. Plain values; see api/field.h for
// what the field lists mean.
//
// Points in time are milliseconds since the epoch; ages are whole seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/field.h"

namespace millrace::api {

/// What a list of queues tells of each.
struct QueueSummary {
  std::string queue_url;
  std::string queue_name;
  std::string queue_arn;
  std::string type;  // "standard" or "fifo"
  std::int64_t messages = 0;
  std::int64_t in_flight = 0;
  std::int64_t delayed = 0;
  std::int64_t created = 0;
  std::int64_t last_modified = 0;
  std::string encryption;  // "none", "SSE-SQS" or "SSE-KMS"
  std::string kms_key_id;
  std::string dead_letter_target_arn;
  std::optional<std::int64_t> max_receive_count;

  static void fields(auto& self, auto& visit) {
    visit({"QueueUrl"}, self.queue_url);
    visit({"QueueName"}, self.queue_name);
    visit({"QueueArn"}, self.queue_arn);
    visit({"Type"}, self.type);
    visit({"Messages"}, self.messages);
    visit({"InFlight"}, self.in_flight);
    visit({"Delayed"}, self.delayed);
    visit({"Created"}, self.created);
    visit({"LastModified"}, self.last_modified);
    visit({"Encryption"}, self.encryption);
    visit({"KmsKeyId"}, self.kms_key_id);
    visit({"DeadLetterTargetArn"}, self.dead_letter_target_arn);
    visit({"MaxReceiveCount"}, self.max_receive_count);
  }
};

struct DescribeQueueRequest {
  std::string queue_url;

  static void fields(auto& self, auto& visit) { visit(kQueueUrl, self.queue_url); }
};

struct DescribeQueueResponse {
  QueueSummary queue;

  static void fields(auto& self, auto& visit) { visit({"Queue"}, self.queue); }
};

}  // namespace millrace::api
