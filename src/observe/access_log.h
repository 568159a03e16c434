// AccessLog: one JSON line for every request, whatever becomes of it. Never a message's body, a
// secret or a signature.
//
// Nobody waits for the file (line_file.h). Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <boost/system/result.hpp>

#include "base/clock.h"
#include "observe/audit_log.h"
#include "observe/line_file.h"

namespace millrace {

/// One line. What is not known stays empty. The line has all members, always in this order, behind
/// the time, which is that of the answer.
struct AccessEntry {
  std::string_view request_id;
  std::string_view source;      // address
  std::string_view account;     // of who asked, as the next two
  std::string_view user;        // "root", or a user's name
  std::string_view access_key;  // its id
  std::string_view action;      // as in "SendMessage"; empty if the request never got so far
  std::string_view resource;    // ARN of the queue
  unsigned status = 0;          // of HTTP
  std::string_view error;       // an error's code, as in "AccessDenied"
  std::size_t bytes_in = 0;     // of the request's body
  std::size_t bytes_out = 0;    // of the reply's
  std::int64_t duration = 0;    // in microseconds: from the whole request to its reply
};

class AccessLog {
 public:
  /// @param clock of the lines' times; outlives the log. @return an error of the system.
  static boost::system::result<std::unique_ptr<AccessLog>> open(const LogFileOptions& options,
                                                                const Clock& clock);

  void write(const AccessEntry& entry);

  /// LineFile::reopen().
  boost::system::result<void> reopen() { return file_->reopen(); }

 private:
  AccessLog(std::unique_ptr<LineFile> file, const Clock& clock)
      : file_(std::move(file)), clock_(clock) {}

  const std::unique_ptr<LineFile> file_;
  const Clock& clock_;
};

}  // namespace millrace
