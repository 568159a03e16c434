#include "wire/query.h"

#include <algorithm>

#include "base/encoding.h"
#include "wire/scan.h"

namespace millrace::wire {

namespace {

// Decodes `text` to `to`, which has room for as many bytes. @return the end, or null for a bad
// escape.
char* decode(std::string_view text, char* to) {
  using Coded = Scan<Controls::passed_over, '%', '+'>;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = Coded::find(text, at);
    to = std::copy(text.begin() + at, text.begin() + stop, to);
    if (stop == text.size()) break;
    at = stop + 1;
    if (text[stop] == '+') {
      *to++ = ' ';
      continue;
    }
    if (stop + 2 >= text.size()) return nullptr;
    const int high = hex_digit(text[stop + 1]);
    const int low = hex_digit(text[stop + 2]);
    if (high < 0 || low < 0) return nullptr;
    *to++ = static_cast<char>(high * 16 + low);
    at = stop + 3;
  }
  return to;
}

ApiError malformed(std::string text) {
  return {ErrorCode::serialization, std::move(text)};
}

constexpr std::size_t kIndexDigitsMax = 9;

// The digits that `text` starts with, if a '.' or nothing follows them; else nothing.
std::string_view leading_index(std::string_view text) {
  const std::size_t length = std::min(text.find('.'), text.size());
  const std::string_view digits = text.substr(0, length);
  const bool valid = !digits.empty() && digits.size() <= kIndexDigitsMax &&
                     digits.find_first_not_of("0123456789") == std::string_view::npos;
  return valid ? digits : std::string_view();
}

std::uint32_t number_of(std::string_view digits) {
  std::uint32_t number = 0;
  for (const char digit : digits) number = number * 10 + static_cast<std::uint32_t>(digit - '0');
  return number;
}

}  // namespace

Expected<FormParameters> FormParameters::parse(std::string_view query, std::string_view body) {
  FormParameters form;
  form.text_ = std::make_unique_for_overwrite<char[]>(query.size() + body.size());
  char* to = form.text_.get();
  for (std::string_view rest : {query, body}) {
    while (!rest.empty()) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      if (pair.empty()) continue;
      if (form.parameters_.size() == kParametersMax) {
        return malformed("The request has too many parameters.");
      }
      const std::size_t name_length = std::min(pair.find('='), pair.size());
      char* const name = to;
      char* const value = decode(pair.substr(0, name_length), name);
      if (value == nullptr) return malformed("The request has a malformed percent-encoding.");
      to = decode(pair.substr(std::min(pair.size(), name_length + 1)), value);
      if (to == nullptr) return malformed("The request has a malformed percent-encoding.");
      const std::string_view name_text(name, static_cast<std::size_t>(value - name));
      const std::string_view value_text(value, static_cast<std::size_t>(to - value));
      if (!is_utf8(name_text) || !is_utf8(value_text)) {
        return malformed("The request has text that is not valid UTF-8.");
      }
      form.parameters_.push_back({name_text, value_text});
    }
  }
  // The place in the text keeps parameters of one name in the order in which they were sent.
  std::sort(form.parameters_.begin(), form.parameters_.end(),
            [](const Parameter& a, const Parameter& b) {
              const int order = a.name.compare(b.name);
              return order != 0 ? order < 0 : a.name.data() < b.name.data();
            });
  return form;
}

std::optional<std::string_view> FormParameters::find(std::string_view name) const {
  const auto place = std::lower_bound(
      parameters_.begin(), parameters_.end(), name,
      [](const Parameter& parameter, std::string_view wanted) { return parameter.name < wanted; });
  if (place == parameters_.end() || place->name != name) return std::nullopt;
  return place->value;
}

