// The attributes of a queue: as typed fields (QueueConfig) and as the texts that SQS speaks.
//
// THE TABLE OF QUEUE ATTRIBUTES is in attributes.cc: one row per attribute with its name, who may
// set it, for which kind of queue, range, and how it is read from and written to a QueueConfig.
// Everything declared here walks that table. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "model/names.h"

namespace millrace {

/// Attribute name → value, as requests and replies carry them.
using AttributeMap = std::map<std::string, std::string>;

/// Where messages go that were received `receive_count_max` times without being deleted.
struct RedrivePolicy {
  QueueArn target;
  std::int64_t receive_count_max = 0;  // maxReceiveCount, 1 to 1000

  friend bool operator==(const RedrivePolicy&, const RedrivePolicy&) = default;
};

/// Which queues may name this one as their dead-letter queue.
struct RedriveAllowPolicy {
  enum class Permission { allow_all, deny_all, by_queue };
  Permission permission = Permission::allow_all;
  std::vector<QueueArn> sources;  // by_queue only, 1 to 10

  bool allows(const QueueArn& source) const;
  friend bool operator==(const RedriveAllowPolicy&, const RedriveAllowPolicy&) = default;
};

enum class DeduplicationScope { queue, message_group };
enum class FifoThroughputLimit { per_queue, per_message_group_id };

/// What a queue is set to. The defaults are those of SQS.
struct QueueConfig {
  bool fifo = false;
  std::int64_t visibility_seconds = limits::kVisibilitySecondsDefault;
  std::int64_t delay_seconds = 0;
  std::int64_t message_bytes_max = limits::kMessageBytesMax;
  std::int64_t retention_seconds = limits::kRetentionSecondsDefault;
  std::int64_t wait_seconds = 0;  // ReceiveMessageWaitTimeSeconds
  std::string policy;             // the JSON text as it was given; empty: none
  std::optional<RedrivePolicy> redrive_policy;
  std::optional<RedriveAllowPolicy> redrive_allow_policy;  // nothing: allowAll
  std::string kms_key;                                     // KmsMasterKeyId; empty: none
  std::int64_t kms_reuse_seconds = limits::kKmsReuseSecondsDefault;
  bool managed_encryption = true;  // SqsManagedSseEnabled
  bool content_based_deduplication = false;
  DeduplicationScope deduplication_scope = DeduplicationScope::queue;
  FifoThroughputLimit fifo_throughput_limit = FifoThroughputLimit::per_queue;

  /// Whether message bodies are encrypted at rest.
  bool encrypts() const { return managed_encryption || !kms_key.empty(); }
  friend bool operator==(const QueueConfig&, const QueueConfig&) = default;
};

/// What GetQueueAttributes tells that is not a setting.
struct QueueFacts {
  QueueArn arn;
  Timestamp created_at;
  Timestamp modified_at;
  std::uint64_t visible = 0;    // ApproximateNumberOfMessages
  std::uint64_t in_flight = 0;  // ApproximateNumberOfMessagesNotVisible
  std::uint64_t delayed = 0;    // ApproximateNumberOfMessagesDelayed
};

/// The settings of a queue that CreateQueue makes. Checks that name and FifoQueue agree too.
/// Whether a RedrivePolicy's target exists, is of the same kind and allows it is for the caller to
/// check.
/// @return InvalidParameterValue, InvalidAttributeName, InvalidAttributeValue or OverLimit.
Expected<QueueConfig> create_config(const QueueName& name, const AttributeMap& attributes);

/// `current` with the attributes of a SetQueueAttributes applied: all or, on the first error, none.
/// @return as create_config; MissingParameter when `attributes` is empty.
Expected<QueueConfig> change_config(const QueueConfig& current, const AttributeMap& attributes);

/// CreateQueue of a name that exists: compares only the given attributes with the current values.
/// @return QueueNameExists that names the first attribute that differs, or the error of its value.
Expected<void> require_same_config(const QueueConfig& current, const AttributeMap& given);

/// The attributes that GetQueueAttributes was asked for. "All" asks for every one; an attribute
/// that is not set or not for this kind of queue is left out. No names, no attributes.
/// @return InvalidAttributeName on a name that SQS does not know.
Expected<AttributeMap> describe(const QueueConfig& config, const QueueFacts& facts,
                                std::span<const std::string> names);

/// The settings as bytes for the stored record: a version, then what differs from the defaults.
std::string config_to_bytes(const QueueConfig& config);
/// @return InternalFailure when the bytes are not what config_to_bytes makes.
Expected<QueueConfig> config_from_bytes(std::string_view bytes);

/// Reads a RedrivePolicy's JSON. @return InvalidParameterValue with SQS's text.
Expected<RedrivePolicy> parse_redrive_policy(std::string_view json);
/// `{"deadLetterTargetArn":"…","maxReceiveCount":1}`.
std::string to_json(const RedrivePolicy& policy);
/// Reads a RedriveAllowPolicy's JSON. @return InvalidParameterValue with SQS's text.
Expected<RedriveAllowPolicy> parse_redrive_allow_policy(std::string_view json);
std::string to_json(const RedriveAllowPolicy& policy);

}  // namespace millrace
