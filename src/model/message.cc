#include "model/message.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/limits.h"

namespace millrace {

namespace {

ApiError invalid(std::string text) {
  return {ErrorCode::invalid_parameter_value, std::move(text)};
}

// "... (user) attribute '<name>' ...": the texts of SQS around the name.
ApiError invalid_attribute(std::string_view before, std::string_view name, std::string_view after) {
  std::string text(before);
  text.append(" '").append(name).append("' ").append(after);
  return invalid(std::move(text));
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool starts_ignoring_case(std::string_view text, std::string_view lower_case_prefix) {
  const auto same = [](char a, char b) { return (is_letter(a) ? a | 0x20 : a) == b; };
  return std::ranges::equal(text.substr(0, lower_case_prefix.size()), lower_case_prefix, same);
}

// SQS documents ASCII, and takes letters of other alphabets too.
bool is_attribute_name_character(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || (c & '\x80') != 0;
}

Expected<void> check_name(std::string_view name) {
  if (name.empty()) {
    return invalid("The request must contain non-empty message (user) attribute names.");
  }
  if (count_characters(name) > limits::kAttributeNameMax) {
    return invalid("Message (user) attribute name must be shorter than 256 bytes.");
  }
  if (starts_ignoring_case(name, "aws.") || starts_ignoring_case(name, "amazon.") ||
      name.starts_with('.') || name.ends_with('.')) {
    return invalid(
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings "
        "are reserved for internal use. Additionally, they cannot start or end with '.'.");
  }
  if (!std::ranges::all_of(name, is_attribute_name_character) || !is_sqs_text(name) ||
      name.find("..") != std::string_view::npos) {
    return invalid_attribute("The message (user) attribute name", name,
                             "is invalid. It can only include alphanumeric characters, "
                             "underscores, hyphens, and periods that do not follow each other.");
  }
  return {};
}

// The type in front of the label: "Number" of "Number.int".
std::string_view basic_type(std::string_view data_type) {
  for (const std::string_view type : {"String", "Number", "Binary"}) {
    if (data_type.starts_with(type)) return type;
  }
  return {};
}

Expected<void> check_type(std::string_view name, std::string_view data_type) {
  if (data_type.empty()) {
    return invalid_attribute("The message (user) attribute", name,
                             "must contain a non-empty message attribute type.");
  }
  if (data_type.size() > limits::kAttributeTypeMax) {
    return invalid("Message (user) attribute type must be shorter than 256 bytes.");
  }
  const std::string_view basic = basic_type(data_type);
  if (basic.empty() || (data_type.size() > basic.size() && data_type[basic.size()] != '.') ||
      !is_sqs_text(data_type)) {
    return invalid_attribute("The type of message (user) attribute", name,
                             "is invalid. You must use only the following supported type "
                             "prefixes: Binary, Number, String.");
  }
  return {};
}

// The run of digits at the start of `text`, taken away from it.
std::string_view take_digits(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && is_digit(text[size])) ++size;
  const std::string_view digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

bool take_sign(std::string_view& text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  return negative;
}

// A decimal number, with an exponent or without, of at most 38 significant digits (leading and
// trailing zeros are none) and a magnitude of 10^-128 to 10^126, or zero.
bool is_number(std::string_view text) {
  take_sign(text);
  const std::string_view whole = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.empty() && fraction.empty()) return false;
  std::int64_t exponent = 0;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    const bool negative = take_sign(text);
    const std::string_view digits = take_digits(text);
    constexpr std::size_t kExponentDigitsMax = 9;  // far beyond the range, far below an overflow
    if (digits.empty() || digits.size() > kExponentDigitsMax) return false;
    exponent = *parse_digits(digits) * (negative ? -1 : 1);
  }
  if (!text.empty()) return false;

  std::string digits(whole);
  digits.append(fraction);
  const std::size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return true;
  const std::size_t last = digits.find_last_not_of('0');
  // The power of ten of the first significant digit.
  const std::int64_t magnitude =
      static_cast<std::int64_t>(whole.size()) - static_cast<std::int64_t>(first) - 1 + exponent;
  const bool one = first == last && digits[first] == '1';
  return last - first < limits::kNumberDigitsMax && magnitude >= limits::kNumberExponentMin &&
         (magnitude < limits::kNumberExponentMax ||
          (magnitude == limits::kNumberExponentMax && one));
}

Expected<void> check_value(const MessageAttribute& attribute) {
  const std::string_view type = basic_type(attribute.data_type);
  if (attribute.binary != (type == "Binary")) {
    std::string after = "with type '";
    after.append(type).append("' must use field '");
    after.append(type == "Binary" ? "Binary" : "String").append("'.");
    return invalid_attribute("Message (user) attribute", attribute.name, after);
  }
  if (attribute.value.empty()) {
    std::string after = "must contain a non-empty value of type '";
    after.append(type == "Binary" ? "Binary" : "String").append("'.");
    return invalid_attribute("Message (user) attribute", attribute.name, after);
  }
  if (!attribute.binary && !is_sqs_text(attribute.value)) {
    return invalid_attribute("Invalid binary character was found in the message attribute",
                             attribute.name,
                             "value, the set of allowed characters is #x9 | #xA | #xD | [#x20 to "
                             "#xD7FF] | [#xE000 to #xFFFD] | [#x10000 to #x10FFFF]");
  }
  if (type == "Number" && !is_number(attribute.value)) {
    return invalid_attribute("Can't cast the value of message (user) attribute", attribute.name,
                             "to a number.");
  }
  return {};
}

Expected<void> check_attribute(const MessageAttribute& attribute) {
  if (const Expected<void> checked = check_name(attribute.name); !checked) return checked;
  if (const Expected<void> checked = check_type(attribute.name, attribute.data_type); !checked) {
    return checked;
  }
  return check_value(attribute);
}

void append_with_length(std::string& out, std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(size >> shift);
  out.append(bytes);
}

// Attribute is a MessageAttribute or a view of one.
template <class Attribute>
Md5Digest attributes_md5_of(std::span<const Attribute> attributes) {
  std::vector<const Attribute*> sorted;
  sorted.reserve(attributes.size());
  for (const Attribute& attribute : attributes) sorted.push_back(&attribute);
  std::ranges::sort(sorted,
                    [](const Attribute* a, const Attribute* b) { return a->name < b->name; });
  std::string text;
  for (const Attribute* attribute : sorted) {
    append_with_length(text, attribute->name);
    append_with_length(text, attribute->data_type);
    text += attribute->binary ? '\x02' : '\x01';
    append_with_length(text, attribute->value);
  }
  return md5(text);
}

}  // namespace

