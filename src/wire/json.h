// AWS JSON 1.0: request bodies read and reply bodies written by the field lists of api/.
//
// Reading parses the whole body into a tree on a stack buffer (Boost.JSON) and copies out what the
// field list asks for; unknown members are ignored and null counts as absent. Writing appends to a
// string. Pure; any thread.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "api/field.h"
#include "base/encoding.h"
#include "base/error.h"
#include "wire/members.h"
#include "wire/text.h"

namespace millrace::wire {

/// A parsed request body. Neither copied nor moved: the tree lies in the object's own buffer.
class JsonDocument {
 public:
  /// Parses `body`, which must be one JSON object nested no deeper than kDepthMax.
  /// Anything else is noted in `errors` and leaves an empty object.
  JsonDocument(std::string_view body, ReadErrors& errors);
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  const boost::json::object& object() const { return *object_; }

  static constexpr std::size_t kDepthMax = 32;

 private:
  std::array<unsigned char, 16384> buffer_;  // a batch of ten messages of 1 KiB fits
  boost::json::monotonic_resource memory_;
  boost::json::value root_;
  const boost::json::object* object_;
};

/// Reads the members of one JSON object into a struct of api/, as its field list's visitor.
class JsonReader {
 public:
  /// Both arguments must outlive the reader.
  JsonReader(const boost::json::object& object, ReadErrors& errors)
      : object_(object), errors_(errors) {}

  template <class T>
  void operator()(const api::Field& field, T& member) {
    if (errors_.malformed) return;
    const boost::json::value* value = object_.if_contains(field.json);
    if (value != nullptr && !value->is_null()) read(*value, member);
    if (field.required == api::Required::always && is_absent(member)) errors_.note_missing(field);
  }

 private:
  using Value = boost::json::value;

  void read(const Value& value, std::string& text);
  void read(const Value& value, std::optional<std::string>& text);
  void read(const Value& value, std::int64_t& number);
  void read(const Value& value, std::optional<std::int64_t>& number);
  void read(const Value& value, bool& flag);
  void read(const Value& value, std::optional<bool>& flag);
  void read(const Value& value, Blob& blob);
  void read(const Value& value, std::vector<std::string>& list);
  void read(const Value& value, api::TextMap& map);
  void read(const Value& value, std::vector<api::MessageAttributeInput>& attributes);

  template <HasFields T>
  void read(const Value& value, T& structure) {
    const boost::json::object* object = object_of(value, "Expected structure or null");
    if (object == nullptr) return;
    JsonReader inner(*object, errors_);
    T::fields(structure, inner);
  }

  template <HasFields T>
  void read(const Value& value, std::vector<T>& list) {
    const boost::json::array* elements = array_of(value);
    if (elements == nullptr) return;
    list.reserve(elements->size());
    for (const Value& element : *elements) {
      if (!element.is_null()) read(element, list.emplace_back());
    }
  }

  /// The array or object that `value` must be; else notes the error and returns null.
  const boost::json::array* array_of(const Value& value);
  const boost::json::object* object_of(const Value& value, const char* expected);

  const boost::json::object& object_;
  ReadErrors& errors_;
};

/// Reads a request. @return it, or SerializationException, or MissingRequiredParameter where the
/// field list says so.
template <HasFields Request>
Expected<Request> read_json(std::string_view body) {
  ReadErrors errors;
  const JsonDocument document(body, errors);
  Request request;
  JsonReader reader(document.object(), errors);
  Request::fields(request, reader);
  if (const ApiError* error = errors.first()) return *error;
  return request;
}

/// Writes a struct of api/ as a JSON object, as its field list's visitor. Absent members are left
/// out, but for texts, lists and maps that are `always` required: these are written empty.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  template <class T>
  void operator()(const api::Field& field, const T& member) {
    constexpr bool kCanBeEmpty = requires {
      member.empty();
    };
    const bool wanted = kCanBeEmpty && field.required == api::Required::always;
    if (is_absent(member) && !wanted) return;
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += field.json;  // names of our own, without anything to escape
    out_ += "\":";
    write(member);
  }

  void write(std::string_view text) { append_json_string(out_, text); }
  void write(bool flag) { out_ += flag ? "true" : "false"; }
  void write(std::int64_t number) { write_number(number); }
  void write(double number) { write_number(number); }
  void write(const Md5Digest& digest) {
    out_ += '"';
    append_hex(out_, digest);
    out_ += '"';
  }
  void write(const api::UuidText& id) {
    out_ += '"';
    append_uuid_text(out_, id.bytes);
    out_ += '"';
  }

  /// In a list, the place of what is not there is kept.
  template <class T>
  void write(const std::optional<T>& member) {
    if (member) {
      write(*member);
    } else {
      out_ += "null";
    }
  }

  template <class T>
  void write(const std::vector<T>& list) {
    out_ += '[';
    bool first = true;
    for (const T& element : list) {
      if (!std::exchange(first, false)) out_ += ',';
      write(element);
    }
    out_ += ']';
  }

  template <class Key, class Text>
  void write(const std::vector<std::pair<Key, Text>>& map) {
    out_ += '{';
    bool first = true;
    for (const auto& [key, text] : map) {
      if (!std::exchange(first, false)) out_ += ',';
      append_json_string(out_, key);
      out_ += ':';
      write(std::string_view(text));
    }
    out_ += '}';
  }

  void write(const std::vector<MessageAttributeView>& attributes);

  /// The value of a message attribute, apart from its name.
  void write_value(const MessageAttributeView& attribute);

  template <HasFields T>
  void write(const T& structure) {
    out_ += '{';
    JsonWriter inner(out_);
    T::fields(structure, inner);
    out_ += '}';
  }

 private:
  void write_number(auto number) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out_.append(digits.data(), end);
  }

  std::string& out_;
  bool first_ = true;
};

/// Appends `value` as a JSON object.
template <HasFields T>
void write_json(std::string& out, const T& value) {
  JsonWriter(out).write(value);
}

}  // namespace millrace::wire
