// Text of anybody's as it may stand in a log: a JSON string that no terminal, no reader of lines
// and no parser takes for anything else. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

/// The longest text that a field of a log shows, in bytes of its quoted form. What is longer is cut
/// and ends in "...". So no client decides how long a line gets.
inline constexpr std::size_t kQuotedTextMax = 512;

/// Appends `text` in quotes, as a JSON string in valid UTF-8. Escaped are quotes, backslashes and
/// whatever a terminal or an editor would act upon: control characters (those from U+0080 on, too),
/// separators of lines, and marks that turn the direction of writing. Bytes that are no UTF-8
/// become U+FFFD. @param size_max of what stands between the quotes, in bytes.
void append_quoted(std::string& out, std::string_view text, std::size_t size_max = kQuotedTextMax);

}  // namespace millrace
