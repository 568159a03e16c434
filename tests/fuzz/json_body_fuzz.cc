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

namespace {

using namespace millrace;

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      read<api::SendMessageBatchRequest>(body);
      break;
    case 1:
      read<api::ReceiveMessageRequest>(body);
      break;
    case 2:
      read<api::CreateQueueRequest>(body);
      break;
    case 3:
      read<api::ChangeMessageVisibilityBatchRequest>(body);
      break;
    default:
      read<api::StartMessageMoveTaskRequest>(body);
  }
  return 0;
}
