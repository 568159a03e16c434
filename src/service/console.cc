#include "service/console.h"

#include <utility>

#include "queue/shard.h"
#include "runtime/shard_driver.h"
#include "service/registry.h"
#include "service/resolve.h"

namespace millrace {

namespace {

std::string_view encryption_of(const QueueConfig& config) {
  if (!config.kms_key.empty()) return "SSE-KMS";
  return config.managed_encryption ? "SSE-SQS" : "none";
}

api::QueueSummary summary_of(const Context& context, const QueueInfo& info,
                             const QueueCounts& counts) {
  api::QueueSummary summary;
  summary.queue_url = url_of(context, info);
  summary.queue_name = info.name.text();
  summary.queue_arn = context.service.registry.arn_of(info).text();
  summary.type = info.config.fifo ? "fifo" : "standard";
  summary.messages = static_cast<std::int64_t>(counts.visible);
  summary.in_flight = static_cast<std::int64_t>(counts.in_flight);
  summary.delayed = static_cast<std::int64_t>(counts.delayed);
  summary.created = info.created_at.milliseconds;
  summary.last_modified = info.modified_at.milliseconds;
  summary.encryption = encryption_of(info.config);
  summary.kms_key_id = info.config.kms_key;
  if (const auto& redrive = info.config.redrive_policy) {
    summary.dead_letter_target_arn = redrive->target.text();
    summary.max_receive_count = redrive->receive_count_max;
  }
  return summary;
}

}  // namespace

Answer<api::DescribeQueueResponse> describe_queue(Context& context,
                                                  api::DescribeQueueRequest& request) {
  const Expected<QueueInfoPointer> info = find_queue(context, request.queue_url);
  if (!info) co_return info.error();
  const auto count = [queue = (*info)->id](Shard& shard, Timestamp now) {
    return shard.counts(queue, now);
  };
  const Expected<QueueCounts> counts = co_await context.service.shard_of((*info)->id).call(count);
  if (!counts) co_return counts.error();
  co_return api::DescribeQueueResponse{.queue = summary_of(context, **info, *counts)};
}

}  // namespace millrace
