#include "http/chunk_decoder.h"

#include <algorithm>
#include <cstring>

#include "base/encoding.h"

namespace millrace {

ChunkDecoder::Progress ChunkDecoder::decode(std::span<char> bytes) {
  std::size_t next = body_size_;
  while (next < bytes.size() && state_ != State::complete) {
    if (state_ == State::data) {
      const std::size_t size = std::min(chunk_left_, bytes.size() - next);
      std::memmove(bytes.data() + body_size_, bytes.data() + next, size);
      body_size_ += size;
      next += size;
      chunk_left_ -= size;
      if (chunk_left_ == 0) state_ = State::data_cr;
    } else if (!take(bytes[next++])) {
      return Progress::failed;
    }
  }
  if (next < bytes.size()) {
    std::memmove(bytes.data() + body_size_, bytes.data() + next, bytes.size() - next);
  }
  kept_size_ = body_size_ + (bytes.size() - next);
  return state_ == State::complete ? Progress::complete : Progress::need_more;
}

bool ChunkDecoder::take(char c) {
  switch (state_) {
    case State::size_begin:
      if (hex_digit(c) < 0) return fail(400, "A chunk does not begin with its size.");
      chunk_left_ = 0;
      state_ = State::size;
      return take_size(c);
    case State::size:
      return take_size(c);
    case State::extension:
      return waste(c, State::size_end);
    case State::size_end:
      return expect(c, '\n', chunk_left_ == 0 ? State::trailer_begin : State::data);
    case State::data_cr:
      return expect(c, '\r', State::data_lf);
    case State::data_lf:
      return expect(c, '\n', State::size_begin);
    case State::trailer_begin:
      if (c == '\r') {
        state_ = State::last_end;
        return true;
      }
      state_ = State::trailer;
      return waste(c, State::trailer_end);
    case State::trailer:
      return waste(c, State::trailer_end);
    case State::trailer_end:
      return expect(c, '\n', State::trailer_begin);
    case State::last_end:
      return expect(c, '\n', State::complete);
    case State::data:
    case State::complete:
    case State::failed:
      break;
  }
  return fail(400, "The chunked body is not valid.");
}

bool ChunkDecoder::take_size(char c) {
  const int digit = hex_digit(c);
  if (digit >= 0) {
    // The limit is far below what would overflow, and is looked at after every digit.
    chunk_left_ = chunk_left_ * 16 + static_cast<std::size_t>(digit);
    if (chunk_left_ > limits_.body_bytes - body_size_) return fail(413, "The body is too large.");
    // Zeros in front do not grow the size, so they are counted as waste.
    if (chunk_left_ == 0 && ++wasted_ > limits_.chunk_waste_bytes) {
      return fail(400, "Chunk sizes are too long.");
    }
    return true;
  }
  if (c == '\r') {
    state_ = State::size_end;
    return true;
  }
  if (c == ';') {
    state_ = State::extension;
    return true;
  }
  return fail(400, "A chunk size is not a hexadecimal number.");
}

bool ChunkDecoder::waste(char c, State after_carriage_return) {
  if (c == '\r') {
    state_ = after_carriage_return;
    return true;
  }
  const unsigned char byte = static_cast<unsigned char>(c);
  if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
    return fail(400, "A chunk extension or trailer holds a control character.");
  }
  if (++wasted_ > limits_.chunk_waste_bytes) {
    return fail(400, "Chunk extensions and trailers are too long.");
  }
  return true;
}

bool ChunkDecoder::expect(char c, char wanted, State next) {
  if (c != wanted) return fail(400, "A line of the chunked body does not end in CR LF.");
  state_ = next;
  return true;
}

bool ChunkDecoder::fail(unsigned status, std::string_view reason) {
  state_ = State::failed;
  status_ = status;
  reason_ = reason;
  return false;
}

}  // namespace millrace
