// AuditLog: one JSON line for every act that matters to security: who did what, from where, to
// what, and whether it was let happen.
//
// THE TABLE OF AUDITED ACTS is in audit_log.cc: what an administrator must be able to find out
// later is written always; what queues are there for, sending and receiving, only when it was
// denied. Never a message's body, a secret or a signature.
//
// Nobody waits for the file (line_file.h). A refusal, which anybody can cause, is given up before
// an act of somebody who was let in: half of the places are for those. Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "base/clock.h"
#include "observe/line_file.h"

namespace millrace {

enum class AuditDecision {
  allowed,  // and done
  denied,   // by the signature, a policy or the lack of them
  failed,   // let happen, but it did not: the reason tells
};

/// One line. What is not known stays empty. The line has all members, always in this order, behind
/// the time.
struct AuditEntry {
  std::string_view act;  // a row of the table
  AuditDecision decision = AuditDecision::allowed;
  std::string_view reason;      // an error's code, as in "SignatureDoesNotMatch"
  std::string_view account;     // of who asked, as the next two; proven, but for development mode
  std::string_view user;        // "root", or a user's name
  std::string_view access_key;  // its id; with a refused signature the one that was claimed
  std::string_view source;      // address
  std::string_view user_agent;
  std::string_view resource;  // ARN of a queue, id of an access key
  std::string_view request_id;
  std::string_view detail;  // for people
};

enum class AuditWhen { always, denied };

/// One row of the table of audited acts.
struct AuditRow {
  std::string_view act;
  AuditWhen when;
};

/// All rows, sorted by act. Those that are no action of SQS are acts of the server's administrator.
std::span<const AuditRow> audited_acts();

class AuditLog {
 public:
  /// @param clock of the lines' times; outlives the log. @return an error of the system.
  static boost::system::result<std::unique_ptr<AuditLog>> open(const LogFileOptions& options,
                                                               const Clock& clock);

  /// Writes the line, if the table says so. `entry.act` must be there.
  void write(const AuditEntry& entry);

  /// LineFile::reopen().
  boost::system::result<void> reopen() { return file_->reopen(); }

 private:
  AuditLog(std::unique_ptr<LineFile> file, const Clock& clock)
      : file_(std::move(file)), clock_(clock) {}

  const std::unique_ptr<LineFile> file_;
  const Clock& clock_;
};

}  // namespace millrace
