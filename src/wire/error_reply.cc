#include "wire/error_reply.h"

#include <string>

#include "wire/query.h"
#include "wire/text.h"

namespace millrace::wire {

namespace {

constexpr std::string_view kNoSuchQueueInQuery =
    "The specified queue does not exist for this wsdl version.";

std::string_view fault_text(const ErrorRow& row) {
  return row.fault == Fault::sender ? "Sender" : "Receiver";
}

std::string_view query_message(const ApiError& error) {
  const bool usual = error.message() == error.row().message;
  return error.code() == ErrorCode::queue_does_not_exist && usual ? kNoSuchQueueInQuery
                                                                  : error.query_message();
}

void write_json_error(const ApiError& error, HttpResponse& response) {
  const ErrorRow& row = error.row();
  std::string query_error(row.query_code);
  query_error.append(";").append(fault_text(row));
  response.fields.emplace_back("x-amzn-query-error", std::move(query_error));
  std::string& out = response.body;
  out.append("{\"__type\":\"").append(row.shape_prefix).append("#").append(row.shape);
  out.append("\",\"message\":");
  append_json_string(out, error.message());
  out += '}';
}

void write_xml_error(const ApiError& error, std::string_view request_id, std::string& out) {
  const ErrorRow& row = error.row();
  out.append(kXmlHead).append("<ErrorResponse").append(kXmlNamespace);
  out.append("<Error><Type>").append(fault_text(row)).append("</Type><Code>");
  out.append(row.query_code).append("</Code><Message>");
  append_xml_text(out, query_message(error));
  out.append("</Message><Detail/></Error><RequestId>").append(request_id);
  out.append("</RequestId></ErrorResponse>");
}

void write_query_json_error(const ApiError& error, std::string_view request_id, std::string& out) {
  const ErrorRow& row = error.row();
  out.append("{\"Error\":{\"Code\":\"").append(row.query_code).append("\",\"Detail\":null");
  out.append(",\"Message\":");
  append_json_string(out, query_message(error));
  out.append(",\"Type\":\"").append(fault_text(row)).append("\"},\"RequestId\":\"");
  out.append(request_id).append("\"}");
}

}  // namespace

void encode_error(ReplyForm form, const ApiError& error, std::string_view request_id,
                  HttpResponse& response) {
  response.status = error.row().http_status;
  response.content_type = content_type(form);
  response.fields.emplace_back("x-amzn-RequestId", std::string(request_id));
  response.body.clear();
  if (form == ReplyForm::json) {
    write_json_error(error, response);
  } else if (error.code() == ErrorCode::unknown_operation && error.message().empty()) {
    response.status = 404;
    response.content_type = content_type(ReplyForm::xml);
    response.body = "<UnknownOperationException/>";
  } else if (form == ReplyForm::xml) {
    write_xml_error(error, request_id, response.body);
  } else {
    write_query_json_error(error, request_id, response.body);
  }
}

ApiError unknown_action(std::string_view action) {
  std::string text = "The action ";
  text.append(action).append(" is not valid for this endpoint.");
  return {ErrorCode::unknown_operation, std::move(text)};
}

std::string_view content_type(ReplyForm form) {
  switch (form) {
    case ReplyForm::json:
      return "application/x-amz-json-1.0";
    case ReplyForm::xml:
      return "text/xml";
    case ReplyForm::query_as_json:
      return "application/json";
  }
  return {};
}

}  // namespace millrace::wire
