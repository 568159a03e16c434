// The actions on message move tasks. The tasks themselves live on the shards of their source queues
// (queue/move_tasks.h).
#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/encoding.h"
#include "base/limits.h"
#include "queue/shard.h"
#include "runtime/shard_driver.h"
#include "service/authorize.h"
#include "service/handlers.h"
#include "service/move_tasks.h"
#include "service/registry.h"

namespace millrace {

namespace {

ApiError invalid(std::string text) {
  return {ErrorCode::invalid_parameter_value, std::move(text)};
}

// "You must enter a number that's between 1 and <max>."
Expected<void> check_number(const std::optional<std::int64_t>& number, std::int64_t max,
                            std::string_view parameter) {
  if (!number || (*number >= 1 && *number <= max)) return {};
  std::string text = "Value for parameter ";
  text.append(parameter).append(
      " is invalid. Reason: You must enter a number that's between 1 and ");
  return invalid(text.append(std::to_string(max)).append("."));
}

ApiError no_such_resource(std::string_view parameter) {
  std::string text = "The resource that you specified for the ";
  return {ErrorCode::resource_not_found,
          text.append(parameter).append(" parameter doesn't exist.")};
}

Expected<QueueArn> parse_arn(std::string_view text, std::string_view parameter) {
  const std::optional<QueueArn> arn = QueueArn::parse(text);
  if (arn) return *arn;
  std::string error = "You must use this format to specify the ";
  return invalid(error.append(parameter).append(
      ": arn:<partition>:<service>:<region>:<account-id>:<resource-id>"));
}

// The queue of a SourceArn or DestinationArn parameter, with which the caller may do `actions`.
Expected<QueueInfoPointer> find_by_arn(const Context& context, std::string_view text,
                                       std::string_view parameter,
                                       std::initializer_list<PolicyAction> actions) {
  const Expected<QueueArn> arn = parse_arn(text, parameter);
  if (!arn) return arn.error();
  QueueInfoPointer info = context.service.registry.find(*arn);
  if (!info) note_queue(context.notes, arn->region(), arn->account(), arn->name().text());
  const Resource resource(arn->account(), arn->name().text(), info.get());
  for (const PolicyAction action : actions) {
    const Expected<void> allowed = authorize(context, action, resource);
    if (!allowed) return allowed.error();
  }
  if (!info) return no_such_resource(parameter);
  return info;
}

Expected<QueueInfoPointer> find_destination(const Context& context, const QueueInfo& source,
                                            std::string_view destination_arn) {
  const Expected<QueueInfoPointer> destination =
      find_by_arn(context, destination_arn, "DestinationArn", {PolicyAction::send_message});
  if (!destination) return destination.error();
  if ((*destination)->id == source.id) {
    return invalid("Source queue arn and destination queue arn cannot be the same.");
  }
  if ((*destination)->config.fifo != source.config.fifo) {
    return invalid("The source queue and destination queue must be of the same queue type.");
  }
  return destination;
}

// What the request asks the shard for, if it may.
Expected<NewMoveTask> check_start(const Context& context, const QueueInfo& source,
                                  const api::StartMessageMoveTaskRequest& request) {
  NewMoveTask wanted;
  wanted.rate = static_cast<std::uint32_t>(request.max_number_of_messages_per_second.value_or(0));
  if (request.destination_arn && !request.destination_arn->empty()) {
    const Expected<QueueInfoPointer> destination =
        find_destination(context, source, *request.destination_arn);
    if (!destination) return destination.error();
    wanted.destination = (*destination)->id;
    wanted.destination_arn = *request.destination_arn;
  }
  const QueueArn arn = context.service.registry.arn_of(source);
  const std::vector<QueueInfoPointer> origins = context.service.directory.dead_letter_sources(arn);
  if (origins.empty()) return invalid("Source queue must be configured as a Dead Letter Queue.");
  if (wanted.destination) return wanted;
  for (const QueueInfoPointer& origin : origins) {  // messages go back there
    const Expected<void> allowed = authorize(context, PolicyAction::send_message, *origin);
    if (!allowed) return allowed.error();
  }
  return wanted;
}

// Whether the account may have one more active task. Two requests at the same time may both find
// the last place free.
Answer<void> check_active_tasks(const Context& context, AccountId account) {
  const auto moving_of = [](const Shard& shard, Timestamp) -> Expected<std::vector<QueueId>> {
    return shard.moving();
  };
  std::unordered_set<QueueId> moving;
  for (ShardDriver* shard : context.service.shards) {
    const Expected<std::vector<QueueId>> queues = co_await shard->call(moving_of);
    if (!queues) co_return queues.error();
    moving.insert(queues->begin(), queues->end());
  }
  if (moving.size() < limits::kMoveTasksActiveMax) co_return Expected<void>();
  const auto active = std::ranges::count_if(
      context.service.directory.list(account),
      [&](const QueueInfoPointer& info) { return moving.contains(info->id); });
  if (static_cast<std::size_t>(active) < limits::kMoveTasksActiveMax) co_return Expected<void>();
  co_return ApiError(ErrorCode::request_throttled,
                     "An account may have 100 active message move tasks at a time.");
}

/// What a task handle holds.
struct TaskHandle {
  std::string task_id;
  std::string source_arn;
};

// Base64 of {"taskId":"<uuid>","sourceArn":"<arn>"}.
std::string handle_text(const TaskHandle& handle) {
  return to_base64(boost::json::serialize(
      boost::json::object{{"taskId", handle.task_id}, {"sourceArn", handle.source_arn}}));
}

Expected<TaskHandle> parse_handle(const std::string& text) {
  const ApiError error = invalid("Value for parameter TaskHandle is invalid.");
  const std::optional<std::string> json_text = from_base64(text);
  if (!json_text) return error;
  boost::system::error_code failure;
  const boost::json::value json = boost::json::parse(*json_text, failure);
  if (failure || !json.is_object()) return error;
  const boost::json::value* task = json.get_object().if_contains("taskId");
  const boost::json::value* source = json.get_object().if_contains("sourceArn");
  if (!task || !task->is_string() || !source || !source->is_string()) return error;
  if (!QueueArn::parse(source->get_string())) return error;
  return TaskHandle{std::string(task->get_string()), std::string(source->get_string())};
}

std::string_view status_text(MoveTaskRecord::Status status) {
  switch (status) {
    case MoveTaskRecord::Status::running:
      return "RUNNING";
    case MoveTaskRecord::Status::completed:
      return "COMPLETED";
    case MoveTaskRecord::Status::cancelling:
      return "CANCELLING";
    case MoveTaskRecord::Status::cancelled:
      return "CANCELLED";
    case MoveTaskRecord::Status::failed:
      return "FAILED";
  }
  return {};
}

}  // namespace

api::ListMessageMoveTasksResultEntry describe_task(const MoveTask& task, const std::string& arn) {
  const MoveTaskRecord& record = task.record;
  api::ListMessageMoveTasksResultEntry entry;
  if (record.status == MoveTaskRecord::Status::running)
    entry.task_handle = handle_text({task.id, arn});
  entry.status = status_text(record.status);
  entry.source_arn = arn;
  entry.destination_arn = record.destination_arn;
  if (record.rate > 0) entry.max_number_of_messages_per_second = record.rate;
  entry.approximate_number_of_messages_moved = static_cast<std::int64_t>(record.moved);
  entry.approximate_number_of_messages_to_move = static_cast<std::int64_t>(record.to_move);
  entry.failure_reason = record.failure_reason;
  entry.started_timestamp = record.started_at.milliseconds;
  return entry;
}

namespace {

// An error of the source queue's shard: it may have been deleted meanwhile.
ApiError source_error(const ApiError& error) {
  return error.code() == ErrorCode::queue_does_not_exist ? no_such_resource("SourceArn") : error;
}

}  // namespace

Answer<api::StartMessageMoveTaskResponse> start_message_move_task(
    Context& context, api::StartMessageMoveTaskRequest& request) {
  const Expected<void> rate = check_number(request.max_number_of_messages_per_second,
                                           limits::kMoveRateMax, "MaxNumberOfMessagesPerSecond");
  if (!rate) co_return rate.error();
  const Expected<QueueInfoPointer> source =
      find_by_arn(context, request.source_arn, "SourceArn",
                  {PolicyAction::start_message_move_task, PolicyAction::receive_message,
                   PolicyAction::delete_message, PolicyAction::get_queue_attributes});
  if (!source) co_return source.error();
  const Expected<NewMoveTask> wanted = check_start(context, **source, request);
  if (!wanted) co_return wanted.error();
  const Expected<void> free = co_await check_active_tasks(context, (*source)->account);
  if (!free) co_return free.error();
  const auto start = [queue = (*source)->id, &wanted](Shard& shard, Timestamp now) {
    return shard.start_move_task(queue, *wanted, now);
  };
  const Expected<MoveTask> task = co_await context.service.shard_of((*source)->id).call(start);
  if (!task) co_return source_error(task.error());
  co_return api::StartMessageMoveTaskResponse{.task_handle =
                                                  handle_text({task->id, request.source_arn})};
}

Answer<api::CancelMessageMoveTaskResponse> cancel_message_move_task(
    Context& context, api::CancelMessageMoveTaskRequest& request) {
  const Expected<TaskHandle> handle = parse_handle(request.task_handle);
  if (!handle) co_return handle.error();
  const Expected<QueueInfoPointer> source = find_by_arn(context, handle->source_arn, "SourceArn",
                                                        {PolicyAction::cancel_message_move_task});
  if (!source) co_return source.error();
  const auto cancel = [queue = (*source)->id, &handle](Shard& shard, Timestamp) {
    return shard.cancel_move_task(queue, handle->task_id);
  };
  const Expected<std::uint64_t> moved =
      co_await context.service.shard_of((*source)->id).call(cancel);
  if (!moved) co_return source_error(moved.error());
  co_return api::CancelMessageMoveTaskResponse{.approximate_number_of_messages_moved =
                                                   static_cast<std::int64_t>(*moved)};
}

Answer<api::ListMessageMoveTasksResponse> list_message_move_tasks(
    Context& context, api::ListMessageMoveTasksRequest& request) {
  const Expected<void> count =
      check_number(request.max_results, limits::kMoveTasksListed, "MaxResults");
  if (!count) co_return count.error();
  const Expected<QueueInfoPointer> source = find_by_arn(context, request.source_arn, "SourceArn",
                                                        {PolicyAction::list_message_move_tasks});
  if (!source) co_return source.error();
  const auto list = [queue = (*source)->id](const Shard& shard, Timestamp) {
    return shard.move_tasks(queue);
  };
  const Expected<std::vector<MoveTask>> tasks =
      co_await context.service.shard_of((*source)->id).call(list);
  if (!tasks) co_return source_error(tasks.error());
  const auto listed = static_cast<std::size_t>(request.max_results.value_or(1));
  api::ListMessageMoveTasksResponse response;
  for (const MoveTask& task : *tasks) {
    if (response.results.size() == listed) break;
    response.results.push_back(describe_task(task, request.source_arn));
  }
  co_return response;
}

}  // namespace millrace
