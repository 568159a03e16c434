#include "observe/server_history.h"

namespace millrace {

ServerHistory::ServerHistory() {
  for (std::size_t step = 0; step < kHistorySteps; ++step) {
    rings_[step].points.set_capacity(kHistoryRings[step].points);
  }
}

void ServerHistory::record(const Metrics& metrics, std::uint64_t resident_bytes, Timestamp now) {
  const std::lock_guard lock(mutex_);
  const MetricsValues values = metrics.values();
  const Base current{.requests = values.requests_answered(),
                     .errors = values.requests_failed(),
                     .request_durations = values.durations_without_waiting(),
                     .commit_durations = values.shards.commit_durations};
  for (std::size_t step = 0; step < kHistorySteps; ++step) {
    Ring& ring = rings_[step];
    const std::int64_t period = now.milliseconds / kHistoryRings[step].length;
    if (ring.points.empty() || ring.points.back().period < period) {
      ring.base = latest_;
      ring.points.push_back({period, {}});
    }
    ServerPoint& point = ring.points.back().values;
    point.requests = current.requests - ring.base.requests;
    point.errors = current.errors - ring.base.errors;
    const Durations requests = current.request_durations.since(ring.base.request_durations);
    point.request_p50 = requests.quantile_milliseconds(0.5);
    point.request_p99 = requests.quantile_milliseconds(0.99);
    const Durations commits = current.commit_durations.since(ring.base.commit_durations);
    point.commit_p50 = commits.quantile_milliseconds(0.5);
    point.commit_p99 = commits.quantile_milliseconds(0.99);
    point.connections = values.http.connections;
    point.resident_bytes = resident_bytes;
    point.store_bytes = values.shards.store_bytes;
  }
  latest_ = current;
}

std::vector<std::optional<ServerPoint>> ServerHistory::points_of(const HistorySpan& span) const {
  std::vector<std::optional<ServerPoint>> told(span.count);
  const std::int64_t first = span.start.milliseconds / ring_of(span.step).length;
  const std::lock_guard lock(mutex_);
  for (const Point& point : rings_[static_cast<std::size_t>(span.step)].points) {
    const std::int64_t index = point.period - first;
    if (index < 0 || index >= static_cast<std::int64_t>(span.count)) continue;
    told[static_cast<std::size_t>(index)] = point.values;
  }
  return told;
}

}  // namespace millrace
