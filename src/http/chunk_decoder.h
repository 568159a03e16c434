// ChunkDecoder: undoes the chunked transfer coding in place (RFC 9112 section 7.1).
//
// Pure and resumable, like RequestParser. The decoded body grows at the front of the caller's
// bytes; chunk extensions and trailers are checked, bounded and dropped.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "http/limits.h"

namespace millrace {

class ChunkDecoder {
 public:
  enum class Progress {
    need_more,  // everything given was taken; call decode() again with more bytes
    complete,   // the body is whole; bytes behind its coding were moved to behind the body
    failed,     // status() says how to answer; the connection must then be closed
  };

  explicit ChunkDecoder(const RequestLimits& limits) : limits_(limits) {}

  /// Takes the bytes behind those already decoded.
  /// @param bytes body_size() decoded bytes, and behind them what was received since the last call.
  ///   The decoder writes into it.
  Progress decode(std::span<char> bytes);

  /// Bytes of body decoded so far, at the front of what decode() was given.
  std::size_t body_size() const { return body_size_; }
  /// How many bytes of what the last decode() was given are still of use: the body, and when it is
  /// complete, the bytes of the next request behind it. New bytes are to be put behind them.
  std::size_t kept_size() const { return kept_size_; }

  /// Why decode() failed: 400 or 413, and a text for people.
  unsigned status() const { return status_; }
  std::string_view reason() const { return reason_; }

 private:
  enum class State {
    size_begin,  // before the first digit of a chunk's size
    size,
    extension,
    size_end,  // after the CR behind size and extension
    data,
    data_cr,
    data_lf,
    trailer_begin,  // at the start of a line behind the last chunk
    trailer,
    trailer_end,  // after the CR of a trailer
    last_end,     // after the CR of the empty line that ends it all
    complete,
    failed,
  };

  bool take(char c);
  bool take_size(char c);
  bool waste(char c, State after_carriage_return);
  bool expect(char c, char wanted, State next);
  bool fail(unsigned status, std::string_view reason);

  RequestLimits limits_;
  State state_ = State::size_begin;
  std::size_t chunk_left_ = 0;  // of the size while it is read, then of the data
  std::size_t body_size_ = 0;
  std::size_t kept_size_ = 0;
  std::size_t wasted_ = 0;
  unsigned status_ = 0;
  std::string_view reason_;  // of static storage
};

}  // namespace millrace
