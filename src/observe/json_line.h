// JsonLine: one JSON object on one line, member by member, as the audit and access logs write it.
// Whatever a text holds, the line stays one object on one line; see quoted_text.h. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace millrace {

class JsonLine {
 public:
  /// Begins with {"time":"2026-01-31T12:00:00.000Z". @param time of the years 0 to 9999.
  explicit JsonLine(Timestamp time);

  /// Appends a member. @param name of lower-case letters and '_'.
  JsonLine& add(std::string_view name, std::string_view text);
  JsonLine& add(std::string_view name, std::int64_t number);

  /// The whole line. The object is used up then.
  std::string take();

 private:
  void begin_member(std::string_view name);

  std::string text_;
};

}  // namespace millrace
