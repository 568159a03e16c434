// From an HTTP request to a typed request, and from a typed reply to an HTTP response, in the two
// protocols of SQS: AWS JSON 1.0 and AWS Query.
//
// A request is handled in this order:
//
//   const ReplyForm form = reply_form(http);        // never fails: errors need it, too
//   Expected<WireCall> call = recognise(http);      // protocol, action
//   Expected<Request> request = decode<Request>(*call);
//   encode(*call, reply, request_id, response);     // or encode_error(form, error, …)
//
// Which actions exist is not known here: `action` is text, and server/ looks it up. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "api/messages.h"
#include "base/error.h"
#include "base/http_message.h"
#include "wire/error_reply.h"
#include "wire/json.h"
#include "wire/query.h"
#include "wire/query_json.h"

namespace millrace::wire {

enum class Protocol { json, query };

/// Whose action it is: one of SQS, or one that only the management console has. Query knows none of
/// the latter.
enum class ActionSet { sqs, console };

/// A recognised request. Its views point into the HttpRequest.
struct WireCall {
  Protocol protocol = Protocol::json;
  ReplyForm form = ReplyForm::json;
  ActionSet set = ActionSet::sqs;
  std::string action;             // letters and digits only
  std::string queue_path;         // Query on a queue's path: that path, decoded; else empty
  FormParameters parameters;      // Query
  std::string_view body;          // JSON
  std::string_view trace_header;  // X-Amzn-Trace-Id
};

/// The form in which `request` must be answered, whatever is wrong with it.
ReplyForm reply_form(const HttpRequest& request);

/// Finds the protocol and the action.
/// @return UnknownOperation if there is none or it cannot be one, or is not for a queue's path;
/// SerializationException for a form that cannot be read.
Expected<WireCall> recognise(const HttpRequest& request);

/// Reads the typed request of `call`. @return it, or SerializationException (MalformedInput), or
/// MissingRequiredParameter where the field list leaves that to wire/.
template <HasFields Request>
Expected<Request> decode(const WireCall& call) {
  Expected<Request> request = call.protocol == Protocol::json
                                  ? read_json<Request>(call.body)
                                  : read_query<Request>(call.parameters, call.queue_path);
  if constexpr (requires { request->trace_header; }) {
    if (request) request->trace_header = call.trace_header;
  }
  return request;
}

/// About how many bytes a reply will take, so that its string grows once.
template <class Response>
std::size_t size_hint(const Response& response) {
  std::size_t hint = 512;
  if constexpr (std::is_same_v<Response, api::ReceiveMessageResponse>) {
    constexpr std::size_t kBesidesBody = 768;
    for (const api::ReceivedMessage& message : response.messages) {
      hint += kBesidesBody + message.body.size() + message.body.size() / 16;
    }
  }
  return hint;
}

/// All of a successful reply but its body.
inline void begin_reply(ReplyForm form, std::string_view request_id, HttpResponse& response) {
  response.status = 200;
  response.content_type = content_type(form);
  response.fields.emplace_back("x-amzn-RequestId", std::string(request_id));
  response.body.clear();
}

/// Turns `response` into the successful reply of an action that only AWS JSON knows.
template <HasFields Response>
void encode_json(const Response& reply, std::string_view request_id, HttpResponse& response) {
  begin_reply(ReplyForm::json, request_id, response);
  write_json(response.body, reply);
}

/// Turns `response` into the successful reply of `call`. An action that has nothing to say gets an
/// empty body in JSON.
template <HasFields Response>
void encode(const WireCall& call, const Response& reply, std::string_view request_id,
            HttpResponse& response) {
  begin_reply(call.form, request_id, response);
  std::string& out = response.body;
  if constexpr (!std::is_empty_v<Response>) out.reserve(size_hint(reply));
  if (call.form == ReplyForm::xml) {
    write_xml(out, call.action, reply, request_id);
    return;
  }
  if (call.form == ReplyForm::json) {
    if constexpr (!std::is_empty_v<Response>) write_json(out, reply);
    return;
  }
  out.append("{\"").append(call.action).append("Response\":{");
  if constexpr (!std::is_empty_v<Response>) {
    out.append("\"").append(call.action).append("Result\":");
    QueryJsonWriter(out).write(reply);
    out += ',';
  }
  out.append("\"ResponseMetadata\":{\"RequestId\":\"").append(request_id).append("\"}}}");
}

}  // namespace millrace::wire
