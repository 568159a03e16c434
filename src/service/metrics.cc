#include "service/metrics.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "observe/process.h"
#include "queue/shard.h"
#include "runtime/shard_driver.h"
#include "service/resolve.h"
#include "service/telemetry.h"

namespace millrace {

namespace {

struct PeriodRow {
  std::int64_t seconds;
  HistoryStep step;
};
constexpr PeriodRow kPeriods[] = {
    {1, HistoryStep::second}, {60, HistoryStep::minute}, {3600, HistoryStep::hour}};

// A series of what a request asks for.
template <class Request>
Expected<HistorySpan> span_of(const Request& request, Timestamp now) {
  if (!request.period) return missing_parameter("Period");
  const auto* const row = std::ranges::find(kPeriods, *request.period, &PeriodRow::seconds);
  if (row == std::end(kPeriods)) {
    return invalid_parameter(std::to_string(*request.period), "Period",
                             "Period must be 1, 60 or 3600.");
  }
  if (request.from && request.to && *request.from > *request.to) {
    return invalid_parameter(std::to_string(*request.from), "From", "From must not be after To.");
  }
  const auto moment = [](const std::optional<std::int64_t>& given) -> std::optional<Timestamp> {
    if (!given) return std::nullopt;
    return Timestamp{*given};
  };
  return HistorySpan::of(row->step, moment(request.from), moment(request.to), now);
}

std::int64_t number(std::uint64_t count) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(count, kMost));
}

template <class Point, class Value>
api::NumberSeries numbers(const std::vector<std::optional<Point>>& points, Value value) {
  api::NumberSeries series;
  series.reserve(points.size());
  for (const std::optional<Point>& point : points) {
    series.push_back(point ? std::optional(number(value(*point))) : std::nullopt);
  }
  return series;
}

api::DecimalSeries decimals(const std::vector<std::optional<ServerPoint>>& points,
                            std::optional<double> ServerPoint::*member) {
  api::DecimalSeries series;
  series.reserve(points.size());
  for (const std::optional<ServerPoint>& point : points) {
    series.push_back(point ? (*point).*member : std::nullopt);
  }
  return series;
}

using QueuePoints = std::vector<std::optional<QueuePoint>>;

// The age at the end of each point; of the one that is under way, now.
api::NumberSeries ages(const QueuePoints& points, const HistorySpan& span, Timestamp now) {
  api::NumberSeries series;
  series.reserve(points.size());
  Timestamp end = span.start;
  for (const std::optional<QueuePoint>& point : points) {
    end = end + ring_of(span.step).length;
    if (!point) {
      series.emplace_back();
      continue;
    }
    const Timestamp oldest = point->gauges.oldest_sent_at;
    const Milliseconds age = oldest == kNever ? 0 : std::min(end, now) - oldest;
    series.push_back(std::max<Milliseconds>(age, 0) / 1000);
  }
  return series;
}

api::QueueSeries series_of(const QueuePoints& points, const HistorySpan& span, Timestamp now) {
  const auto traffic = [&points](std::uint64_t QueueTraffic::*member) {
    return numbers(points, [member](const QueuePoint& point) { return point.traffic.*member; });
  };
  const auto gauges = [&points](std::uint64_t QueueGauges::*member) {
    return numbers(points, [member](const QueuePoint& point) { return point.gauges.*member; });
  };
  return {.sent = traffic(&QueueTraffic::sent),
          .received = traffic(&QueueTraffic::received),
          .deleted = traffic(&QueueTraffic::deleted),
          .empty_receives = traffic(&QueueTraffic::empty_receives),
          .dead_lettered = traffic(&QueueTraffic::dead_lettered),
          .sent_bytes = traffic(&QueueTraffic::sent_bytes),
          .messages = gauges(&QueueGauges::visible),
          .in_flight = gauges(&QueueGauges::in_flight),
          .delayed = gauges(&QueueGauges::delayed),
          .oldest_age = ages(points, span, now),
          .waiting_receives = gauges(&QueueGauges::waiting)};
}

api::ServerSeries series_of(const std::vector<std::optional<ServerPoint>>& points) {
  const auto count = [&points](std::uint64_t ServerPoint::*member) {
    return numbers(points, [member](const ServerPoint& point) { return point.*member; });
  };
  return {.requests = count(&ServerPoint::requests),
          .errors = count(&ServerPoint::errors),
          .request_p50 = decimals(points, &ServerPoint::request_p50),
          .request_p99 = decimals(points, &ServerPoint::request_p99),
          .commit_p50 = decimals(points, &ServerPoint::commit_p50),
          .commit_p99 = decimals(points, &ServerPoint::commit_p99),
          .connections = count(&ServerPoint::connections),
          .resident_bytes = count(&ServerPoint::resident_bytes),
          .store_bytes = count(&ServerPoint::store_bytes)};
}

/// Whoever has an account here is not told what the others do: the server is one for all.
Expected<void> authorize_for_server(const Context& context) {
  const AccountId& owner = telemetry_of(context).facts.account;
  const Expected<void> allowed = authorize(context, Resource(owner, {}, nullptr));
  if (!allowed || !context.service.access_enforced) return allowed;
  if (context.caller->account == owner) return {};
  if (context.notes != nullptr) context.notes->denied = true;
  return ApiError(ErrorCode::access_denied);
}

