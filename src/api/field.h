// How a member of a request or response is called on the wire, and the few value types that several
// actions share.
//
// Every request and response in api/ is a plain struct with ONE list of its members:
//
//   static void fields(auto& self, auto& visit) {
//     visit({"QueueUrl"}, self.queue_url);
//     visit({"Entries", "SendMessageBatchRequestEntry"}, self.entries);  // second name: Query only
//   }
//
// wire/ walks it to read and write both protocols; `self` may be const. The order is the order of
// the elements in a Query (XML) reply. What a member's type means on the wire:
//
//   std::string, std::string_view            text; empty = absent
//   std::optional<std::string>               text; an empty one differs from none
//   std::optional<std::int64_t>              integer, unchecked: ranges are the service's to judge
//   std::optional<Md5Digest>, UuidText       replies only: hex, and a UUID's text
//   bool, double                             as in JSON; an optional bool in requests of JSON only
//   std::vector<std::string>                 list; flattened in Query: <name>.N
//   std::vector<struct with fields()>        list; flattened in Query: <name>.N.<member>
//   TextMap                                  map; flattened in Query: <name>.N.Name, <name>.N.Value
//   std::vector<MessageAttributeInput>       map of message attributes (requests)
//   std::vector<MessageAttributeView>        the same (replies)
//
// Request and reply values belong to whoever holds them; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/message.h"

namespace millrace::api {

/// Who reports that a member is missing. `service`: the action itself, since the answer depends on
/// more than the name. `query`: wire/ in the Query protocol only. `always`: wire/ in both; of a
/// reply in JSON, the member is there even if it is empty.
enum class Required { service, query, always };

/// The names of one member.
struct Field {
  std::string_view json;
  std::string_view query = {};        // where it differs; for lists and maps the name before ".N"
  std::string_view map_key = "Name";  // Query, maps only: the name after ".N." of a key
  Required required = Required::service;
  std::string_view missing = {};     // what a missing-parameter error calls it, where it differs
  std::string_view query_also = {};  // a second name that Query requests may use

  constexpr std::string_view query_name() const { return query.empty() ? json : query; }
  constexpr std::string_view missing_name() const { return missing.empty() ? json : missing; }
};

/// The member that nearly every request starts with. Missing, it is a missing parameter in Query
/// (where the path may name the queue, too) and an unknown queue in JSON.
inline constexpr Field kQueueUrl{.json = "QueueUrl", .required = Required::query};

/// Queue attributes or tags, in the order in which they were sent.
using TextMap = std::vector<std::pair<std::string, std::string>>;

/// A message attribute as a request gives it, nothing checked yet.
struct MessageAttributeInput {
  std::string name;
  std::string data_type;                    // empty: not given
  std::optional<std::string> string_value;  // StringValue
  std::optional<std::string> binary_value;  // BinaryValue, its raw bytes
  bool has_list_values = false;             // StringListValues or BinaryListValues was not empty

  friend bool operator==(const MessageAttributeInput&, const MessageAttributeInput&) = default;
};

/// An id that goes out as the text of a UUID.
struct UuidText {
  MessageId bytes{};

  friend bool operator==(const UuidText&, const UuidText&) = default;
};

/// The reply of an action that has nothing to say.
struct NoOutput {
  static void fields(auto&, auto&) {}
};

/// One failed entry of a batch.
struct BatchResultErrorEntry {
  std::string id;
  bool sender_fault = true;
  std::string code;  // a QUERY code, in both protocols
  std::string message;

  static BatchResultErrorEntry from(std::string id, const ApiError& error) {
    return {std::move(id), error.row().fault == Fault::sender, std::string(error.row().query_code),
            error.message()};
  }

  static void fields(auto& self, auto& visit) {
    visit({"Id"}, self.id);
    visit({"SenderFault"}, self.sender_fault);
    visit({"Code"}, self.code);
    visit({"Message"}, self.message);
  }
};

/// One successful entry of a batch that has nothing more to say.
struct BatchResultEntry {
  std::string id;

  static void fields(auto& self, auto& visit) { visit({"Id"}, self.id); }
};

}  // namespace millrace::api
