// Counts what a test asks of the allocator. A test that includes this has operator new replaced in
// its whole program; a program's tests run one after the other.
#pragma once

#include <cstddef>
#include <functional>

namespace millrace {

/// How often `work` asks operator new for memory.
std::size_t allocations_of(const std::function<void()>& work);

}  // namespace millrace
