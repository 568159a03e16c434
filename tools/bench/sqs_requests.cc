#include "bench/sqs_requests.h"

#include <utility>

#include "base/encoding.h"
#include "bench/ledger.h"

namespace millrace::bench {
namespace {

constexpr std::string_view kJsonType = "application/x-amz-json-1.0";
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

void append_number(std::string& out, std::uint64_t value) {
  out.append(std::to_string(value));
}

}  // namespace

SqsRequests::SqsRequests(SqsProtocol protocol, std::string host,
                         std::optional<Credentials> credentials, std::uint64_t groups,
                         const Tenants& tenants)
    : protocol_(protocol), host_(std::move(host)), groups_(groups), tenants_(tenants) {
  if (credentials) {
    signer_.emplace(std::move(*credentials));
  }
}

void SqsRequests::begin(std::string_view action, std::string_view queue_url) {
  body_.clear();
  if (json()) {
    body_.append(R"({"QueueUrl":")").append(queue_url).append("\"");
  } else {
    body_.append("Action=").append(action).append("&Version=2012-11-05&QueueUrl=");
    body_.append(percent_encode(queue_url));
  }
}

void SqsRequests::add_number(std::string_view name, std::uint64_t value) {
  body_.append(json() ? ",\"" : "&").append(name).append(json() ? "\":" : "=");
  append_number(body_, value);
}

void SqsRequests::add_place(std::string_view prefix, std::uint64_t number) {
  const auto add = [&](std::string_view name, std::uint64_t value) {
    body_.append(json() ? ",\"" : prefix).append(name).append(json() ? "\":\"" : "=");
    append_number(body_, value);
    body_.append(json() ? "\"" : "");
  };
  // Each run has groups of its own.
  const std::uint64_t run = number & ~kPlaceMask;
  if (groups_ > 0) {
    add("MessageGroupId", run + (number & kPlaceMask) % groups_);
    add("MessageDeduplicationId", number);
  } else if (tenants_.any()) {
    add("MessageGroupId", run + tenants_.of(number));
  }
}

void SqsRequests::finish(std::string& out, std::string_view action) {
  if (json()) {
    body_.append("}");
    target_.assign("AmazonSQS.").append(action);
  }
  const std::string_view type = json() ? kJsonType : kFormType;
  out.append("POST / HTTP/1.1\r\nHost: ").append(host_).append("\r\nContent-Type: ").append(type);
  out.append("\r\n");
  if (json()) {
    out.append("X-Amz-Target: ").append(target_).append("\r\n");
  }
  if (signer_) {
    const std::time_t moment = std::time(nullptr);
    if (moment != date_of_) {
      date_of_ = moment;
      date_ = signature_date(moment);
    }
    signer_->append_fields(
        out, {.content_type = type, .host = host_, .target = target_, .body = body_}, date_);
  }
  out.append("Content-Length: ");
  append_number(out, body_.size());
  out.append("\r\n\r\n").append(body_);
}

void SqsRequests::create_queue(std::string& out, std::string_view name, bool encrypted) {
  body_ = json() ? R"({"QueueName":")" : "Action=CreateQueue&Version=2012-11-05&QueueName=";
  body_.append(name).append(json() ? "\"" : "");
  std::size_t count = 0;
  const auto add = [&](std::string_view attribute, std::string_view value) {
    ++count;
    if (json()) {
      body_.append(count == 1 ? R"(,"Attributes":{")" : R"(,")").append(attribute);
      body_.append(R"(":")").append(value).append("\"");
      return;
    }
    for (const auto& [part, text] : {std::pair("Name", attribute), std::pair("Value", value)}) {
      body_.append("&Attribute.");
      append_number(body_, count);
      body_.append(".").append(part).append("=").append(text);
    }
  };
  if (groups_ > 0) add("FifoQueue", "true");
  if (!encrypted) add("SqsManagedSseEnabled", "false");
  if (json() && count > 0) body_.append("}");
  finish(out, "CreateQueue");
}

