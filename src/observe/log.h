// The log: one line per event, as `time level event name=value ...`.
//
// Lines are formatted by the caller and written by one thread of spdlog's asynchronous logger, to
// standard error. When that thread cannot keep up, the oldest waiting lines are dropped: a slow
// terminal never holds up a request. Any thread may log. Before start_log(), and after stop_log(),
// lines are dropped, so a test need not care.
//
// An event is a short lower-case phrase of static storage; what varies goes into fields. Never a
// message's body, and never a secret.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace millrace {

enum class LogLevel { debug, info, warning, error };

/// A named value of a line. Views what it is given: only to be used within one call.
class LogField {
 public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  template <class Text>
  requires std::convertible_to<const Text&, std::string_view> LogField(std::string_view name,
                                                                       const Text& value)
      : name_(name), value_(std::string_view(value)) {}
  LogField(std::string_view name, bool value) : name_(name), value_(value) {}
  LogField(std::string_view name, std::floating_point auto value)
      : name_(name), value_(static_cast<double>(value)) {}
  LogField(std::string_view name, std::signed_integral auto value)
      : name_(name), value_(static_cast<std::int64_t>(value)) {}
  LogField(std::string_view name, std::unsigned_integral auto value)
      : name_(name), value_(static_cast<std::uint64_t>(value)) {}

  std::string_view name() const { return name_; }
  const Value& value() const { return value_; }

 private:
  std::string_view name_;
  Value value_;
};

using LogFields = std::initializer_list<LogField>;

/// Begins to write lines of `least` and above. Once, before other threads log.
void start_log(LogLevel least);
/// Writes what is waiting and ends the writing thread. When no other thread logs any more.
void stop_log();

/// Whether lines of `level` are written: to spare the work of making expensive fields.
bool log_enabled(LogLevel level);

/// Writes one line.
void log(LogLevel level, std::string_view event, LogFields fields = {});
inline void log_debug(std::string_view event, LogFields fields = {}) {
  log(LogLevel::debug, event, fields);
}
inline void log_info(std::string_view event, LogFields fields = {}) {
  log(LogLevel::info, event, fields);
}
inline void log_warning(std::string_view event, LogFields fields = {}) {
  log(LogLevel::warning, event, fields);
}
inline void log_error(std::string_view event, LogFields fields = {}) {
  log(LogLevel::error, event, fields);
}

/// Appends `event name=value ...` as log() does. A text with anything but visible ASCII, with
/// quotes or with '=' is quoted as append_quoted() does it, so that a line stays one line.
void append_log_text(std::string& out, std::string_view event, LogFields fields);

}  // namespace millrace
