#include "observe/quoted_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace millrace {

namespace {

constexpr std::string_view kCut = "...";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr char32_t kReplacement = 0xfffd;

/// A character, and how many bytes of the text it takes.
struct Character {
  char32_t code;
  std::size_t size;
};

/// The first character of `text`; of what is no UTF-8 (RFC 3629) one byte, as U+FFFD.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {kReplacement, 1};
  char32_t code = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {kReplacement, 1};
    code = (code << 6) | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[size] || code > 0x10ffff || surrogate) return {kReplacement, 1};
  return {code, size};
}

/// Whether a terminal or an editor would act upon it instead of showing it. None of them lies
/// beyond U+FFFF.
bool acts(char32_t code) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  static constexpr Range kActing[] = {
      {0x00, 0x1f},      // control characters
      {0x7f, 0x9f},      // and more of them
      {0x061c, 0x061c},  // direction of writing
      {0x200b, 0x200f},  // no width, and direction
      {0x2028, 0x202e},  // separators of lines and paragraphs, and direction
      {0x2060, 0x2069},  // no width, and direction
      {0xfeff, 0xfeff},  // byte order mark
      {0xfff9, 0xfffb},  // annotations
  };
  return std::ranges::any_of(
      kActing, [code](const Range& range) { return code >= range.first && code <= range.last; });
}

bool is_harmless_ascii(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

}  // namespace

void append_quoted(std::string& out, std::string_view text, std::size_t size_max) {
  out += '"';
  const std::size_t begin = out.size();
  std::size_t fits = begin;  // where to cut, if it must be: room for kCut is left behind it
  while (!text.empty()) {
    if (is_harmless_ascii(text.front())) {
      out += text.front();
      text.remove_prefix(1);
    } else {
      const Character character = first_character(text);
      if (character.code == '"' || character.code == '\\') {
        out += '\\';
        out += text.front();
      } else if (acts(character.code)) {
        out += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(character.code >> shift) & 15];
      } else if (character.code == kReplacement) {
        out += "\xef\xbf\xbd";
      } else {
        out += text.substr(0, character.size);
      }
      text.remove_prefix(character.size);
    }
    const std::size_t size = out.size() - begin;
    if (size + kCut.size() <= size_max) fits = out.size();
    if (size > size_max) {
      out.resize(fits);
      out += kCut;
      break;
    }
  }
  out += '"';
}

}  // namespace millrace
