#include "wire/text.h"

#include <cstdint>
#include <cstring>

#include "wire/scan.h"

namespace millrace::wire {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// XML's 0xEF starts U+FFFE and U+FFFF, which it cannot hold, and many others, which it can.
using JsonSpecial = Scan<Controls::found, '"', '\\'>;
using XmlSpecial = Scan<Controls::found, '&', '<', '>', '"', '\xEF'>;

void append_json_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHexDigits[static_cast<unsigned char>(c) >> 4];
      out += kHexDigits[static_cast<unsigned char>(c) & 0xF];
  }
}

// Appends the special character at `at` and returns how many bytes of `text` it took.
std::size_t append_xml_escape(std::string& out, std::string_view text, std::size_t at) {
  switch (text[at]) {
    case '&':
      out += "&amp;";
      return 1;
    case '<':
      out += "&lt;";
      return 1;
    case '>':
      out += "&gt;";
      return 1;
    case '"':
      out += "&quot;";
      return 1;
    case '\r':
      out += "&#xD;";
      return 1;
    case '\n':
    case '\t':
      out += text[at];
      return 1;
    case '\xEF': {
      const std::string_view three = text.substr(at, 3);
      if (three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF") {
        out += kReplacement;
      } else {
        out += three;
      }
      return three.size();
    }
    default:
      out += kReplacement;
      return 1;
  }
}

// The length of the well-formed UTF-8 sequence that starts `text`, or 0.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) {
    return i < text.size() && (byte(i) & 0xC0U) == 0x80U;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (!continues(1)) return 0;
  if (first < 0xE0) return 2;
  if (!continues(2)) return 0;
  if (first < 0xF0) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (!continues(3) || first > 0xF4) return 0;
  const bool overlong = first == 0xF0 && byte(1) < 0x90;
  const bool beyond = first == 0xF4 && byte(1) > 0x8F;
  return overlong || beyond ? 0 : 4;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = JsonSpecial::find(text, at);
    out.append(text, at, stop - at);
    if (stop < text.size()) append_json_escape(out, text[stop]);
    at = stop + 1;
  }
  out += '"';
}

void append_xml_text(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = XmlSpecial::find(text, at);
    out.append(text, at, stop - at);
    at = stop;
    if (at < text.size()) at += append_xml_escape(out, text, at);
  }
}

bool is_utf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  while (!text.empty()) {
    std::uint64_t eight = 0;
    if (text.size() >= sizeof eight) {
      std::memcpy(&eight, text.data(), sizeof eight);
      if ((eight & kHighBits) == 0) {
        text.remove_prefix(sizeof eight);
        continue;
      }
    }
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace millrace::wire