void SqsRequests::delete_queue(std::string& out, std::string_view queue_url) {
  begin("DeleteQueue", queue_url);
  finish(out, "DeleteQueue");
}

void SqsRequests::send(std::string& out, std::string_view queue_url, const Bodies& bodies,
                       std::uint64_t first_number, std::size_t count) {
  const std::string_view action = count == 1 ? "SendMessage" : "SendMessageBatch";
  begin(action, queue_url);
  if (count == 1) {
    body_.append(json() ? R"(,"MessageBody":")" : "&MessageBody=");
    bodies.append(body_, first_number);
    body_.append(json() ? "\"" : "");
    add_place("&", first_number);
    finish(out, action);
    return;
  }
  body_.append(json() ? R"(,"Entries":[)" : "");
  for (std::size_t i = 0; i < count; ++i) {
    if (json()) {
      body_.append(i == 0 ? R"({"Id":")" : R"(,{"Id":")");
      append_number(body_, i);
      body_.append(R"(","MessageBody":")");
      bodies.append(body_, first_number + i);
      body_.append("\"");
      add_place("&", first_number + i);
      body_.append("}");
    } else {
      const std::string entry = "&SendMessageBatchRequestEntry." + std::to_string(i + 1);
      body_.append(entry).append(".Id=");
      append_number(body_, i);
      body_.append(entry).append(".MessageBody=");
      bodies.append(body_, first_number + i);
      add_place(entry + ".", first_number + i);
    }
  }
  body_.append(json() ? "]" : "");
  finish(out, action);
}

void SqsRequests::receive(std::string& out, std::string_view queue_url, std::size_t count_max,
                          unsigned wait_seconds) {
  begin("ReceiveMessage", queue_url);
  add_number("MaxNumberOfMessages", count_max);
  add_number("WaitTimeSeconds", wait_seconds);
  finish(out, "ReceiveMessage");
}

void SqsRequests::remove(std::string& out, std::string_view queue_url,
                         const std::vector<std::string>& receipt_handles) {
  const std::size_t count = receipt_handles.size();
  const std::string_view action = count == 1 ? "DeleteMessage" : "DeleteMessageBatch";
  begin(action, queue_url);
  if (count == 1) {
    if (json()) {
      body_.append(R"(,"ReceiptHandle":")").append(receipt_handles[0]).append("\"");
    } else {
      body_.append("&ReceiptHandle=").append(percent_encode(receipt_handles[0]));
    }
    finish(out, action);
    return;
  }
  body_.append(json() ? R"(,"Entries":[)" : "");
  for (std::size_t i = 0; i < count; ++i) {
    if (json()) {
      body_.append(i == 0 ? R"({"Id":")" : R"(,{"Id":")");
      append_number(body_, i);
      body_.append(R"(","ReceiptHandle":")").append(receipt_handles[i]).append("\"}");
    } else {
      const std::string entry = "&DeleteMessageBatchRequestEntry." + std::to_string(i + 1);
      body_.append(entry).append(".Id=");
      append_number(body_, i);
      body_.append(entry).append(".ReceiptHandle=").append(percent_encode(receipt_handles[i]));
    }
  }
  body_.append(json() ? "]" : "");
  finish(out, action);
}

void find_values(SqsProtocol protocol, std::string_view reply, std::string_view name,
                 std::vector<std::string_view>& values) {
  values.clear();
  const bool json = protocol == SqsProtocol::json;
  const std::string opening =
      json ? "\"" + std::string(name) + "\"" : "<" + std::string(name) + ">";
  for (std::size_t at = reply.find(opening); at != std::string_view::npos;
       at = reply.find(opening, at)) {
    at += opening.size();
    if (json) {
      // Some servers put white space around the colon.
      at = reply.find_first_not_of(" \t\r\n:", at);
      if (at == std::string_view::npos || reply[at] != '"') {
        continue;
      }
      ++at;
    }
    const std::size_t end = reply.find(json ? '"' : '<', at);
    if (end == std::string_view::npos) {
      return;
    }
    values.push_back(reply.substr(at, end - at));
    at = end;
  }
}

}  // namespace millrace::bench
