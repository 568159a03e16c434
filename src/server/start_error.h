// StartError: why the program cannot start, in words for the person who starts it.
//
// A value; any thread.
#pragma once

#include <string>

#include <boost/system/result.hpp>

namespace millrace {

class StartError {
 public:
  /// Without a message: Boost's result::error() needs it to exist.
  StartError() = default;
  explicit StartError(std::string message) : message_(std::move(message)) {}
  const std::string& message() const { return message_; }

 private:
  std::string message_;
};

template <class T>
using StartResult = boost::system::result<T, StartError>;

[[noreturn]] void throw_exception_from_error(const StartError& error,
                                             const boost::source_location& location);

}  // namespace millrace
