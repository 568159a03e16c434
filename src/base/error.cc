#include "base/error.h"

#include <array>
#include <stdexcept>

#include "base/check.h"

namespace millrace {

namespace {

constexpr std::string_view kSqs = "com.amazonaws.sqs";
constexpr std::string_view kCoral = "com.amazon.coral.service";

using enum ErrorCode;
using enum Fault;

// THE TABLE OF ERRORS, in the order of ErrorCode.
constexpr ErrorRow kErrors[] = {
    {queue_does_not_exist, "QueueDoesNotExist", kSqs, "AWS.SimpleQueueService.NonExistentQueue",
     400, sender, "The specified queue does not exist."},
    {queue_name_exists, "QueueNameExists", kSqs, "QueueAlreadyExists", 400, sender,
     "A queue already exists with the same name and a different value for an attribute"},
    {queue_deleted_recently, "QueueDeletedRecently", kSqs,
     "AWS.SimpleQueueService.QueueDeletedRecently", 400, sender,
     "You must wait 60 seconds after deleting a queue before you can create another with the same "
     "name."},
    {invalid_attribute_name, "InvalidAttributeName", kSqs, "InvalidAttributeName", 400, sender,
     "The specified attribute doesn't exist."},
    {invalid_attribute_value, "InvalidAttributeValue", kSqs, "InvalidAttributeValue", 400, sender,
     "A queue attribute value is invalid."},
    {invalid_message_contents, "InvalidMessageContents", kSqs, "InvalidMessageContents", 400,
     sender,
     "Invalid binary character was found in the message body, the set of allowed characters is "
     "#x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] | [#x10000 to #x10FFFF]"},
    {receipt_handle_is_invalid, "ReceiptHandleIsInvalid", kSqs, "ReceiptHandleIsInvalid", 404,
     sender, "The input receipt handle is invalid."},
    {invalid_id_format, "InvalidIdFormat", kSqs, "InvalidIdFormat", 400, sender,
     "The specified receipt handle isn't valid for the current version."},
    {message_not_inflight, "MessageNotInflight", kSqs, "AWS.SimpleQueueService.MessageNotInflight",
     400, sender, "The specified message isn't in flight."},
    {purge_queue_in_progress, "PurgeQueueInProgress", kSqs,
     "AWS.SimpleQueueService.PurgeQueueInProgress", 403, sender,
     "Only one PurgeQueue operation is allowed every 60 seconds."},
    {over_limit, "OverLimit", kSqs, "OverLimit", 403, sender,
     "The specified action violates a limit."},
    {empty_batch_request, "EmptyBatchRequest", kSqs, "AWS.SimpleQueueService.EmptyBatchRequest",
     400, sender, "The batch request doesn't contain any entries."},
    {too_many_entries_in_batch_request, "TooManyEntriesInBatchRequest", kSqs,
     "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400, sender,
     "The batch request contains more entries than permissible."},
    {batch_entry_ids_not_distinct, "BatchEntryIdsNotDistinct", kSqs,
     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400, sender,
     "Two or more batch entries in the request have the same Id."},
    {invalid_batch_entry_id, "InvalidBatchEntryId", kSqs,
     "AWS.SimpleQueueService.InvalidBatchEntryId", 400, sender,
     "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can "
     "be at most 80 letters long."},
    {batch_request_too_long, "BatchRequestTooLong", kSqs,
     "AWS.SimpleQueueService.BatchRequestTooLong", 400, sender,
     "Batch requests cannot be longer than 1048576 bytes."},
    {unsupported_operation, "UnsupportedOperation", kSqs,
     "AWS.SimpleQueueService.UnsupportedOperation", 400, sender,
     "Message attribute list values in SendMessage operation are not supported."},
    {resource_not_found, "ResourceNotFoundException", kSqs, "ResourceNotFoundException", 404,
     sender, "The resource that you specified doesn't exist."},
    {request_throttled, "RequestThrottled", kSqs, "RequestThrottled", 403, sender,
     "Request is throttled."},
    {invalid_address, "InvalidAddress", kSqs, "InvalidAddress", 404, sender,
     "The address is not valid for this endpoint."},
    {invalid_security, "InvalidSecurity", kSqs, "InvalidSecurity", 403, sender,
     "All requests to this queue must use HTTPS and SigV4."},
    {kms_access_denied, "KmsAccessDenied", kSqs, "KMS.AccessDeniedException", 400, sender,
     "The caller doesn't have the required KMS access."},
    {kms_disabled, "KmsDisabled", kSqs, "KMS.DisabledException", 400, sender,
     "The specified KMS key isn't enabled."},
    {kms_invalid_key_usage, "KmsInvalidKeyUsage", kSqs, "KMS.InvalidKeyUsageException", 400, sender,
     "The KMS key cannot be used for this operation."},
    {kms_invalid_state, "KmsInvalidState", kSqs, "KMS.InvalidStateException", 400, sender,
     "The state of the KMS key isn't valid for this request."},
    {kms_not_found, "KmsNotFound", kSqs, "KMS.NotFoundException", 400, sender,
     "The specified KMS key doesn't exist."},
    {kms_opt_in_required, "KmsOptInRequired", kSqs, "KMS.OptInRequired", 403, sender,
     "The access key needs a subscription for the service."},
    {kms_throttled, "KmsThrottled", kSqs, "KMS.ThrottlingException", 400, sender,
     "The request to KMS was throttled."},
    {invalid_parameter_value, "InvalidParameterValueException", kCoral, "InvalidParameterValue",
     400, sender, "An invalid or out-of-range value was supplied for the input parameter."},
    {missing_parameter, "MissingRequiredParameterException", kCoral, "MissingParameter", 400,
     sender, "A required parameter for the specified action is not supplied."},
    {serialization, "SerializationException", kCoral, "MalformedInput", 400, sender,
     "The request could not be read."},
    {unknown_operation, "UnknownOperationException", kCoral, "InvalidAction", 400, sender,
     "The action or operation requested is invalid."},
    {access_denied, "AccessDeniedException", kCoral, "AccessDenied", 403, sender,
     "Access to the resource is denied."},
    {unrecognized_client, "UnrecognizedClientException", kCoral, "InvalidClientTokenId", 403,
     sender, "The security token included in the request is invalid."},
    {invalid_signature, "InvalidSignatureException", kCoral, "SignatureDoesNotMatch", 403, sender,
     "The request signature we calculated does not match the signature you provided. Check your "
     "AWS Secret Access Key and signing method. Consult the service documentation for details."},
    {incomplete_signature, "IncompleteSignatureException", kCoral, "IncompleteSignature", 400,
     sender, "The request signature does not conform to AWS standards."},
    {expired_token, "ExpiredTokenException", kCoral, "ExpiredToken", 403, sender,
     "The security token included in the request is expired."},
    {request_expired, "RequestExpired", kCoral, "RequestExpired", 400, sender,
     "Request has expired."},
    {not_signed_in, "NotSignedIn", kCoral, "NotSignedIn", 401, sender,
     "Nobody is signed in, or the session has ended."},
    {request_refused, "ConsoleRequestRefused", kCoral, "ConsoleRequestRefused", 403, sender,
     "The request did not come from the console's own page."},
    {internal_failure, "InternalFailure", kCoral, "InternalFailure", 500, receiver,
     "The request processing has failed because of an unknown error, exception or failure."},
    {service_unavailable, "ServiceUnavailable", kCoral, "ServiceUnavailable", 503, receiver,
     "The request has failed due to a temporary failure of the server."},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(kErrors); ++i) {
    if (kErrors[i].code != static_cast<ErrorCode>(i)) return false;
  }
  return std::size(kErrors) == static_cast<std::size_t>(service_unavailable) + 1;
}
static_assert(in_order(), "kErrors has one row per ErrorCode, in its order");

}  // namespace

const ErrorRow& error_row(ErrorCode code) {
  return kErrors[static_cast<std::size_t>(code)];
}

ApiError invalid_parameter(std::string_view value, std::string_view name, std::string_view reason) {
  std::string text = "Value ";
  text.append(value).append(" for parameter ").append(name).append(" is invalid. Reason: ");
  text.append(reason);
  return {invalid_parameter_value, std::move(text)};
}

ApiError missing_parameter(std::string_view name) {
  std::string text = "The request must contain the parameter ";
  text.append(name).append(".");
  return {ErrorCode::missing_parameter, std::move(text)};
}

void throw_exception_from_error(const ApiError& error, const boost::source_location&) {
  throw std::logic_error("an Expected was read without being checked: " + error.message());
}

}  // namespace millrace
