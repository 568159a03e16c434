// WarmMemory: a stretch of memory for the allocator, touched ahead of use. The first touch of fresh
// memory has the kernel clear it, and a virtual machine's host find it: up to ten milliseconds for
// 2 MiB, in which a thread that serves would answer nobody.
//
// Made by main() before the server, and never given back: the allocator goes on using it.
#pragma once

#include <cstddef>
#include <mutex>

namespace millrace {

class WarmMemory {
 public:
  /// Reserves addresses; none of them takes memory yet. @param bytes is rounded up to kAlignment.
  /// An address space that has no room for it leaves it empty. @param ahead what the first extend()
  /// touches beside what it is asked for.
  WarmMemory(std::size_t bytes, std::size_t ahead);
  WarmMemory(const WarmMemory&) = delete;
  WarmMemory& operator=(const WarmMemory&) = delete;

  void* start() const { return start_; }
  std::size_t size() const { return size_; }

  /// Has the kernel put memory behind the next `bytes`, rounded up to kPage, that have none, from
  /// the start on. What lies in the memory stays as it is, so others may use all of it meanwhile.
  /// Blocks for some 20 milliseconds a MiB at worst. At the end, or where the kernel cannot do it,
  /// does nothing. Any thread.
  void extend(std::size_t bytes);

  static constexpr std::size_t kPage = std::size_t{2} << 20;
  static constexpr std::size_t kAlignment = std::size_t{64} << 20;

 private:
  char* start_ = nullptr;
  std::size_t size_ = 0;
  std::mutex mutex_;  // guards the rest
  std::size_t ahead_;
  std::size_t next_ = 0;  // what lies below has been touched
};

}  // namespace millrace
