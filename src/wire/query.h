// AWS Query: parameters from the query string and a form body read, and XML replies written, by the
// field lists of api/.
//
// Lists and maps are flattened into the parameters' names: "Tag.1.Key", "AttributeName.2". Indexes
// start at 1 but any are taken in rising order, gaps included. Pure; any thread.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/field.h"
#include "base/encoding.h"
#include "base/error.h"
#include "wire/members.h"
#include "wire/text.h"

namespace millrace::wire {

/// The decoded parameters of one request, ordered by name. Holds the decoded text itself.
class FormParameters {
 public:
  /// Decodes `query` (what follows '?') and `body` (a form body, or nothing). Where a name is given
  /// more than once the first counts, and `query` comes before `body`.
  /// @return SerializationException for a bad escape, text that is not UTF-8, or more than
  /// kParametersMax parameters.
  static Expected<FormParameters> parse(std::string_view query, std::string_view body);

  /// The value of the parameter called exactly `name`.
  std::optional<std::string_view> find(std::string_view name) const;

  /// The elements of the flattened list or map `name`: the distinct "<name>.<digits>" that some
  /// parameter is called or starts with, by rising number. Views into this object.
  std::vector<std::string_view> elements(std::string_view name) const;

  /// Ten entries of ten attributes have some 600.
  static constexpr std::size_t kParametersMax = 4096;

 private:
  struct Parameter {
    std::string_view name;
    std::string_view value;
  };

  std::unique_ptr<char[]> text_;  // what the views point into
  std::vector<Parameter> parameters_;
};

/// Reads the parameters below one prefix into a struct of api/, as its field list's visitor.
class QueryReader {
 public:
  /// @param prefix empty, or the element that the members belong to, such as "Entry.1"
  /// @param queue_path names the queue where QueueUrl is not given; empty if the request has none
  /// `parameters`, `queue_path` and `errors` must outlive the reader.
  QueryReader(const FormParameters& parameters, std::string_view prefix,
              std::string_view queue_path, ReadErrors& errors)
      : parameters_(parameters), queue_path_(queue_path), errors_(errors) {
    if (!prefix.empty()) name_.append(prefix).append(1, '.');
    prefix_length_ = name_.size();
  }

  template <class T>
  void operator()(const api::Field& field, T& member) {
    if (errors_.malformed) return;
    read_called(field.query_name(), field, member);
    if (!field.query_also.empty() && is_absent(member)) {
      read_called(field.query_also, field, member);
    }
    if (field.required == api::Required::service) return;
    if constexpr (std::is_same_v<T, std::string>) {
      if (field.required == api::Required::query && member.empty()) member = queue_path_;
    }
    if (is_absent(member)) errors_.note_missing(field);
  }

 private:
  template <class T>
  void read_called(std::string_view name, const api::Field& field, T& member) {
    name_.resize(prefix_length_);
    name_ += name;
    if constexpr (std::is_same_v<T, api::TextMap>) {
      read_map(member, field.map_key);
    } else {
      read(member);
    }
  }

  // Each reads the parameter, or the parameters below, name_.
  void read(std::string& text);
  void read(std::optional<std::string>& text);
  void read(std::int64_t& number);
  void read(std::optional<std::int64_t>& number);
  void read(bool& flag);
  void read(Blob& blob);
  void read(std::vector<std::string>& list);
  void read(std::vector<api::MessageAttributeInput>& attributes);
  void read_map(api::TextMap& map, std::string_view key_name);

  template <HasFields T>
  void read(T& structure) {
    read_below(name_, structure);
  }

  template <HasFields T>
  void read(std::vector<T>& list) {
    for (const std::string_view element : parameters_.elements(name_)) {
      read_below(element, list.emplace_back());
    }
  }

  template <HasFields T>
  void read_below(std::string_view prefix, T& structure) {
    QueryReader inner(parameters_, prefix, {}, errors_);
    T::fields(structure, inner);
  }

