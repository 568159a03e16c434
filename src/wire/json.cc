#include "wire/json.h"

#include <cmath>
#include <limits>

namespace millrace::wire {

namespace json = boost::json;

namespace {

const json::object kNoMembers;

// The framework's words for a list or a structure where something simple is wanted.
constexpr const char* kListFound = "Start of list found where not expected";
constexpr const char* kMapFound = "Start of structure or map found where not expected.";

std::string decimal_text(double number) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

// A number written with a dot or an exponent that is whole all the same, as some clients send.
std::optional<std::int64_t> whole(double number) {
  constexpr double kLimit = 9.0e18;
  if (!(std::fabs(number) < kLimit) || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

}  // namespace

JsonDocument::JsonDocument(std::string_view body, ReadErrors& errors)
    : memory_(buffer_.data(), buffer_.size()), root_(&memory_), object_(&kNoMembers) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  std::array<unsigned char, 2048> scratch;  // for the parser's own stack
  json::parser parser(json::storage_ptr(), options, scratch.data(), scratch.size());
  parser.reset(&memory_);
  boost::system::error_code error;
  parser.write(body, error);
  if (error) {
    errors.refuse("The request body is not valid JSON: " + error.message() + ".");
    return;
  }
  root_ = parser.release();  // not copied: both are of one memory
  object_ = root_.if_object();
  if (object_ == nullptr) {
    object_ = &kNoMembers;
    errors.refuse(root_.is_array() ? kListFound : "The request body is not a JSON object.");
  }
}

void JsonReader::read(const Value& value, std::string& text) {
  switch (value.kind()) {
    case json::kind::string:
      text.assign(value.get_string().data(), value.get_string().size());
      return;
    case json::kind::int64:
      text = std::to_string(value.get_int64());
      return;
    case json::kind::uint64:
      text = std::to_string(value.get_uint64());
      return;
    case json::kind::double_:
      text = decimal_text(value.get_double());
      return;
    case json::kind::bool_:
      text = value.get_bool() ? "true" : "false";
      return;
    case json::kind::array:
      errors_.refuse(kListFound);
      return;
    case json::kind::object:
      errors_.refuse(kMapFound);
      return;
    case json::kind::null:
      return;
  }
}

void JsonReader::read(const Value& value, std::optional<std::string>& text) {
  read(value, text.emplace());
}

void JsonReader::read(const Value& value, std::int64_t& number) {
  switch (value.kind()) {
    case json::kind::int64:
      number = value.get_int64();
      return;
    case json::kind::double_:
      if (const auto exact = whole(value.get_double())) {
        number = *exact;
        return;
      }
      errors_.refuse("DECIMAL_VALUE can not be converted to an Integer");
      return;
    case json::kind::uint64:
      errors_.refuse("NUMBER_VALUE can not be converted to an Integer");
      return;
    case json::kind::string:
      errors_.refuse(std::string(kNoInteger));
      return;
    case json::kind::bool_:
      errors_.refuse(value.get_bool() ? "TRUE_VALUE can not be converted to an Integer"
                                      : "FALSE_VALUE can not be converted to an Integer");
      return;
    case json::kind::array:
      errors_.refuse(kListFound);
      return;
    case json::kind::object:
      errors_.refuse(kMapFound);
      return;
    case json::kind::null:
      return;
  }
}

void JsonReader::read(const Value& value, std::optional<std::int64_t>& number) {
  read(value, number.emplace());
}

void JsonReader::read(const Value& value, bool& flag) {
  if (value.is_bool()) {
    flag = value.get_bool();
  } else if (value.is_array()) {
    errors_.refuse(kListFound);
  } else if (value.is_object()) {
    errors_.refuse(kMapFound);
  } else {
    errors_.refuse("The value can not be converted to a Boolean");
  }
}

void JsonReader::read(const Value& value, std::optional<bool>& flag) {
  read(value, flag.emplace());
}

void JsonReader::read(const Value& value, Blob& blob) {
  if (value.is_array()) return errors_.refuse(kListFound);
  if (value.is_object()) return errors_.refuse(kMapFound);
  if (value.is_string()) blob.bytes = from_base64(value.get_string());
  if (!blob.bytes) errors_.refuse(std::string(kNoBase64));
}

void JsonReader::read(const Value& value, std::vector<std::string>& list) {
  const json::array* elements = array_of(value);
  if (elements == nullptr) return;
  list.reserve(elements->size());
  for (const Value& element : *elements) {
    if (!element.is_null()) read(element, list.emplace_back());
  }
}

void JsonReader::read(const Value& value, api::TextMap& map) {
  const json::object* members = object_of(value, "Expected map or null");
  if (members == nullptr) return;
  map.reserve(members->size());
  for (const auto& [name, member] : *members) {
    if (member.is_null()) continue;
    if (member.is_array()) {
      return errors_.refuse("Unrecognized collection type class java.lang.String");
    }
    read(member, map.emplace_back(std::string(name), std::string()).second);
  }
}

void JsonReader::read(const Value& value, std::vector<api::MessageAttributeInput>& attributes) {
  const json::object* members = object_of(value, "Expected map or null");
  if (members == nullptr) return;
  attributes.reserve(members->size());
  for (const auto& [name, member] : *members) {
    if (member.is_null()) continue;
    AttributeValue attribute;
    read(member, attribute);
    attributes.push_back(attribute.into_attribute(std::string(name)));
  }
}

const json::array* JsonReader::array_of(const Value& value) {
  if (value.is_object()) {
    errors_.refuse(kMapFound);
  } else if (!value.is_array()) {
    errors_.refuse("Expected list or null");
  }
  return value.if_array();
}

const json::object* JsonReader::object_of(const Value& value, const char* expected) {
  if (value.is_array()) {
    errors_.refuse(kListFound);
  } else if (!value.is_object()) {
    errors_.refuse(expected);
  }
  return value.if_object();
}

void JsonWriter::write(const std::vector<MessageAttributeView>& attributes) {
  char before = '{';
  for (const MessageAttributeView& attribute : attributes) {
    out_ += std::exchange(before, ',');
    write(attribute.name);
    out_ += ':';
    write_value(attribute);
  }
  out_ += '}';
}

void JsonWriter::write_value(const MessageAttributeView& attribute) {
  if (attribute.binary) {
    out_ += "{\"BinaryValue\":\"";
    out_ += to_base64(attribute.value);
    out_ += '"';
  } else {
    out_ += "{\"StringValue\":";
    write(attribute.value);
  }
  out_ += ",\"DataType\":";
  write(attribute.data_type);
  out_ += '}';
}

}  // namespace millrace::wire
