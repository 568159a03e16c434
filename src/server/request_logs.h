// RequestLogs: what the audit and access logs are told of requests.
//
// A plain value that refers to the logs, which outlive it. Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "auth/credentials.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/http_message.h"
#include "observe/access_log.h"
#include "observe/audit_log.h"
#include "service/request_notes.h"

namespace millrace {

/// What the pipeline finds out about a request on its way, where a log wants to know.
struct RequestRecord {
  std::optional<Stopwatch> watch;      // since the request was whole
  std::string_view action;             // once it is known
  std::size_t action_number = 0;       // of all actions; their count while it is not known
  bool authentication_failed = false;  // the request is signed, but not as it should be
  CallerPointer caller;                // null until it is known
  RequestNotes notes;
};

struct RequestLogs {
  AuditLog* audit = nullptr;    // null: there is none
  AccessLog* access = nullptr;  // likewise

  /// Whether there is any log: if not, nothing need be recorded.
  bool wanted() const { return audit != nullptr || access != nullptr; }

  /// Writes what is to be written of a request that is answered. @param source the client's
  /// address.
  void write(const HttpRequest& request, const HttpResponse& response, std::string_view request_id,
             std::string_view source, const RequestRecord& record,
             const Expected<void>& outcome) const;

  /// The same of one that never became a request.
  void write_refused(std::string_view source, unsigned status) const;
};

}  // namespace millrace
