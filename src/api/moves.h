// Requests and replies of the actions on message move tasks (dead-letter redrive). Plain values;
// see api/field.h for what the field lists mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/field.h"

namespace millrace::api {

struct StartMessageMoveTaskRequest {
  std::string source_arn;
  std::optional<std::string> destination_arn;
  std::optional<std::int64_t> max_number_of_messages_per_second;

  static void fields(auto& self, auto& visit) {
    visit({.json = "SourceArn", .required = Required::always}, self.source_arn);
    visit({"DestinationArn"}, self.destination_arn);
    visit({"MaxNumberOfMessagesPerSecond"}, self.max_number_of_messages_per_second);
  }
  friend bool operator==(const StartMessageMoveTaskRequest&,
                         const StartMessageMoveTaskRequest&) = default;
};

struct StartMessageMoveTaskResponse {
  std::string task_handle;

  static void fields(auto& self, auto& visit) { visit({"TaskHandle"}, self.task_handle); }
};

struct CancelMessageMoveTaskRequest {
  std::string task_handle;

  static void fields(auto& self, auto& visit) {
    visit({.json = "TaskHandle", .required = Required::always}, self.task_handle);
  }
  friend bool operator==(const CancelMessageMoveTaskRequest&,
                         const CancelMessageMoveTaskRequest&) = default;
};

struct CancelMessageMoveTaskResponse {
  std::int64_t approximate_number_of_messages_moved = 0;

  static void fields(auto& self, auto& visit) {
    visit({"ApproximateNumberOfMessagesMoved"}, self.approximate_number_of_messages_moved);
  }
};

struct ListMessageMoveTasksRequest {
  std::string source_arn;
  std::optional<std::int64_t> max_results;

  static void fields(auto& self, auto& visit) {
    visit({.json = "SourceArn", .required = Required::always}, self.source_arn);
    visit({"MaxResults"}, self.max_results);
  }
  friend bool operator==(const ListMessageMoveTasksRequest&,
                         const ListMessageMoveTasksRequest&) = default;
};

struct ListMessageMoveTasksResultEntry {
  std::string task_handle;  // only while the task runs
  std::string status;       // RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED
  std::string source_arn;
  std::string destination_arn;                                    // only if the request named one
  std::optional<std::int64_t> max_number_of_messages_per_second;  // likewise
  std::int64_t approximate_number_of_messages_moved = 0;
  std::optional<std::int64_t> approximate_number_of_messages_to_move;
  std::string failure_reason;          // only of a failed task
  std::int64_t started_timestamp = 0;  // milliseconds since 1970

  static void fields(auto& self, auto& visit) {
    visit({"TaskHandle"}, self.task_handle);
    visit({"Status"}, self.status);
    visit({"SourceArn"}, self.source_arn);
    visit({"DestinationArn"}, self.destination_arn);
    visit({"MaxNumberOfMessagesPerSecond"}, self.max_number_of_messages_per_second);
    visit({"ApproximateNumberOfMessagesMoved"}, self.approximate_number_of_messages_moved);
    visit({"ApproximateNumberOfMessagesToMove"}, self.approximate_number_of_messages_to_move);
    visit({"FailureReason"}, self.failure_reason);
    visit({"StartedTimestamp"}, self.started_timestamp);
  }
};

struct ListMessageMoveTasksResponse {
  std::vector<ListMessageMoveTasksResultEntry> results;  // newest first

  static void fields(auto& self, auto& visit) {
    visit({"Results", "ListMessageMoveTasksResultEntry"}, self.results);
  }
};

}  // namespace millrace::api
