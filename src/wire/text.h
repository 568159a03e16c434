// Text as the two protocols write it: JSON strings, XML character data, UUIDs; and UTF-8 checked.
//
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace millrace::wire {

/// Appends `text` (UTF-8) as a JSON string, quotes included (RFC 8259 section 7).
void append_json_string(std::string& out, std::string_view text);

/// Appends `text` (UTF-8) as XML character data. CR becomes "&#xD;", so that a parser does not turn
/// it into LF; a character that XML 1.0 cannot hold becomes U+FFFD.
void append_xml_text(std::string& out, std::string_view text);

/// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view text);

}  // namespace millrace::wire
