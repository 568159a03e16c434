// Characters of ASCII: letters without regard to case, digits, white space. Header names, actions,
// condition keys. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace millrace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The lower-case form of an ASCII letter; any other byte as it is.
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return to_lower(c); });
  return lower;
}

/// Whether the two differ in the case of ASCII letters at most.
constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

/// `text` without the spaces and tabs at its ends, which are no part of a header's value.
/// (RFC 9110 section 5.6.3)
constexpr std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace millrace
