// ApiError as a reply, in the form that the request asked for.
//
// Pure; any thread.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/http_message.h"

namespace millrace::wire {

/// How a reply is written: AWS JSON, AWS Query's XML, or Query's reply rendered as JSON, which a
/// GET with "Accept: application/json" asks for.
enum class ReplyForm { json, xml, query_as_json };

/// Turns `response` into the reply for `error`: status, type, fields and body.
///
/// Some texts depend on the protocol: those of errors that bring one for Query, and that of a queue
/// that does not exist. And an unknown_operation without any text stands for a Query request
/// without Action, which SQS answers with 404 and a bare <UnknownOperationException/>.
void encode_error(ReplyForm form, const ApiError& error, std::string_view request_id,
                  HttpResponse& response);

/// The error for an action that does not exist, or not at this address.
ApiError unknown_action(std::string_view action);

/// The value of Content-Type for a form.
std::string_view content_type(ReplyForm form);

}  // namespace millrace::wire
