// A scenario: a text file of requests with the answers that they must get.
//
//   # A comment.
//   SendMessage {"QueueUrl": "q", "MessageBody": "hello"}
//     {"MessageId": "$id", "MD5OfMessageBody": "5d41402abc4b2a76b9719d911017c592"}
//   advance 30s
//   DeleteMessage {"QueueUrl": "q", "ReceiptHandle": "nonsense"}
//     error 404 ReceiptHandleIsInvalid: The input receipt handle "nonsense" is not a valid …
//
// A request and its answer are written as in AWS JSON; the answer is indented and may take several
// lines, and so may a request whose further lines begin with "|". In an answer, "*" is any text,
// and "$name" is any text the first time and that same text from then on, in requests, too. An
// answer has exactly the members that are written. Further lines:
//
//   advance <count><ms|s|m|h|d>      moves the clock
//   as <access key>                  who sends the requests that follow
//   start <name> <request>           sends a request without waiting for its answer
//   waits <name>                     it has not been answered yet
//   finish <name>                    it has been answered; the answer follows, indented
//   hang up <name>                   its client goes away
//   restart                          the server stops in good order and starts again
//
// Values; read once, run by scenario_test.cc.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/clock.h"
#include "scenarios/protocols.h"

namespace millrace::scenarios {

/// One line, or one request with its answer.
struct Step {
  enum class Kind { request, advance, as, start, waits, finish, hang_up, restart };

  std::size_t line = 0;
  Kind kind = Kind::request;
  std::string name;     // start, waits, finish, hang_up: which; as: the access key
  std::string action;   // request, start, finish
  std::string request;  // request, start: JSON
  std::string answer;   // request, finish: JSON, or "error …"
  Milliseconds advance = 0;
};

/// Reads a scenario. Throws std::runtime_error with the line on a mistake in the file.
std::vector<Step> read_scenario(std::string_view text);

/// The values of the "$name"s met so far.
using Bindings = std::map<std::string, std::string>;

/// `text` with each bound "$name" in it replaced by its value, JSON-escaped.
std::string with_bindings(std::string_view text, const Bindings& bindings);

/// Compares a reply with the answer written for it, binding the names that are new.
/// @return what differs, or nothing.
std::string difference(std::string_view answer, const ReadReply& reply, Bindings& bindings);

}  // namespace millrace::scenarios
