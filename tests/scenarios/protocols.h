// One request and its reply in a form of their own, JSON objects named as in AWS JSON, and how they
// travel in each of the two protocols. Walks the field lists of api/, so a new action is one row.
//
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "base/http_message.h"

namespace millrace::scenarios {

enum class Protocol { json, query };

/// A request ready for the pipeline: the texts that an HttpRequest views.
struct WrittenRequest {
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// What came back, whichever protocol carried it.
struct ReadReply {
  unsigned status = 0;
  boost::json::value value;  // of a success; an object
  std::string code;          // of an error: its Query code
  std::string message;       // of an error, as the JSON protocol words it
};

/// Writes the request `action` with the members `request`. CHECKs that the action exists.
WrittenRequest write_request(Protocol protocol, std::string_view action,
                             const boost::json::object& request);

/// Reads the reply to `action`. CHECKs that it is well-formed.
ReadReply read_reply(Protocol protocol, std::string_view action, const HttpResponse& response);

}  // namespace millrace::scenarios
