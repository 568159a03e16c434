// ReadBuffer: the one buffer that a connection reads into; requests are views of it.
//
// The bytes in use are contiguous. Views of them are valid until the next call that is not const.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "base/check.h"

namespace millrace {

class ReadBuffer {
 public:
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }

  std::string_view view() const { return {memory_.get() + begin_, size()}; }
  std::span<char> bytes() { return {memory_.get() + begin_, size()}; }

  /// Where the next bytes may be written. Empty until make_room() was called.
  std::span<char> room() { return {memory_.get() + end_, capacity_ - end_}; }
  /// `size` bytes of room() have been written.
  void commit(std::size_t size) {
    CHECK(size <= capacity_ - end_);
    end_ += size;
  }

  /// Sees to at least `size` bytes of room, by moving what is in use to the front or by growing to
  /// at least `capacity_wanted` bytes.
  void make_room(std::size_t size, std::size_t capacity_wanted) {
    if (capacity_ - end_ >= size) return;
    const std::size_t used = this->size();
    if (capacity_ - used >= size) {
      std::memmove(memory_.get(), memory_.get() + begin_, used);
    } else {
      const std::size_t capacity = std::max(used + size, capacity_wanted);
      auto grown = std::make_unique_for_overwrite<char[]>(capacity);
      if (used != 0) std::memcpy(grown.get(), memory_.get() + begin_, used);
      memory_ = std::move(grown);
      capacity_ = capacity;
    }
    begin_ = 0;
    end_ = used;
  }

  /// Drops `size` bytes from the front.
  void consume(std::size_t size) {
    CHECK(size <= this->size());
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Drops all but the first `size` bytes.
  void truncate(std::size_t size) {
    CHECK(size <= this->size());
    end_ = begin_ + size;
  }

  /// Gives memory beyond `capacity` bytes back to the system, unless what is in use needs it.
  void shrink(std::size_t capacity) {
    if (capacity_ <= capacity || size() > capacity) return;
    ReadBuffer smaller;
    if (!empty()) {
      smaller.make_room(size(), capacity);
      std::memcpy(smaller.room().data(), memory_.get() + begin_, size());
      smaller.commit(size());
    }
    *this = std::move(smaller);
  }

 private:
  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace millrace