  const FormParameters& parameters_;
  std::string_view queue_path_;
  ReadErrors& errors_;
  std::string name_;  // the prefix, and then the member being read
  std::size_t prefix_length_ = 0;
};

/// Reads a request. @return it, or MalformedInput, or MissingParameter where the field list says
/// so.
template <HasFields Request>
Expected<Request> read_query(const FormParameters& parameters, std::string_view queue_path) {
  ReadErrors errors;
  Request request;
  QueryReader reader(parameters, {}, queue_path, errors);
  Request::fields(request, reader);
  if (const ApiError* error = errors.first()) return *error;
  return request;
}

/// Appends "<name>" and "</name>".
void open_element(std::string& out, std::string_view name);
void close_element(std::string& out, std::string_view name);

/// Writes a struct of api/ as XML elements, as its field list's visitor. Absent members are left
/// out; the elements of lists and maps stand beside the others, flattened.
class XmlWriter {
 public:
  explicit XmlWriter(std::string& out) : out_(out) {}

  template <class T>
  void operator()(const api::Field& field, const T& member) {
    if (!is_absent(member)) write(field, member);
  }

 private:
  using Field = api::Field;

  void write(const Field& field, std::string_view text) {
    element(field.query_name(), [&] { append_xml_text(out_, text); });
  }
  void write(const Field& field, bool flag) {
    element(field.query_name(), [&] { out_ += flag ? "true" : "false"; });
  }
  void write(const Field& field, std::int64_t number) { write_number(field, number); }
  void write(const Field& field, double number) { write_number(field, number); }
  void write(const Field& field, const Md5Digest& digest) {
    element(field.query_name(), [&] { append_hex(out_, digest); });
  }
  void write(const Field& field, const api::UuidText& id) {
    element(field.query_name(), [&] { append_uuid_text(out_, id.bytes); });
  }

  template <class T>
  void write(const Field& field, const std::optional<T>& member) {
    write(field, *member);
  }

  template <class T>
  void write(const Field& field, const std::vector<T>& list) {
    for (const T& one : list) write(field, one);
  }

  template <class Key, class Text>
  void write(const Field& field, const std::pair<Key, Text>& entry) {
    element(field.query_name(), [&] {
      element(field.map_key, [&] { append_xml_text(out_, entry.first); });
      element("Value", [&] { append_xml_text(out_, entry.second); });
    });
  }

  void write(const Field& field, const MessageAttributeView& attribute);

  template <HasFields T>
  void write(const Field& field, const T& structure) {
    element(field.query_name(), [&] {
      XmlWriter inner(out_);
      T::fields(structure, inner);
    });
  }

  void element(std::string_view name, auto&& write_content) {
    open_element(out_, name);
    write_content();
    close_element(out_, name);
  }

  void write_number(const Field& field, auto number) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    element(field.query_name(), [&] { out_.append(digits.data(), end); });
  }

  std::string& out_;
};

inline constexpr std::string_view kXmlHead = "<?xml version=\"1.0\"?>";
inline constexpr std::string_view kXmlNamespace =
    " xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">";

/// Appends the reply of `action`: <ActionResponse>, in it <ActionResult> with the members of
/// `value` unless it has none to write, and the request's id.
template <HasFields Response>
void write_xml(std::string& out, std::string_view action, const Response& value,
               std::string_view request_id) {
  out.append(kXmlHead).append("<").append(action).append("Response").append(kXmlNamespace);
  if constexpr (!std::is_empty_v<Response>) {
    const std::size_t start = out.size();
    out.append("<").append(action).append("Result>");
    const std::size_t content = out.size();
    XmlWriter writer(out);
    Response::fields(value, writer);
    if (out.size() == content) {
      out.resize(start);
      out.append("<").append(action).append("Result/>");
    } else {
      out.append("</").append(action).append("Result>");
    }
  }
  out.append("<ResponseMetadata><RequestId>").append(request_id);
  out.append("</RequestId></ResponseMetadata></").append(action).append("Response>");
}

}  // namespace millrace::wire
