#include "storage/store.h"

#include <stdexcept>

namespace millrace {

StoreResult<std::unique_ptr<StoreCopy>> Store::begin_copy(const std::string&) {
  return StoreError("this store keeps its data in memory only");
}

void throw_exception_from_error(const StoreError& error, const boost::source_location&) {
  throw std::logic_error("a StoreResult was read without being checked: " + error.message());
}

}  // namespace millrace
