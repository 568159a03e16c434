// Fuzzes the reading of JSON bodies. The first byte chooses the request; what is read from the rest
// must be the same when it is written as a reply would be and read again.
#include <cstdint>
#include <string>
#include <string_view>

#include "api/messages.h"
#include "api/moves.h"
#include "api/queues.h"
#include "base/check.h"
#include "wire/json.h"

namespace millrace {
namespace {

template <class Request>
void read(std::string_view body) {
  const Expected<Request> request = wire::read_json<Request>(body);
  if (!request) return;
  const Expected<Request> again = wire::read_json<Request>(body);
  CHECK(again && *again == *request);
  if constexpr (!std::is_same_v<Request, api::SendMessageBatchRequest>) {
    std::string written;
    wire::write_json(written, *request);
    const Expected<Request> reread = wire::read_json<Request>(written);
    CHECK(reread && *reread == *request);
  }
}

void read_as(unsigned choice, std::string_view body) {
  switch (choice % 5) {
    case 0:
      return read<api::SendMessageBatchRequest>(body);
    case 1:
      return read<api::ReceiveMessageRequest>(body);
    case 2:
      return read<api::CreateQueueRequest>(body);
    case 3:
      return read<api::ChangeMessageVisibilityBatchRequest>(body);
    default:
      return read<api::StartMessageMoveTaskRequest>(body);
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  millrace::read_as(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
