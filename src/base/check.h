// CHECK(condition): a statement about our own code that stays on in release builds.
//
// Use it for what only a bug can cause. Whatever a client, a disk or the network can cause is an
// Expected (base/error.h) instead. A failed check prints the condition and where it stands, and
// stops the process: with durable storage underneath, stopping is always safe.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace millrace {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace millrace

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::millrace::check_failed(#condition, __FILE__, __LINE__))
