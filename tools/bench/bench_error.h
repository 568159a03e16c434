// BenchError: why a measurement cannot be made at all, in words for the person who asked for it.
//
// It is thrown while a case is set up (no connection, no queue, no such file) and caught in main().
// What fails while the load runs is no exception: it is counted and reported with the figures.
#pragma once

#include <stdexcept>

namespace millrace::bench {

class BenchError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace millrace::bench
