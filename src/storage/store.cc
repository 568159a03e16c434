#include "storage/store.h"

#include <stdexcept>

namespace millrace {

void throw_exception_from_error(const StoreError& error, const boost::source_location&) {
  throw std::logic_error("a StoreResult was read without being checked: " + error.message());
}

}  // namespace millrace