std::vector<std::string_view> FormParameters::elements(std::string_view name) const {
  std::vector<std::string_view> found;
  auto place = std::lower_bound(
      parameters_.begin(), parameters_.end(), name,
      [](const Parameter& parameter, std::string_view wanted) { return parameter.name < wanted; });
  for (; place != parameters_.end() && place->name.starts_with(name); ++place) {
    const std::string_view rest = place->name.substr(name.size());
    if (!rest.starts_with('.')) continue;
    const std::string_view index = leading_index(rest.substr(1));
    if (index.empty()) continue;
    const std::string_view element = place->name.substr(0, name.size() + 1 + index.size());
    // Whatever belongs to one element stands together, since '.' sorts before the digits.
    if (found.empty() || found.back() != element) found.push_back(element);
  }
  std::stable_sort(found.begin(), found.end(), [&](std::string_view a, std::string_view b) {
    return number_of(a.substr(name.size() + 1)) < number_of(b.substr(name.size() + 1));
  });
  return found;
}

void QueryReader::read(std::string& text) {
  if (const auto value = parameters_.find(name_)) text = *value;
}

void QueryReader::read(std::optional<std::string>& text) {
  if (const auto value = parameters_.find(name_)) text.emplace(*value);
}

void QueryReader::read(std::optional<std::int64_t>& number) {
  const auto value = parameters_.find(name_);
  if (!value) return;
  const char* const end = value->data() + value->size();
  std::int64_t parsed = 0;
  const auto result = std::from_chars(value->data(), end, parsed);
  if (result.ec != std::errc() || result.ptr != end) {
    return errors_.refuse(std::string(kNoInteger));
  }
  number = parsed;
}

void QueryReader::read(std::int64_t& number) {
  std::optional<std::int64_t> given;
  read(given);
  number = given.value_or(number);
}

void QueryReader::read(bool& flag) {
  const auto value = parameters_.find(name_);
  if (!value) return;
  if (*value != "true" && *value != "false") {
    return errors_.refuse("The value can not be converted to a Boolean");
  }
  flag = *value == "true";
}

void QueryReader::read(Blob& blob) {
  const auto value = parameters_.find(name_);
  if (!value) return;
  blob.bytes = from_base64(*value);
  if (!blob.bytes) errors_.refuse(std::string(kNoBase64));
}

void QueryReader::read(std::vector<std::string>& list) {
  for (const std::string_view element : parameters_.elements(name_)) {
    if (const auto value = parameters_.find(element)) list.emplace_back(*value);
  }
  // A list of one may come without its index.
  if (!list.empty()) return;
  if (const auto value = parameters_.find(name_)) list.emplace_back(*value);
}

void QueryReader::read_map(api::TextMap& map, std::string_view key_name) {
  std::vector<std::string_view> entries = parameters_.elements(name_);
  // A map of one may come without its index: "Attribute.Name=…&Attribute.Value=…".
  entries.push_back(name_);
  std::string name;
  for (const std::string_view entry : entries) {
    name.assign(entry).append(1, '.').append(key_name);
    const auto key = parameters_.find(name);
    if (!key) continue;
    name.assign(entry).append(".Value");
    map.emplace_back(*key, parameters_.find(name).value_or(std::string_view()));
  }
}

void QueryReader::read(std::vector<api::MessageAttributeInput>& attributes) {
  std::string name;
  for (const std::string_view element : parameters_.elements(name_)) {
    name.assign(element).append(".Value");
    AttributeValue value;
    read_below(name, value);
    name.assign(element).append(".Name");
    attributes.push_back(
        value.into_attribute(std::string(parameters_.find(name).value_or(std::string_view()))));
  }
}

void open_element(std::string& out, std::string_view name) {
  out += '<';
  out += name;
  out += '>';
}

void close_element(std::string& out, std::string_view name) {
  out += "</";
  out += name;
  out += '>';
}

void XmlWriter::write(const Field& field, const MessageAttributeView& attribute) {
  element(field.query_name(), [&] {
    element("Name", [&] { append_xml_text(out_, attribute.name); });
    element("Value", [&] {
      if (attribute.binary) {
        element("BinaryValue", [&] { out_ += to_base64(attribute.value); });
      } else {
        element("StringValue", [&] { append_xml_text(out_, attribute.value); });
      }
      element("DataType", [&] { append_xml_text(out_, attribute.data_type); });
    });
  });
}

}  // namespace millrace::wire
