#include "server/request_logs.h"

#include "server/authenticator.h"

namespace millrace {

namespace {

std::string_view code_of(const Expected<void>& outcome) {
  return outcome ? std::string_view() : outcome.error().row().query_code;
}

}  // namespace

void RequestLogs::write(const HttpRequest& request, const HttpResponse& response,
                        std::string_view request_id, std::string_view source,
                        const RequestRecord& record, const Expected<void>& outcome) const {
  const Caller* const caller = record.caller.get();
  if (access != nullptr) {
    AccessEntry entry;
    entry.request_id = request_id;
    entry.source = source;
    if (caller != nullptr && !caller->anonymous()) {
      entry.account = caller->account.text();
      entry.user = caller->user;
      entry.access_key = caller->access_key;
    }
    entry.action = record.action;
    entry.resource = record.notes.resource;
    entry.status = response.status;
    entry.error = code_of(outcome);
    entry.bytes_in = request.body.size();
    entry.bytes_out = response.content().size();
    entry.duration = record.watch ? record.watch->microseconds() : 0;
    access->write(entry);
  }
  // Before it is known who asks there is nothing to be audited but the attempt.
  if (audit == nullptr || (caller == nullptr && !record.authentication_failed)) return;
  AuditEntry entry;
  entry.act = record.action;
  const bool denied = record.authentication_failed || record.notes.denied;
  entry.decision = denied    ? AuditDecision::denied
                   : outcome ? AuditDecision::allowed
                             : AuditDecision::failed;
  // A denial that is told as something else is still one.
  entry.reason =
      record.notes.denied ? error_row(ErrorCode::access_denied).query_code : code_of(outcome);
  if (caller == nullptr) {
    entry.access_key = claimed_access_key(request);
  } else if (!caller->anonymous()) {
    entry.account = caller->account.text();
    entry.user = caller->user;
    entry.access_key = caller->access_key;
  }
  entry.source = source;
  entry.user_agent = request.field("user-agent");
  entry.resource = record.notes.resource;
  entry.request_id = request_id;
  audit->write(entry);
}

void RequestLogs::write_refused(std::string_view source, unsigned status) const {
  if (access == nullptr) return;
  AccessEntry entry;
  entry.source = source;
  entry.status = status;
  access->write(entry);
}

}  // namespace millrace
