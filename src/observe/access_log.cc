#include "observe/access_log.h"

#include <string>

#include "observe/json_line.h"

namespace millrace {

namespace {

// A busy server writes a line every few microseconds, and a disk may pause for a tenth of a second.
constexpr std::size_t kLinesMax = 16'384;

std::string lines_dropped(std::uint64_t dropped, Timestamp time) {
  return JsonLine(time).add("lines_dropped", static_cast<std::int64_t>(dropped)).take();
}

}  // namespace

boost::system::result<std::unique_ptr<AccessLog>> AccessLog::open(const LogFileOptions& options,
                                                                  const Clock& clock) {
  LineFileOptions file{options};
  file.lines_max = kLinesMax;
  file.lines_reserved = 0;
  file.gap_line = [&clock](std::uint64_t dropped) { return lines_dropped(dropped, clock.now()); };
  auto opened = LineFile::open(std::move(file));
  if (!opened) return opened.error();
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(*opened), clock));
}

void AccessLog::write(const AccessEntry& entry) {
  JsonLine line(clock_.now());
  line.add("request_id", entry.request_id)
      .add("source", entry.source)
      .add("account", entry.account)
      .add("user", entry.user)
      .add("access_key", entry.access_key)
      .add("action", entry.action)
      .add("resource", entry.resource)
      .add("status", static_cast<std::int64_t>(entry.status))
      .add("error", entry.error)
      .add("bytes_in", static_cast<std::int64_t>(entry.bytes_in))
      .add("bytes_out", static_cast<std::int64_t>(entry.bytes_out))
      .add("duration_us", entry.duration);
  file_->write(line.take());
}

}  // namespace millrace
