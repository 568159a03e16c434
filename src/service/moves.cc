// The actions on message move tasks. Requests are checked as SQS checks them; since this version
// moves nothing, there are no tasks to list or to cancel, and none can be started.
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/encoding.h"
#include "base/limits.h"
#include "service/handlers.h"
#include "service/registry.h"

namespace millrace {

namespace {

ApiError invalid(std::string text) {
  return {ErrorCode::invalid_parameter_value, std::move(text)};
}

ApiError not_available() {
  return {ErrorCode::unsupported_operation, "Message move tasks are not available in this version"};
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

// The queue of a SourceArn or DestinationArn parameter.
Expected<QueueInfoPointer> find_by_arn(const Context& context, std::string_view text,
                                       std::string_view parameter) {
  const std::optional<QueueArn> arn = QueueArn::parse(text);
  if (!arn) {
    std::string error = "You must use this format to specify the ";
    return invalid(error.append(parameter).append(
        ": arn:<partition>:<service>:<region>:<account-id>:<resource-id>"));
  }
  QueueInfoPointer info = context.service.registry.find(*arn);
  if (!info) {
    std::string error = "The resource that you specified for the ";
    return ApiError(ErrorCode::resource_not_found,
                    error.append(parameter).append(" parameter doesn't exist."));
  }
  return info;
}

Expected<void> check_destination(const Context& context, const QueueInfo& source,
                                 std::string_view destination_arn) {
  const Expected<QueueInfoPointer> destination =
      find_by_arn(context, destination_arn, "DestinationArn");
  if (!destination) return destination.error();
  if ((*destination)->id == source.id) {
    return invalid("Source queue arn and destination queue arn cannot be the same.");
  }
  if ((*destination)->config.fifo != source.config.fifo) {
    return invalid("The source queue and destination queue must be of the same queue type.");
  }
  return {};
}

// The sourceArn in a task handle: base64 of {"taskId":"<uuid>","sourceArn":"<arn>"}.
Expected<std::string> source_of_handle(const std::string& handle) {
  const ApiError error = invalid("Value for parameter TaskHandle is invalid.");
  const std::optional<std::string> text = from_base64(handle);
  if (!text) return error;
  boost::system::error_code failure;
  const boost::json::value json = boost::json::parse(*text, failure);
  if (failure || !json.is_object()) return error;
  const boost::json::value* task = json.get_object().if_contains("taskId");
  const boost::json::value* source = json.get_object().if_contains("sourceArn");
  if (!task || !task->is_string() || !source || !source->is_string()) return error;
  if (!QueueArn::parse(source->get_string())) return error;
  return std::string(source->get_string());
}

}  // namespace

Answer<api::StartMessageMoveTaskResponse> start_message_move_task(
    Context& context, api::StartMessageMoveTaskRequest& request) {
  const Expected<void> rate = check_number(request.max_number_of_messages_per_second,
                                           limits::kMoveRateMax, "MaxNumberOfMessagesPerSecond");
  if (!rate) co_return rate.error();
  const Expected<QueueInfoPointer> source = find_by_arn(context, request.source_arn, "SourceArn");
  if (!source) co_return source.error();
  if (request.destination_arn && !request.destination_arn->empty()) {
    const Expected<void> checked = check_destination(context, **source, *request.destination_arn);
    if (!checked) co_return checked.error();
  }
  const QueueArn arn = context.service.registry.arn_of(**source);
  if (context.service.directory.dead_letter_sources(arn).empty()) {
    co_return invalid("Source queue must be configured as a Dead Letter Queue.");
  }
  co_return not_available();
}

Answer<api::CancelMessageMoveTaskResponse> cancel_message_move_task(
    Context& context, api::CancelMessageMoveTaskRequest& request) {
  const Expected<std::string> arn = source_of_handle(request.task_handle);
  if (!arn) co_return arn.error();
  const Expected<QueueInfoPointer> source = find_by_arn(context, *arn, "SourceArn");
  if (!source) co_return source.error();
  co_return ApiError(ErrorCode::resource_not_found, "Task does not exist.");
}

Answer<api::ListMessageMoveTasksResponse> list_message_move_tasks(
    Context& context, api::ListMessageMoveTasksRequest& request) {
  const Expected<void> count =
      check_number(request.max_results, limits::kMoveTasksListed, "MaxResults");
  if (!count) co_return count.error();
  const Expected<QueueInfoPointer> source = find_by_arn(context, request.source_arn, "SourceArn");
  if (!source) co_return source.error();
  co_return not_available();
}

}  // namespace millrace
