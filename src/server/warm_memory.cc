#include "server/warm_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

namespace millrace {
namespace {

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

bool has_memory(char* page) {
  unsigned char resident = 0;
  return mincore(page, 1, &resident) == 0 && (resident & 1) != 0;
}

}  // namespace

WarmMemory::WarmMemory(std::size_t bytes, std::size_t ahead) : ahead_(ahead) {
  const std::size_t size = rounded_up(bytes, kAlignment);
  const std::size_t mapped_size = size + kAlignment;
  void* const mapped = mmap(nullptr, mapped_size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return;
  // Aligned by hand; the ends go back.
  char* const begin = static_cast<char*>(mapped);
  const std::size_t before = rounded_up(reinterpret_cast<std::uintptr_t>(begin), kAlignment) -
                             reinterpret_cast<std::uintptr_t>(begin);
  if (before > 0) munmap(begin, before);
  if (before < kAlignment) munmap(begin + before + size, kAlignment - before);
  start_ = begin + before;
  size_ = size;
  madvise(start_, size_, MADV_HUGEPAGE);  // a kernel without them uses small ones
}

void WarmMemory::extend(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t wanted = bytes + std::exchange(ahead_, 0);
  for (std::size_t made = 0; made < wanted && next_ < size_; next_ += kPage) {
    char* const page = start_ + next_;
    if (has_memory(page)) continue;
    if (madvise(page, kPage, MADV_POPULATE_WRITE) != 0) return;
    made += kPage;
  }
}

}  // namespace millrace