// The bounds that people run into and no option moves.
std::vector<api::LimitDescription> limit_descriptions() {
  return {
      {"MessageBytes", limits::kMessageBytesMax, "bytes of a message, its attributes included"},
      {"BatchBytes", limits::kBatchBytesMax, "bytes of the messages of a batch together"},
      {"BatchEntries", limits::kBatchEntriesMax, "entries of a batch"},
      {"MessageAttributes", limits::kMessageAttributesMax, "attributes of a message"},
      {"InFlightMessages", limits::kInFlightMax, "messages in flight of a queue"},
      {"VisibilitySeconds", limits::kVisibilitySecondsMax, "longest visibility timeout"},
      {"DelaySeconds", limits::kDelaySecondsMax, "longest delay of a message"},
      {"RetentionSeconds", limits::kRetentionSecondsMax, "longest retention of messages"},
      {"WaitSeconds", limits::kWaitSecondsMax, "longest wait of a receive"},
      {"DeduplicationSeconds", limits::kDeduplicationWindow / 1000,
       "how long a deduplication id is remembered"},
      {"Tags", limits::kTagsMax, "tags of a queue"},
      {"PolicyBytes", limits::kPolicyBytesMax, "bytes of a queue's access policy"},
      {"MoveTasks", limits::kMoveTasksActiveMax, "move tasks of an account that run at once"},
      {"NoisyGroups", limits::kNoisyGroupsMax, "message groups of a queue that count as noisy"},
      {"RequestBytes", limits::kRequestBodyMax, "bytes of a request's body"},
  };
}

}  // namespace

Telemetry& telemetry_of(const Context& context) {
  CHECK(context.service.telemetry != nullptr);
  return *context.service.telemetry;
}

boost::asio::awaitable<void> take_measurements(const Service& service) {
  Telemetry& telemetry = *service.telemetry;
  const auto take = [&telemetry](Shard& shard, Timestamp now) -> Expected<void> {
    telemetry.history.record(shard.take_activity(), now);
    return {};
  };
  // One that has failed has nothing to tell.
  for (ShardDriver* shard : service.shards) co_await shard->call(take);
  telemetry.server_history.record(telemetry.metrics, read_resident_bytes(), telemetry.clock.now());
}

Answer<api::GetQueueMetricsResponse> get_queue_metrics(Context& context,
                                                       api::GetQueueMetricsRequest& request) {
  const Expected<QueueInfoPointer> info = find_queue(context, request.queue_url);
  if (!info) co_return info.error();
  const Telemetry& telemetry = telemetry_of(context);
  co_await take_measurements(context.service);
  const Timestamp now = telemetry.clock.now();
  const Expected<HistorySpan> span = span_of(request, now);
  if (!span) co_return span.error();
  const QueuePoints points = telemetry.history.points_of((*info)->id, *span);
  co_return api::GetQueueMetricsResponse{.period = *request.period,
                                         .start = span->start.milliseconds,
                                         .series_of = series_of(points, *span, now)};
}

Answer<api::GetServerMetricsResponse> get_server_metrics(Context& context,
                                                         api::GetServerMetricsRequest& request) {
  const Expected<void> allowed = authorize_for_server(context);
  if (!allowed) co_return allowed.error();
  const Telemetry& telemetry = telemetry_of(context);
  co_await take_measurements(context.service);
  const Expected<HistorySpan> span = span_of(request, telemetry.clock.now());
  if (!span) co_return span.error();
  co_return api::GetServerMetricsResponse{
      .period = *request.period,
      .start = span->start.milliseconds,
      .series_of = series_of(telemetry.server_history.points_of(*span))};
}

Answer<api::GetServerInformationResponse> get_server_information(
    Context& context, api::GetServerInformationRequest&) {
  const Expected<void> allowed = authorize_for_server(context);
  if (!allowed) co_return allowed.error();
  const Telemetry& telemetry = telemetry_of(context);
  const ServerFacts& facts = telemetry.facts;
  const MetricsValues values = telemetry.metrics.values();
  api::GetServerInformationResponse told;
  told.version = facts.version;
  told.started = facts.started.milliseconds;
  told.uptime = (telemetry.clock.now() - facts.started) / 1000;
  told.region = context.service.region.text();
  told.data_directory = facts.data_directory;
  told.store_bytes = number(values.shards.store_bytes);
  told.disk_free_bytes = number(values.shards.disk_available_bytes);
  told.resident_bytes = number(read_resident_bytes());
  told.memory_budget_bytes = number(facts.memory_limit_bytes);
  told.shards = static_cast<std::int64_t>(context.service.shards.size());
  told.cores = static_cast<std::int64_t>(facts.cores);
  told.queues = static_cast<std::int64_t>(context.service.directory.all().size());
  told.connections = number(values.http.connections);
  told.development = facts.development;
  told.tls = facts.tls;
  told.limits = limit_descriptions();
  for (const OptionFact& option : facts.options) {
    told.options.push_back({option.name, option.value, option.source, option.description});
  }
  co_return told;
}

}  // namespace millrace