std::string sequence_number_text(SequenceNumber sequence) {
  constexpr std::uint64_t kTwentyDigits = 10'000'000'000'000'000'000U;
  return std::to_string(kTwentyDigits + sequence.value());
}

Md5Digest attributes_md5(std::span<const MessageAttributeView> attributes) {
  return attributes_md5_of(attributes);
}

Md5Digest attributes_md5(std::span<const MessageAttribute> attributes) {
  return attributes_md5_of(attributes);
}

std::size_t message_size(std::string_view body, std::span<const MessageAttribute> attributes) {
  std::size_t size = body.size();
  for (const MessageAttribute& attribute : attributes) {
    size += attribute.name.size() + attribute.data_type.size() + attribute.value.size();
  }
  return size;
}

Expected<MessageAttribute> make_message_attribute(std::string_view name,
                                                  GivenAttributeValue given) {
  if (given.has_list_value) return ApiError(ErrorCode::unsupported_operation);
  if (given.string_value && given.binary_value) {
    return invalid_attribute("Message (user) attribute", name, "must have a single value.");
  }
  MessageAttribute attribute{.name = std::string(name),
                             .data_type = std::move(given.data_type).value_or(std::string()),
                             .value = {},
                             .binary = given.binary_value.has_value()};
  if (given.string_value) attribute.value = std::move(*given.string_value);
  if (given.binary_value) attribute.value = std::move(*given.binary_value);
  if (!given.string_value && !given.binary_value) {
    if (const Expected<void> checked = check_name(attribute.name); !checked) return checked.error();
    if (const Expected<void> checked = check_type(attribute.name, attribute.data_type); !checked) {
      return checked.error();
    }
    return invalid_attribute("The message (user) attribute", name,
                             "must contain a non-empty message attribute value.");
  }
  if (const Expected<void> checked = check_attribute(attribute); !checked) return checked.error();
  return attribute;
}

Expected<void> check_message_attributes(std::span<const MessageAttribute> attributes) {
  if (attributes.size() > limits::kMessageAttributesMax) {
    return invalid("Number of message attributes [" + std::to_string(attributes.size()) +
                   "] exceeds the allowed maximum [" +
                   std::to_string(limits::kMessageAttributesMax) + "].");
  }
  for (const MessageAttribute& attribute : attributes) {
    if (const Expected<void> checked = check_attribute(attribute); !checked) return checked;
    const auto same_name = [&](const MessageAttribute& other) {
      return other.name == attribute.name;
    };
    if (std::ranges::count_if(attributes, same_name) > 1) {
      return invalid_attribute("Message (user) attribute name", attribute.name, "already exists.");
    }
  }
  return {};
}

Expected<std::string_view> trace_header_of(std::span<const MessageAttribute> system_attributes) {
  std::string_view trace_header;
  for (const MessageAttribute& attribute : system_attributes) {
    if (attribute.name != "AWSTraceHeader") {
      return invalid_attribute("Message system attribute name", attribute.name, "is invalid.");
    }
    if (attribute.data_type != "String" || attribute.binary) {
      return invalid_attribute("The type of message system attribute", attribute.name,
                               "is invalid. You must use only the following supported type "
                               "prefixes: String.");
    }
    if (attribute.value.empty() || !is_sqs_text(attribute.value)) {
      return invalid_attribute("Message system attribute", attribute.name,
                               "must contain a non-empty value of type 'String'.");
    }
    trace_header = attribute.value;
  }
  return trace_header;
}

bool is_message_body(std::string_view body) {
  return !body.empty() && is_sqs_text(body);
}

ApiError bad_message_body(std::string_view body, std::string_view parameter) {
  if (body.empty()) return missing_parameter(parameter);
  return ApiError(ErrorCode::invalid_message_contents);
}

Expected<void> check_message_token(std::string_view token, std::string_view parameter) {
  constexpr std::size_t kTokenMax = limits::kGroupIdMax;
  static_assert(kTokenMax == limits::kDeduplicationIdMax);
  // Between the space and the delete character ASCII has nothing but letters, digits and
  // punctuation.
  const auto allowed = [](char c) { return c > ' ' && c < '\x7f'; };
  if (token.empty() || token.size() > kTokenMax || !std::ranges::all_of(token, allowed)) {
    std::string reason(parameter);
    reason.append(" can only include alphanumeric and punctuation characters. 1 to 128 in length.");
    return invalid_parameter(token, parameter, reason);
  }
  return {};
}

bool is_batch_entry_id(std::string_view id) {
  const auto allowed = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; };
  return !id.empty() && id.size() <= limits::kBatchIdMax && std::ranges::all_of(id, allowed);
}

}  // namespace millrace
