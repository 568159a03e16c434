// Fuzzes what clients write for a queue: URLs, ARNs and names. What is read must be the same when
// it is written as the server writes it and read again.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/limits.h"
#include "model/names.h"

namespace millrace {
namespace {

void read_url(std::string_view text) {
  const Expected<QueueUrl> url = QueueUrl::parse(text);
  if (!url) {
    CHECK(url.error().code() == ErrorCode::queue_does_not_exist);
    return;
  }
  CHECK(text.ends_with(url->name.text()));
  CHECK(url->name.text().size() <= limits::kQueueNameMax);
  CHECK(QueueName::parse(url->name.text()) == url->name);
  if (!url->account) return;
  for (const std::string_view base : {"http://localhost:9324", "https://queues.example/", ""}) {
    const Expected<QueueUrl> again =
        QueueUrl::parse(queue_url_text(base, *url->account, url->name));
    CHECK(again && again->name == url->name && again->account == url->account);
  }
}

void read_arn(std::string_view text) {
  const std::optional<QueueArn> arn = QueueArn::parse(text);
  if (!arn) return;
  CHECK(arn->text() == text);
  CHECK(QueueArn::parse(arn->text()) == arn);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  millrace::read_url(text);
  millrace::read_arn(text);
  return 0;
}
