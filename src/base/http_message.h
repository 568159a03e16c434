// An HTTP request and its response as plain values: what http/ hands up and takes back.
//
// The views of a request point into the connection's read buffer and stay valid until its response
// has been given back. Both live on the connection's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

/// Tells a waiting request that its client has gone.
class HangUpWatch {
 public:
  virtual ~HangUpWatch() = default;

  /// Watches the connection until the response is given back. `on_hang_up` is called at most once,
  /// on the connection's thread, when the client closes or resets the connection while the request
  /// is still being worked on. Call it only for a request that waits (a long poll): it costs a
  /// system call.
  virtual void watch(std::function<void()> on_hang_up) = 0;
};

struct HttpField {
  std::string_view name;   // as sent; names compare without regard to case
  std::string_view value;  // without white space at either end
};

struct HttpRequest {
  std::string_view method;
  std::string_view target;  // as sent: path and query, percent-encoded
  std::vector<HttpField> fields;
  std::string_view body;            // whole, after any chunked coding is undone
  std::string_view remote_address;  // the peer's address in text, without its port
  bool secure = false;              // came over TLS
  HangUpWatch* hang_up = nullptr;   // null where nothing can hang up (tests)

  /// The value of the first field called `name` (lower case), or an empty view.
  std::string_view field(std::string_view name) const;
  /// Whether a field called `name` (lower case) is there at all.
  bool has_field(std::string_view name) const;

  /// The target up to its '?', and what stands behind it; both as sent.
  std::string_view path() const;
  std::string_view query() const;
};

/// The value of the first parameter called `name` in a query string, as it was sent; or an empty
/// view.
std::string_view query_value(std::string_view query, std::string_view name);

struct HttpResponse {
  unsigned status = 200;
  std::string_view content_type;  // of static storage; empty: no Content-Type field
  std::vector<std::pair<std::string_view, std::string>> fields;  // names of static storage
  std::string body;
  /// Sent instead of `body` where it is not empty; the program itself or `attachment` holds it.
  std::string_view borrowed_body;
  bool close = false;  // close the connection after this response

  /// Called, on the connection's thread, when the response could not be written because the
  /// client had gone: a delivery that nobody saw can then be taken back. Usually empty.
  std::function<void()> on_undelivered;

  /// Kept until the response has been written, or could not be: what its memory is charged to.
  std::shared_ptr<const void> attachment;

  /// What is sent.
  std::string_view content() const {
    return borrowed_body.empty() ? std::string_view(body) : borrowed_body;
  }
};

}  // namespace millrace
