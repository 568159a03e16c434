#include "observe/audit_log.h"

#include <algorithm>

#include "base/check.h"
#include "observe/json_line.h"

namespace millrace {

namespace {

using enum AuditWhen;

constexpr std::string_view kGap = "LinesDropped";

// THE TABLE OF AUDITED ACTS, sorted.
constexpr AuditRow kActs[] = {
    {"AddPermission", always},
    {"CancelMessageMoveTask", always},
    {"CertificateReloaded", always},  // SIGHUP; failed: the old one stays in force
    {"ChangeMessageVisibility", denied},
    {"ChangeMessageVisibilityBatch", denied},
    {"ConsoleSignIn", always},    // POST /console/api/session
    {"ConsoleSignOut", always},   // DELETE /console/api/session
    {"CreateAccessKey", always},  // millrace keys create, or in the console
    {"CreateQueue", always},
    {"CredentialsReloaded", always},  // SIGHUP; failed: the old ones stay in force
    {"DeleteAccessKey", always},      // millrace keys delete, or in the console
    {"DeleteMessage", denied},
    {"DeleteMessageBatch", denied},
    {"DeleteQueue", always},
    {"DescribeQueue", denied},
    {"DevelopmentModeStarted", always},
    {"DisableAccessKey", always},  // millrace keys disable
    {"EnableAccessKey", always},   // millrace keys enable
    {"GetQueueAttributes", denied},
    {"GetQueueUrl", denied},
    {"KeyringReloaded", always},  // SIGHUP; failed: the old one stays in force
    {kGap, always},               // the queue was full; the detail says how many
    {"ListAccessKeys", denied},
    {"ListDeadLetterSourceQueues", denied},
    {"ListMessageMoveTasks", denied},
    {"ListQueueTags", denied},
    {"ListQueues", denied},
    {"ListSessions", denied},
    {"LogsReopened", always},  // SIGHUP
    {"PurgeQueue", always},
    {"ReceiveMessage", denied},
    {"RemovePermission", always},
    {"RevokeSession", always},
    {"RotateAccessKey", always},  // millrace keys rotate
    {"SendMessage", denied},
    {"SendMessageBatch", denied},
    {"ServerStarted", always},
    {"ServerStopped", always},
    {"ServerStopping", always},
    {"SetQueueAttributes", always},
    {"StartMessageMoveTask", always},
    {"TagQueue", always},
    {"TestPolicy", denied},
    {"UntagQueue", always},
    {"UpdateAccessKey", always},
};

static_assert(std::ranges::is_sorted(kActs, {}, &AuditRow::act));

std::string_view name_of(AuditDecision decision) {
  switch (decision) {
    case AuditDecision::allowed:
      return "allowed";
    case AuditDecision::denied:
      return "denied";
    case AuditDecision::failed:
      break;
  }
  return "failed";
}

std::string line_of(const AuditEntry& entry, Timestamp time) {
  JsonLine line(time);
  line.add("act", entry.act)
      .add("decision", name_of(entry.decision))
      .add("reason", entry.reason)
      .add("account", entry.account)
      .add("user", entry.user)
      .add("access_key", entry.access_key)
      .add("source", entry.source)
      .add("user_agent", entry.user_agent)
      .add("resource", entry.resource)
      .add("request_id", entry.request_id)
      .add("detail", entry.detail);
  return line.take();
}

std::string gap_line(std::uint64_t dropped, Timestamp time) {
  const std::string detail = std::to_string(dropped) + " lines are missing before this one";
  AuditEntry entry;
  entry.act = kGap;
  entry.decision = AuditDecision::failed;
  entry.detail = detail;
  return line_of(entry, time);
}

}  // namespace

std::span<const AuditRow> audited_acts() {
  return kActs;
}

boost::system::result<std::unique_ptr<AuditLog>> AuditLog::open(const LogFileOptions& options,
                                                                const Clock& clock) {
  LineFileOptions file{options};
  file.gap_line = [&clock](std::uint64_t dropped) { return gap_line(dropped, clock.now()); };
  auto opened = LineFile::open(std::move(file));
  if (!opened) return opened.error();
  return std::unique_ptr<AuditLog>(new AuditLog(std::move(*opened), clock));
}

void AuditLog::write(const AuditEntry& entry) {
  const auto* const row = std::ranges::lower_bound(kActs, entry.act, {}, &AuditRow::act);
  CHECK(row != std::end(kActs) && row->act == entry.act);
  const bool refusal = entry.decision == AuditDecision::denied;
  if (row->when == denied && !refusal) return;
  const std::string line = line_of(entry, clock_.now());
  if (refusal) {
    file_->write(line);
  } else {
    file_->write_first(line);
  }
}

}  // namespace millrace
