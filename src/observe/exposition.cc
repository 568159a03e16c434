#include "observe/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <initializer_list>
#include <sstream>
#include <utility>

namespace millrace {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

/// The samples of one metric.
class Samples {
 public:
  Samples(MetricType type, std::vector<ClientMetric>& samples) : type_(type), samples_(samples) {}

  using Labels = std::initializer_list<std::pair<const char*, std::string_view>>;

  void add(Labels labels, double value) {
    ClientMetric& sample = append(labels);
    (type_ == MetricType::Counter ? sample.counter.value : sample.gauge.value) = value;
  }
  void add(Labels labels, std::uint64_t value) { add(labels, static_cast<double>(value)); }

  // Every second bound is told: enough for a graph, and half the samples.
  void add(Labels labels, const Durations& durations) {
    auto& histogram = append(labels).histogram;
    histogram.sample_sum = static_cast<double>(durations.sum_microseconds) / 1e6;
    std::uint64_t below = 0;
    for (std::size_t bucket = 0; bucket < Durations::kBuckets; ++bucket) {
      below += durations.counts[bucket];
      if (bucket % 2 != 0 || bucket == Durations::kBuckets - 1) continue;
      histogram.bucket.push_back({below, static_cast<double>(Durations::bound_of(bucket)) / 1e6});
    }
    histogram.sample_count = below;
  }

 private:
  ClientMetric& append(Labels labels) {
    ClientMetric& sample = samples_.emplace_back();
    for (const auto& [name, value] : labels) sample.label.push_back({name, std::string(value)});
    return sample;
  }

