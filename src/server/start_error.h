// StartError: why the program cannot start, in words for the person who starts it.
//
// A value; any thread.
#pragma once

#include <string>
#include <utility>

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

/// A text as the value of a result. It would not convert, since an error can be made of a text,
/// too.
inline StartResult<std::string> text_result(std::string text) {
  return StartResult<std::string>(boost::system::in_place_value, std::move(text));
}

[[noreturn]] void throw_exception_from_error(const StartError& error,
                                             const boost::source_location& location);

}  // namespace millrace
