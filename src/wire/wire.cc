#include "wire/wire.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace millrace::wire {

namespace {

constexpr std::string_view kJsonType = "application/x-amz-json-1.0";
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";
constexpr std::size_t kActionLengthMax = 64;

// What X-Amz-Target may start with.
struct TargetPrefix {
  std::string_view text;
  ActionSet set;
};
constexpr std::array<TargetPrefix, 2> kTargetPrefixes = {
    TargetPrefix{"AmazonSQS.", ActionSet::sqs}, TargetPrefix{"Millrace.", ActionSet::console}};

// The actions that concern no single queue, and so are refused on a queue's path.
constexpr std::array<std::string_view, 2> kAccountActions = {"ListQueues", "CreateQueue"};

bool is_media_type(std::string_view sent, std::string_view type) {
  return sent.substr(0, type.size()) == type &&
         (sent.size() == type.size() || sent[type.size()] == ';' || sent[type.size()] == ' ');
}

bool is_action_name(std::string_view text) {
  return !text.empty() && text.size() <= kActionLengthMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         });
}

Expected<WireCall> recognise_json(const HttpRequest& request, WireCall call) {
  const std::string_view target = request.field("x-amz-target");
  for (const TargetPrefix& prefix : kTargetPrefixes) {
    const std::string_view action = target.substr(std::min(prefix.text.size(), target.size()));
    if (!target.starts_with(prefix.text) || !is_action_name(action)) continue;
    if (request.method != "POST") break;
    call.action = action;
    call.set = prefix.set;
    call.body = request.body;
    return call;
  }
  return ApiError(ErrorCode::unknown_operation);
}

Expected<WireCall> recognise_query(const HttpRequest& request, WireCall call) {
  const std::size_t path_length = std::min(request.target.find('?'), request.target.size());
  const std::string_view path = request.target.substr(0, path_length);
  const std::string_view query =
      request.target.substr(std::min(path_length + 1, request.target.size()));
  const std::string_view type = request.field("content-type");
  const bool has_form =
      request.method == "POST" && (type.empty() || is_media_type(type, kFormType));

  auto parameters = FormParameters::parse(query, has_form ? request.body : std::string_view());
  if (!parameters) return parameters.error();
  call.parameters = std::move(*parameters);
  const std::string_view action = call.parameters.find("Action").value_or(std::string_view());
  if (action.empty()) return ApiError(ErrorCode::unknown_operation, "");
  if (!is_action_name(action)) {
    return unknown_action(action.size() <= kActionLengthMax ? action : "given");
  }
  call.action = action;

  if (path.size() > 1) {
    auto decoded = percent_decode(path, false);
    if (!decoded || !is_utf8(*decoded)) return unknown_action(action);
    const bool for_account =
        std::find(kAccountActions.begin(), kAccountActions.end(), action) != kAccountActions.end();
    if (for_account) return unknown_action(action);
    call.queue_path = std::move(*decoded);
  }
  return call;
}

}  // namespace

ReplyForm reply_form(const HttpRequest& request) {
  if (request.has_field("x-amz-target")) return ReplyForm::json;
  if (is_media_type(request.field("content-type"), kJsonType)) return ReplyForm::json;
  const bool as_json =
      request.method == "GET" && is_media_type(request.field("accept"), "application/json");
  return as_json ? ReplyForm::query_as_json : ReplyForm::xml;
}

Expected<WireCall> recognise(const HttpRequest& request) {
  WireCall call;
  call.form = reply_form(request);
  call.trace_header = request.field("x-amzn-trace-id");
  if (call.form == ReplyForm::json) return recognise_json(request, std::move(call));
  call.protocol = Protocol::query;
  return recognise_query(request, std::move(call));
}

}  // namespace millrace::wire
