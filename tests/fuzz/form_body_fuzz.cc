// Fuzzes Query requests. The input is a body; whatever it holds, it is answered in well-formed
// UTF-8, and what was read as a message comes back as XML without a character that XML forbids.
#include <cstdint>
#include <string>
#include <string_view>

#include "api/access.h"
#include "api/messages.h"
#include "base/check.h"
#include "wire/wire.h"

namespace millrace {
namespace {

void check_reply(const HttpResponse& response) {
  CHECK(wire::is_utf8(response.body));
  for (const char c : response.body) {
    CHECK(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t');
  }
}

template <class Request>
void read(const wire::WireCall& call) {
  const Expected<Request> request = wire::decode<Request>(call);
  if (!request) {
    HttpResponse response;
    wire::encode_error(call.form, request.error(), "id", response);
    check_reply(response);
  }
}

void answer(std::string_view body) {
  HttpRequest http;
  http.method = "POST";
  http.target = "/1/q";
  http.body = body;
  const Expected<wire::WireCall> call = wire::recognise(http);
  HttpResponse response;
  if (!call) {
    wire::encode_error(wire::reply_form(http), call.error(), "id", response);
    check_reply(response);
    return;
  }
  read<api::SendMessageBatchRequest>(*call);
  read<api::ReceiveMessageRequest>(*call);
  read<api::TagQueueRequest>(*call);
  const auto send = wire::decode<api::SendMessageRequest>(*call);
  if (!send) return;
  api::ReceiveMessageResponse reply;
  reply.messages.emplace_back().body = send->message_body;
  wire::encode(*call, reply, "id", response);
  check_reply(response);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::answer(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
