// A Query reply rendered as JSON, which a GET with "Accept: application/json" gets: the members of
// the XML, with lists of entries where the JSON protocol has maps, and null for what is absent.
//
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/field.h"
#include "wire/json.h"
#include "wire/members.h"

namespace millrace::wire {

/// Writes a struct of api/, as its field list's visitor.
class QueryJsonWriter {
 public:
  explicit QueryJsonWriter(std::string& out) : out_(out), plain_(out) {}

  template <HasFields T>
  void write(const T& structure) {
    out_ += '{';
    QueryJsonWriter inner(out_);
    T::fields(structure, inner);
    out_ += '}';
  }

  template <class T>
  void operator()(const api::Field& field, const T& member) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += name_of(field);
    out_ += "\":";
    if (is_absent(member)) {
      out_ += "null";
    } else {
      write_member(field, member);
    }
  }

 private:
  // This form has kept two of the older names.
  static std::string_view name_of(const api::Field& field) {
    if (field.json == "Messages") return "messages";
    if (field.json == "QueueUrls") return "queueUrls";
    return field.json;
  }

  template <class T>
  void write_member(const api::Field&, const T& member) {
    plain_.write(member);
  }

  template <HasFields T>
  void write_member(const api::Field&, const std::vector<T>& list) {
    write_list(list, [this](const T& element) { write(element); });
  }

  template <class Key, class Text>
  void write_member(const api::Field& field, const std::vector<std::pair<Key, Text>>& map) {
    write_list(map, [&](const std::pair<Key, Text>& entry) {
      out_.append("{\"").append(field.map_key).append("\":");
      plain_.write(std::string_view(entry.first));
      out_ += ",\"Value\":";
      plain_.write(std::string_view(entry.second));
      out_ += '}';
    });
  }

  void write_member(const api::Field&, const std::vector<MessageAttributeView>& attributes) {
    write_list(attributes, [this](const MessageAttributeView& attribute) {
      out_ += "{\"Name\":";
      plain_.write(attribute.name);
      out_ += ",\"Value\":";
      plain_.write_value(attribute);
      out_ += '}';
    });
  }

  template <class List, class Write>
  void write_list(const List& list, const Write& write_element) {
    char before = '[';
    for (const auto& element : list) {
      out_ += std::exchange(before, ',');
      write_element(element);
    }
    out_ += ']';
  }

  std::string& out_;
  JsonWriter plain_;  // for what looks as in the JSON protocol
  bool first_ = true;
};

}  // namespace millrace::wire
