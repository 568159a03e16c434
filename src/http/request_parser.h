// RequestParser: the head of an HTTP/1 request, from bytes to fields (RFC 9112), strictly.
//
// Pure: bytes in, a verdict out; no sockets, no time. It can be called again as bytes come and
// takes each line once, when it is complete. It keeps offsets, not pointers, so the caller may move
// the bytes between calls.
//
// Strict, because a request that two parsers read differently is how requests are smuggled past a
// proxy: bare CR or LF, folded lines, white space before a colon, a length said twice or in two
// ways are errors. Whatever is refused here ends the connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/http_message.h"
#include "http/limits.h"

namespace millrace {

class RequestParser {
 public:
  enum class Progress {
    need_more,  // so far so good; call parse() again with more bytes
    complete,   // the head is whole: head_size() and what follows may be asked
    failed,     // status() says how to answer; the connection must then be closed
  };

  explicit RequestParser(const RequestLimits& limits) : limits_(limits) {}

  /// Forgets everything: the next parse() begins a new request.
  void reset();

  /// Goes on where the last call stopped.
  /// @param bytes everything received since the request's first byte: what the last call was given,
  ///   and more behind it. Bytes behind the head are not looked at.
  Progress parse(std::string_view bytes);

  /// Why parse() failed: 400, 413, 415, 417, 431, 501 or 505, and a text for people.
  unsigned status() const { return status_; }
  std::string_view reason() const { return reason_; }

  // What a complete head says.

  /// Bytes of the head with its empty line; the body begins there.
  std::size_t head_size() const { return line_begin_; }
  /// Bytes of the body; 0 if it is chunked. Never above the limit.
  std::size_t content_length() const { return content_length_; }
  bool chunked() const { return chunked_; }
  /// Whether the client means to send another request on this connection.
  bool keep_alive() const { return keep_alive_; }
  /// Whether the client waits for "100 Continue" before it sends the body.
  bool expects_continue() const { return expects_continue_; }
  /// Whether the client speaks HTTP/1.0.
  bool is_http_1_0() const { return minor_version_ == 0; }

  /// Sets method, target and fields of `request` to views of `bytes`, which begins as parse()'s
  /// did. Of a target in absolute form the path and query are kept, and its authority becomes the
  /// value of Host (RFC 9112 section 3.2.2).
  void fill(std::string_view bytes, HttpRequest& request) const;

 private:
  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;

    std::string_view of(std::string_view bytes) const { return bytes.substr(begin, size); }
  };
  struct FieldSpan {
    Span name;
    Span value;
  };
  enum class State { request_line, fields, complete, failed };

  static Span span(std::string_view bytes, std::string_view part);

  Progress fail(unsigned status, std::string_view reason);
  bool refuse(unsigned status, std::string_view reason);
  bool take_line(std::string_view bytes, std::string_view line);
  bool take_request_line(std::string_view bytes, std::string_view line);
  bool take_target(std::string_view bytes, std::string_view target);
  bool take_version(std::string_view version);
  bool take_field(std::string_view bytes, std::string_view line);
  bool note_field(std::string_view name, std::string_view value);
  bool note_content_length(std::string_view value);
  bool note_transfer_encoding(std::string_view value);
  bool note_expect(std::string_view value);
  void note_connection(std::string_view value);
  bool finish();

  RequestLimits limits_;
  State state_ = State::request_line;
  unsigned status_ = 0;
  std::string_view reason_;  // of static storage

  std::size_t line_begin_ = 0;  // where the line that is not complete yet begins
  std::size_t scanned_ = 0;     // no LF before this that has not been taken

  Span method_;
  Span target_;
  Span authority_;  // of a target in absolute form
  std::vector<FieldSpan> fields_;
  int minor_version_ = 1;
  std::size_t hosts_ = 0;
  std::size_t content_length_ = 0;
  bool has_content_length_ = false;
  bool chunked_ = false;
  bool says_close_ = false;
  bool says_keep_alive_ = false;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
};

}  // namespace millrace
