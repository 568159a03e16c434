// Errors as SQS names them, and Expected<T>: a value or such an error.
//
// THE TABLE OF ERRORS is in error.cc: one row per ErrorCode with its JSON shape and namespace, its
// Query code, HTTP status, fault and usual text. (SQS API Reference, "Common Errors" and each
// action's "Errors"; the awsQueryError traits of the service model.)
#pragma once

#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace millrace {

enum class ErrorCode {
  // modelled by SQS: namespace com.amazonaws.sqs
  queue_does_not_exist,
  queue_name_exists,
  queue_deleted_recently,
  invalid_attribute_name,
  invalid_attribute_value,
  invalid_message_contents,
  receipt_handle_is_invalid,
  invalid_id_format,
  message_not_inflight,
  purge_queue_in_progress,
  over_limit,
  empty_batch_request,
  too_many_entries_in_batch_request,
  batch_entry_ids_not_distinct,
  invalid_batch_entry_id,
  batch_request_too_long,
  unsupported_operation,
  resource_not_found,
  request_throttled,
  invalid_address,
  invalid_security,
  kms_access_denied,
  kms_disabled,
  kms_invalid_key_usage,
  kms_invalid_state,
  kms_not_found,
  kms_opt_in_required,
  kms_throttled,
  // of the framework in front of SQS: namespace com.amazon.coral.service
  invalid_parameter_value,
  missing_parameter,
  serialization,
  unknown_operation,
  access_denied,
  unrecognized_client,
  invalid_signature,
  incomplete_signature,
  expired_token,
  request_expired,
  // of the management console: namespace com.amazon.coral.service, too
  not_signed_in,
  request_refused,
  internal_failure,
  service_unavailable,
};

enum class Fault { sender, receiver };

/// One row of the table of errors.
struct ErrorRow {
  ErrorCode code;
  std::string_view shape;  // the tail of a JSON error's __type
  std::string_view
      shape_prefix;             // its namespace: "com.amazonaws.sqs" or "com.amazon.coral.service"
  std::string_view query_code;  // XML <Code>, and the first part of x-amzn-query-error
  unsigned http_status;
  Fault fault;
  std::string_view message;  // the text when the place that fails has none of its own
};

/// The row of `code`; every code has one.
const ErrorRow& error_row(ErrorCode code);

/// An error on its way to a client.
class ApiError {
 public:
  /// InternalFailure. Boost's result::error() needs it to exist.
  ApiError() : ApiError(ErrorCode::internal_failure) {}
  /// With the table's usual text.
  explicit ApiError(ErrorCode code) : code_(code), message_(error_row(code).message) {}
  ApiError(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  /// @param query_message what the Query protocol says instead.
  ApiError(ErrorCode code, std::string message, std::string query_message)
      : code_(code), message_(std::move(message)), query_message_(std::move(query_message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  /// The text for the Query protocol; message() where the two do not differ.
  const std::string& query_message() const {
    return query_message_.empty() ? message_ : query_message_;
  }
  const ErrorRow& row() const { return error_row(code_); }

  friend bool operator==(const ApiError&, const ApiError&) = default;

 private:
  ErrorCode code_;
  std::string message_;
  std::string query_message_;  // empty: message_
};

template <class T>
using Expected = boost::system::result<T, ApiError>;

/// InvalidParameterValue: "Value <value> for parameter <name> is invalid. Reason: <reason>".
ApiError invalid_parameter(std::string_view value, std::string_view name, std::string_view reason);

/// MissingParameter: "The request must contain the parameter <name>."
ApiError missing_parameter(std::string_view name);

[[noreturn]] void throw_exception_from_error(const ApiError& error,
                                             const boost::source_location& location);

}  // namespace millrace
