// Letters of ASCII without regard to case: header names, actions and condition keys. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace millrace {

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

}  // namespace millrace
