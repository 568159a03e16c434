#include "model/tags.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/encoding.h"
#include "base/limits.h"

namespace millrace {

namespace {

ApiError invalid_tag(std::string text) {
  return {ErrorCode::invalid_parameter_value, std::move(text)};
}

// Letters and digits of every script, white space and a few symbols. Beyond ASCII every character
// is taken for a letter: refusing the rest would need Unicode's tables and protect nothing.
bool is_tag_text(std::string_view text) {
  constexpr std::string_view kSymbols = "_.:/=+-@ \t\n\r";
  const auto allowed = [&](char c) {
    return (c & '\x80') != 0 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || kSymbols.find(c) != std::string_view::npos;
  };
  return std::ranges::all_of(text, allowed) && is_sqs_text(text);
}

bool is_reserved(std::string_view text) {
  constexpr std::string_view kReserved = "aws:";
  const auto equal_ignoring_case = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  return std::ranges::equal(text.substr(0, kReserved.size()), kReserved, equal_ignoring_case);
}

Expected<void> check_tag(const std::string& key, const std::string& value) {
  if (key.empty() || count_characters(key) > limits::kTagKeyMax) {
    return invalid_tag("Tag keys must be between 1 and 128 characters in length.");
  }
  if (!is_tag_text(key)) {
    return invalid_tag(
        "Tag keys may only contain unicode letters, digits, whitespace, or one of these symbols: "
        "_ . : / = + - @");
  }
  if (count_characters(value) > limits::kTagValueMax) {
    return invalid_tag("Tag values must be between 0 and 256 characters in length.");
  }
  if (!is_tag_text(value)) {
    return invalid_tag(
        "Tag values may only contain unicode letters, digits, whitespace, or one of these symbols: "
        "_ . : / = + - @");
  }
  if (is_reserved(key) || is_reserved(value)) {
    return invalid_tag("Tag keys and values must not start with aws:, which is reserved.");
  }
  return {};
}

}  // namespace

Expected<TagMap> add_tags(const TagMap& current, const TagMap& given) {
  if (given.empty()) return missing_parameter("Tags");
  TagMap tags = current;
  for (const auto& [key, value] : given) {
    if (const Expected<void> checked = check_tag(key, value); !checked) return checked.error();
    tags.insert_or_assign(key, value);
  }
  if (tags.size() > limits::kTagsMax) return invalid_tag("A queue can have at most 50 tags.");
  return tags;
}

}  // namespace millrace
