// What the readers and writers of both protocols share: when a member counts as absent, which types
// have a field list, and the errors of a request being read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/field.h"
#include "base/error.h"

namespace millrace::wire {

/// A visitor that does nothing; it names the shape of one in HasFields.
struct NoVisit {
  void operator()(const api::Field&, const auto&) {}
};

/// A type of api/ with a field list.
template <class T>
concept HasFields = requires(const T& value, NoVisit& visit) {
  T::fields(value, visit);
};

/// Whether a member is left out of a reply, and missing from a request: an optional without value,
/// an empty text, list or map.
template <class T>
bool is_absent(const T& member) {
  if constexpr (requires { member.has_value(); }) {
    return !member.has_value();
  } else if constexpr (requires { member.empty(); }) {
    return member.empty();
  } else {
    return false;
  }
}

/// The first errors met while a request is read. One that cannot be read at all is reported before
/// one that lacks a member.
struct ReadErrors {
  std::optional<ApiError> malformed;
  std::optional<ApiError> missing;

  /// Notes a SerializationException with this text unless there is one already.
  void refuse(std::string text) {
    if (!malformed) malformed.emplace(ErrorCode::serialization, std::move(text));
  }
  void note_missing(const api::Field& field) {
    if (!missing) missing = missing_parameter(field.missing_name());
  }
  /// The error to answer with, or null.
  const ApiError* first() const {
    if (malformed) return &*malformed;
    return missing ? &*missing : nullptr;
  }
};

/// Bytes that both protocols carry as base64.
struct Blob {
  std::optional<std::string> bytes;
};

/// The value of a message attribute in a request, apart from its name.
struct AttributeValue {
  std::string data_type;
  std::optional<std::string> string_value;
  Blob binary_value;
  std::vector<std::string> string_list_values;
  std::vector<std::string> binary_list_values;

  static void fields(auto& self, auto& visit) {
    visit({"DataType"}, self.data_type);
    visit({"StringValue"}, self.string_value);
    visit({"BinaryValue"}, self.binary_value);
    visit({"StringListValues", "StringListValue"}, self.string_list_values);
    visit({"BinaryListValues", "BinaryListValue"}, self.binary_list_values);
  }

  /// Moves the value into a message attribute called `name`.
  api::MessageAttributeInput into_attribute(std::string name) {
    return {std::move(name), std::move(data_type), std::move(string_value),
            std::move(binary_value.bytes),
            !string_list_values.empty() || !binary_list_values.empty()};
  }
};

inline constexpr std::string_view kNoInteger = "STRING_VALUE can not be converted to an Integer";
inline constexpr std::string_view kNoBase64 = "Blob could not be decoded: it is not valid base64.";

}  // namespace millrace::wire
