// AlignedBuffer: memory that may be written past the page cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/check.h"

namespace millrace {

/// Block of the commit log: its writes begin at and end on multiples of it, in the file and in
/// memory. A multiple of every common disk's logical and physical block, so that a torn write never
/// touches what an earlier one made durable.
inline constexpr std::size_t kLogBlockBytes = 4096;

constexpr std::uint64_t round_up_to_block(std::uint64_t bytes) {
  return (bytes + kLogBlockBytes - 1) / kLogBlockBytes * kLogBlockBytes;
}

/// Bytes at an address that is a multiple of kLogBlockBytes. One thread.
class AlignedBuffer {
 public:
  /// Makes room for at least `bytes`; what was in the buffer is lost when it grows.
  void reserve(std::size_t bytes) {
    if (bytes <= capacity_) return;
    const std::size_t rounded = round_up_to_block(bytes);
    memory_.reset();
    memory_.reset(static_cast<char*>(std::aligned_alloc(kLogBlockBytes, rounded)));
    CHECK(memory_ != nullptr);
    capacity_ = rounded;
  }
  /// Gives the memory back if there is more than `bytes` of it.
  void shrink(std::size_t bytes) {
    if (capacity_ <= bytes) return;
    memory_.reset();
    capacity_ = 0;
  }
  char* data() const { return memory_.get(); }
  std::size_t capacity() const { return capacity_; }

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> memory_;
  std::size_t capacity_ = 0;
};

}  // namespace millrace
