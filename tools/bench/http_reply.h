// Reading an HTTP/1.1 reply from the front of a buffer: status and body, nothing more.
//
// Pure. Replies must have a Content-Length; chunked ones are refused, since the servers that are
// measured do not send them.
#pragma once

#include <cstddef>
#include <string_view>

namespace millrace::bench {

struct HttpReply {
  unsigned status = 0;
  std::string_view body;  // points into the buffer that was read
};

enum class HttpRead { whole, incomplete, malformed };

/// Reads one reply. With `whole`, `reply` is set and `taken` is its length in `input`.
HttpRead read_http_reply(std::string_view input, HttpReply& reply, std::size_t& taken);

}  // namespace millrace::bench
