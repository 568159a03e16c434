// ServerLogs: the audit and access logs of a server, and what the audit log is told of the server
// itself.
//
// Opened before all else, so that a start that fails can be told, too. Shared by whoever starts the
// server and the server. Any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "observe/access_log.h"
#include "observe/audit_log.h"
#include "server/config.h"
#include "server/start_error.h"

namespace millrace {

class ServerLogs {
 public:
  /// Opens the logs that `options` name. A server that cannot tell what it does, though it should,
  /// does nothing: @return a StartError when one of them cannot be opened.
  static StartResult<std::shared_ptr<const ServerLogs>> open(const ServeOptions& options);
  ServerLogs(const ServerLogs&) = delete;
  ServerLogs& operator=(const ServerLogs&) = delete;

  AuditLog* audit() const { return audit_.get(); }     // null: none is wanted
  AccessLog* access() const { return access_.get(); }  // likewise
  bool wanted() const { return audit_ != nullptr || access_ != nullptr; }

  /// Tells the audit log of an act of the server itself, or of who runs it.
  void tell(std::string_view act, AuditDecision decision, std::string_view detail) const;

  /// Opens the files again, for logrotate and the like, which rename a file and expect that it is
  /// let go.
  void reopen() const;

 private:
  ServerLogs(std::string audit_path, std::string access_path)
      : audit_path_(std::move(audit_path)), access_path_(std::move(access_path)) {}

  const SystemClock clock_;  // of the lines; no test moves it
  const std::string audit_path_;
  const std::string access_path_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<AccessLog> access_;
};

}  // namespace millrace