  MetricType type_;
  std::vector<ClientMetric>& samples_;
};

using Collect = void (*)(const Scrape& scrape, Samples& samples);

/// One row of the table of metrics.
struct MetricRow {
  const char* name;
  MetricType type;
  const char* labels;  // as the documentation names them
  const char* help;
  Collect collect;
};

// --- where values come from ----------------------------------------------------------------------

std::string_view action_label(std::string_view action) {
  return action.empty() ? "unknown" : action;
}

void requests(const Scrape& scrape, Samples& samples) {
  for (const MetricsValues::Requests& some : scrape.values.requests) {
    samples.add(
        {{"action", action_label(some.action)}, {"code", some.code.empty() ? "OK" : some.code}},
        some.count);
  }
}

void request_durations(const Scrape& scrape, Samples& samples) {
  for (const MetricsValues::ActionDurations& one : scrape.values.request_durations) {
    samples.add({{"action", action_label(one.action)}}, one.durations);
  }
}

template <auto member>
void http(const Scrape& scrape, Samples& samples) {
  samples.add({}, scrape.values.http.*member);
}

template <auto member>
void shards(const Scrape& scrape, Samples& samples) {
  samples.add({}, scrape.values.shards.*member);
}

template <auto member>
void process(const Scrape& scrape, Samples& samples) {
  samples.add({}, scrape.process.*member);
}

template <auto member>
void all_traffic(const Scrape& scrape, Samples& samples) {
  samples.add({}, scrape.all.traffic.*member);
}

template <auto member>
void all_gauges(const Scrape& scrape, Samples& samples) {
  samples.add({}, scrape.all.gauges.*member);
}

template <class Value>
void each_queue(const Scrape& scrape, Samples& samples, Value value) {
  const auto add = [&](const Scrape::Queue& queue) {
    samples.add({{"account", queue.account}, {"queue", queue.name}}, value(queue.totals));
  };
  for (const Scrape::Queue& queue : scrape.queues) add(queue);
  if (scrape.others) add(*scrape.others);
}

template <auto member>
void queue_traffic(const Scrape& scrape, Samples& samples) {
  each_queue(scrape, samples, [](const QueueTotals& totals) { return totals.traffic.*member; });
}

template <auto member>
void queue_gauge(const Scrape& scrape, Samples& samples) {
  each_queue(scrape, samples, [](const QueueTotals& totals) { return totals.gauges.*member; });
}

double age_seconds(const QueueGauges& gauges, Timestamp now) {
  if (gauges.oldest_sent_at == kNever) return 0;
  return static_cast<double>(std::max<Milliseconds>(now - gauges.oldest_sent_at, 0)) / 1000;
}

void queue_age(const Scrape& scrape, Samples& samples) {
  each_queue(scrape, samples,
             [&](const QueueTotals& totals) { return age_seconds(totals.gauges, scrape.now); });
}

void build(const Scrape& scrape, Samples& samples) {
  samples.add({{"version", scrape.version}}, std::uint64_t{1});
}

void memory_limit(const Scrape& scrape, Samples& samples) {
  samples.add({}, scrape.memory_limit_bytes);
}

// --- THE TABLE OF METRICS ------------------------------------------------------------------------

constexpr MetricType kCounter = MetricType::Counter;
constexpr MetricType kGauge = MetricType::Gauge;
constexpr MetricType kHistogram = MetricType::Histogram;

using Http = MetricsValues::Http;
using Shards = MetricsValues::Shards;

constexpr MetricRow kMetrics[] = {
    {"millrace_build_info", kGauge, "version", "Always 1; the version is in the label", build},

    {"millrace_requests_total", kCounter, "action, code",
     "Requests that were answered; code is OK or the error's", requests},
    {"millrace_request_duration_seconds", kHistogram, "action",
     "Time from the whole request to its reply; that of ReceiveMessage includes waiting",
     request_durations},
    {"millrace_http_requests_refused_total", kCounter, "",
     "Requests that were refused before they were an action: malformed, too large or too slow",
     http<&Http::requests_refused>},
    {"millrace_http_connections", kGauge, "", "Connections that are open",
     http<&Http::connections>},
    {"millrace_http_connections_opened_total", kCounter, "", "Connections that were taken",
     http<&Http::connections_opened>},
    {"millrace_http_connections_refused_total", kCounter, "",
     "Connections that were closed as they came, since their client had too many",
     http<&Http::connections_refused>},
    {"millrace_http_received_bytes_total", kCounter, "", "Bytes of requests, without TLS",
     http<&Http::bytes_in>},
    {"millrace_http_sent_bytes_total", kCounter, "", "Bytes of replies, without TLS",
     http<&Http::bytes_out>},
    {"millrace_tls_handshakes_total", kCounter, "", "Handshakes of TLS that succeeded",
     http<&Http::handshakes>},
    {"millrace_tls_handshakes_failed_total", kCounter, "", "Handshakes of TLS that failed",
     http<&Http::handshakes_failed>},

    {"millrace_commits_total", kCounter, "", "Commits to the logs of the shards",
     shards<&Shards::commits>},
    {"millrace_commit_bytes_total", kCounter, "", "Bytes of messages and rows in commits",
     shards<&Shards::commit_bytes>},
    {"millrace_commit_duration_seconds", kHistogram, "", "Time until a commit was on disk",
     shards<&Shards::commit_durations>},
    {"millrace_loads_total", kCounter, "", "Reads of the backlog from disk",
     shards<&Shards::loads>},
    {"millrace_shard_failures_total", kCounter, "",
     "Failures of a shard's store, after each of which it was opened again",
     shards<&Shards::failures>},
    {"millrace_shards_refusing_sends", kGauge, "",
     "Shards that refuse sends since the disk is nearly full", shards<&Shards::sends_refused>},
    {"millrace_store_bytes", kGauge, "", "Disk space that the data takes",
     shards<&Shards::store_bytes>},
    {"millrace_disk_available_bytes", kGauge, "", "Disk space that is left; 0 with --ephemeral",
     shards<&Shards::disk_available_bytes>},
    {"millrace_memory_used_bytes", kGauge, "",
     "Memory for messages that are ready or in flight, of the limit --memory",
     shards<&Shards::memory_bytes>},
    {"millrace_memory_limit_bytes", kGauge, "", "The limit --memory", memory_limit},
    {"millrace_reply_bytes", kGauge, "", "Bodies in replies that are under way",
     shards<&Shards::reply_bytes>},

    {"millrace_queues", kGauge, "", "Queues, those included that are being removed from disk",
     shards<&Shards::queues>},
    {"millrace_messages_sent_total", kCounter, "", "Messages sent, of all queues",
     all_traffic<&QueueTraffic::sent>},
    {"millrace_messages_received_total", kCounter, "", "Messages handed out, of all queues",
     all_traffic<&QueueTraffic::received>},
    {"millrace_messages_deleted_total", kCounter, "", "Messages deleted, of all queues",
     all_traffic<&QueueTraffic::deleted>},
    {"millrace_messages_dead_lettered_total", kCounter, "",
     "Messages moved to dead-letter queues, of all queues",
     all_traffic<&QueueTraffic::dead_lettered>},
    {"millrace_messages_visible", kGauge, "", "Messages that a receive may hand out, of all queues",
     all_gauges<&QueueGauges::visible>},
    {"millrace_messages_in_flight", kGauge, "", "Messages that are in flight, of all queues",
     all_gauges<&QueueGauges::in_flight>},
    {"millrace_messages_delayed", kGauge, "", "Messages that are delayed, of all queues",
     all_gauges<&QueueGauges::delayed>},
    {"millrace_receives_waiting", kGauge, "", "Receives that wait for messages, of all queues",
     all_gauges<&QueueGauges::waiting>},

    {"millrace_queue_messages_sent_total", kCounter, "account, queue", "Messages sent",
     queue_traffic<&QueueTraffic::sent>},
    {"millrace_queue_messages_received_total", kCounter, "account, queue", "Messages handed out",
     queue_traffic<&QueueTraffic::received>},
    {"millrace_queue_messages_deleted_total", kCounter, "account, queue",
     "Messages deleted by request of a client", queue_traffic<&QueueTraffic::deleted>},
    {"millrace_queue_empty_receives_total", kCounter, "account, queue",
     "Receives that were answered without a message", queue_traffic<&QueueTraffic::empty_receives>},
    {"millrace_queue_messages_dead_lettered_total", kCounter, "account, queue",
     "Messages moved to the dead-letter queue", queue_traffic<&QueueTraffic::dead_lettered>},
    {"millrace_queue_sent_bytes_total", kCounter, "account, queue",
     "Bytes of the bodies and attributes of messages sent",
     queue_traffic<&QueueTraffic::sent_bytes>},
    {"millrace_queue_throttled_total", kCounter, "account, queue",
     "Requests refused since the queue was at a limit", queue_traffic<&QueueTraffic::throttled>},
    {"millrace_queue_messages_visible", kGauge, "account, queue",
     "Messages that a receive may hand out", queue_gauge<&QueueGauges::visible>},
    {"millrace_queue_messages_in_flight", kGauge, "account, queue", "Messages that are in flight",
     queue_gauge<&QueueGauges::in_flight>},
    {"millrace_queue_messages_delayed", kGauge, "account, queue", "Messages that are delayed",
     queue_gauge<&QueueGauges::delayed>},
    {"millrace_queue_oldest_message_age_seconds", kGauge, "account, queue",
     "Age of the oldest message; 0 where there is none", queue_age},
    {"millrace_queue_receives_waiting", kGauge, "account, queue", "Receives that wait for messages",
     queue_gauge<&QueueGauges::waiting>},
    {"millrace_queue_noisy_groups", kGauge, "account, queue",
     "Message groups of a fair queue that are noisy", queue_gauge<&QueueGauges::noisy_groups>},
    {"millrace_queue_messages_visible_quiet", kGauge, "account, queue",
     "Messages that a receive may hand out, of no noisy group",
     queue_gauge<&QueueGauges::quiet_visible>},

    {"process_resident_memory_bytes", kGauge, "", "Memory of the process",
     process<&ProcessValues::resident_bytes>},
    {"process_cpu_seconds_total", kCounter, "", "Processor time of the process",
     process<&ProcessValues::cpu_seconds>},
    {"process_start_time_seconds", kGauge, "", "When the process began, in seconds since 1970",
     process<&ProcessValues::started_at>},
    {"process_open_fds", kGauge, "", "File descriptors that are open",
     process<&ProcessValues::open_descriptors>},
    {"process_max_fds", kGauge, "", "File descriptors that may be open",
     process<&ProcessValues::descriptors_max>},
};

const char* name_of(MetricType type) {
  return type == kCounter ? "counter" : type == kGauge ? "gauge" : "histogram";
}

}  // namespace

std::string exposition(const Scrape& scrape) {
  std::vector<prometheus::MetricFamily> families;
  for (const MetricRow& row : kMetrics) {
    prometheus::MetricFamily& family = families.emplace_back();
    family.name = row.name;
    family.help = row.help;
    family.type = row.type;
    Samples samples(row.type, family.metric);
    row.collect(scrape, samples);
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return std::move(text).str();
}

std::string metrics_document() {
  std::string text = R"text(# Metrics

<!-- Made by `millrace metrics-docs` from the table of metrics in src/observe/exposition.cc. -->

`GET /metrics` answers in the text format of Prometheus. docs/operations.md says how to scrape it
and what to alert on, docs/security.md who may ask. Counters begin at 0 when the server starts.

Queues are told one by one up to `--metrics-queues`, those first that were made first; the rest are
added up, with `queue="(others)"`.

| name | kind | labels | meaning |
| --- | --- | --- | --- |
)text";
  for (const MetricRow& row : kMetrics) {
    text.append("| `").append(row.name).append("` | ").append(name_of(row.type)).append(" | ");
    text.append(row.labels).append(" | ").append(row.help).append(" |\n");
  }
  return text;
}

}  // namespace millrace
