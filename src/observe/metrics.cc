#include "observe/metrics.h"

#include <algorithm>

namespace millrace {

RequestMetrics::RequestMetrics(std::size_t actions)
    : outcomes_((actions + 1) * kOutcomes), durations_(actions + 1) {}

// --- sums ----------------------------------------------------------------------------------------

std::uint64_t MetricsValues::requests_answered() const {
  std::uint64_t answered = 0;
  for (const Requests& some : requests) answered += some.count;
  return answered;
}

std::uint64_t MetricsValues::requests_failed() const {
  std::uint64_t failed = 0;
  for (const Requests& some : requests) failed += some.code.empty() ? 0 : some.count;
  return failed;
}

Durations MetricsValues::durations_without_waiting() const {
  Durations all;
  for (const ActionDurations& one : request_durations) {
    if (one.action != "ReceiveMessage") all += one.durations;
  }
  return all;
}

// --- Metrics -------------------------------------------------------------------------------------

Metrics::Metrics(const MetricsOptions& options) : actions_(options.actions) {
  for (std::size_t core = 0; core < options.cores; ++core) {
    cores_.push_back(std::unique_ptr<Core>(new Core{{}, RequestMetrics(actions_.size())}));
  }
  for (std::size_t shard = 0; shard < options.shards; ++shard) {
    shards_.push_back(std::make_unique<ShardMetrics>());
  }
}

MetricsValues Metrics::values() const {
  MetricsValues values;
  for (std::size_t action = 0; action <= actions_.size(); ++action) add_requests(action, values);
  for (const std::unique_ptr<Core>& core : cores_) {
    const HttpMetrics& http = core->http;
    values.http.connections += http.connections.value();
    values.http.connections_opened += http.connections_opened.value();
    values.http.connections_refused += http.connections_refused.value();
    values.http.handshakes += http.handshakes.value();
    values.http.handshakes_failed += http.handshakes_failed.value();
    values.http.requests_refused += http.requests_refused.value();
    values.http.bytes_in += http.bytes_in.value();
    values.http.bytes_out += http.bytes_out.value();
  }
  MetricsValues::Shards& sum = values.shards;
  sum.disk_available_bytes = UINT64_MAX;
  for (const std::unique_ptr<ShardMetrics>& shard : shards_) {
    sum.commits += shard->commits.value();
    sum.commit_bytes += shard->commit_bytes.value();
    sum.commit_durations += shard->commit_durations.values();
    sum.loads += shard->loads.value();
    sum.failures += shard->failures.value();
    sum.store_bytes += shard->store_bytes.value();
    sum.disk_available_bytes =
        std::min(sum.disk_available_bytes, shard->disk_available_bytes.value());
    sum.sends_refused += shard->sends_refused.value();
    sum.memory_bytes += shard->memory_bytes.value();
    sum.reply_bytes += shard->reply_bytes.value();
    sum.queues += shard->queues.value();
  }
  return values;
}

void Metrics::add_requests(std::size_t action, MetricsValues& values) const {
  const std::string_view name = action < actions_.size() ? actions_[action] : std::string_view();
  const auto add = [&](std::optional<ErrorCode> error) {
    std::uint64_t count = 0;
    for (const std::unique_ptr<Core>& core : cores_)
      count += core->requests.count_of(action, error);
    if (count == 0) return;
    values.requests.push_back({name, error ? error_row(*error).shape : std::string_view(), count});
  };
  add(std::nullopt);
  for (std::size_t code = 0; code < kErrorCodes; ++code) add(static_cast<ErrorCode>(code));
  Durations durations;
  for (const std::unique_ptr<Core>& core : cores_) durations += core->requests.durations_of(action);
  if (durations.count() > 0) values.request_durations.push_back({name, durations});
}

}  // namespace millrace
