#include "server/start_error.h"

#include <stdexcept>

namespace millrace {

void throw_exception_from_error(const StartError& error, const boost::source_location&) {
  throw std::runtime_error(error.message());
}

}  // namespace millrace
