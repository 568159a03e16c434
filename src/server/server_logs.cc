#include "server/server_logs.h"

#include <utility>

#include "observe/log.h"

namespace millrace {

StartResult<std::shared_ptr<const ServerLogs>> ServerLogs::open(const ServeOptions& options) {
  const auto refused = [](const std::string& path, const boost::system::error_code& error) {
    return StartError("cannot open the log " + path + ": " + error.message());
  };
  const LogFileOptions audit = options.audit_log_file();
  const LogFileOptions access = options.access_log_file();
  std::shared_ptr<ServerLogs> logs(new ServerLogs(audit.path, access.path));
  if (!audit.path.empty()) {
    auto opened = AuditLog::open(audit, logs->clock_);
    if (!opened) return refused(audit.path, opened.error());
    logs->audit_ = std::move(*opened);
  }
  if (!access.path.empty()) {
    auto opened = AccessLog::open(access, logs->clock_);
    if (!opened) return refused(access.path, opened.error());
    logs->access_ = std::move(*opened);
  }
  return std::shared_ptr<const ServerLogs>(std::move(logs));
}

void ServerLogs::tell(std::string_view act, AuditDecision decision, std::string_view detail) const {
  if (audit_ == nullptr) return;
  AuditEntry entry;
  entry.act = act;
  entry.decision = decision;
  entry.detail = detail;
  audit_->write(entry);
}

void ServerLogs::reopen() const {
  const auto reopen = [this](auto& log, const std::string& path) {
    if (log == nullptr) return;
    const boost::system::result<void> opened = log->reopen();
    if (!opened) {
      log_error("cannot open a log again; the old file is kept",
                {{"file", path}, {"cause", opened.error().message()}});
    }
    tell("LogsReopened", opened ? AuditDecision::allowed : AuditDecision::failed, path);
  };
  reopen(audit_, audit_path_);
  reopen(access_, access_path_);
}

}  // namespace millrace
