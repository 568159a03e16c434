#include "bench/http_reply.h"

#include <strings.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/encoding.h"

namespace millrace::bench {
namespace {

constexpr std::string_view kContentLength = "content-length:";

bool starts_with_name(std::string_view line, std::string_view name) {
  return line.size() >= name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
}

}  // namespace

HttpRead read_http_reply(std::string_view input, HttpReply& reply, std::size_t& taken) {
  const std::size_t head_end = input.find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    return HttpRead::incomplete;
  }
  // "HTTP/1.1 200 OK": the status is at 9.
  const std::string_view head = input.substr(0, head_end + 2);
  const std::optional<std::int64_t> status = head.starts_with("HTTP/1.") && head.size() > 12
                                                 ? parse_digits(head.substr(9, 3))
                                                 : std::nullopt;
  std::optional<std::int64_t> length;
  for (std::size_t start = head.find("\r\n") + 2; start < head.size();) {
    const std::size_t end = head.find("\r\n", start);
    const std::string_view line = head.substr(start, end - start);
    start = end + 2;
    if (starts_with_name(line, kContentLength)) {
      std::string_view digits = line.substr(kContentLength.size());
      digits.remove_prefix(std::min(digits.find_first_not_of(" \t"), digits.size()));
      length = parse_digits(digits);
    }
  }
  if (!status || !length) {
    return HttpRead::malformed;
  }
  const std::size_t body_start = head_end + 4;
  const std::size_t body_bytes = static_cast<std::size_t>(*length);
  if (input.size() - body_start < body_bytes) {
    return HttpRead::incomplete;
  }
  reply.status = static_cast<unsigned>(*status);
  reply.body = input.substr(body_start, body_bytes);
  taken = body_start + body_bytes;
  return HttpRead::whole;
}

}  // namespace millrace::bench
