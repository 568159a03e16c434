// The console's lists of queues.
#include "service/console.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "queue/shard.h"
#include "runtime/shard_driver.h"
#include "service/authorize.h"
#include "service/move_tasks.h"
#include "service/registry.h"
#include "service/resolve.h"
#include "service/telemetry.h"

namespace millrace {

namespace {

constexpr std::uint8_t kTokenVersion = 1;

ApiError invalid(std::string text) {
  return {ErrorCode::invalid_parameter_value, std::move(text)};
}

std::string_view encryption_of(const QueueConfig& config) {
  if (!config.kms_key.empty()) return "SSE-KMS";
  return config.managed_encryption ? "SSE-SQS" : "none";
}

std::string_view type_of(const QueueInfo& info) {
  return info.config.fifo ? "fifo" : "standard";
}

// --- what the shards know ---

// What the shards told, at one moment for each.
struct Overview {
  std::unordered_map<QueueId, QueueOverview> queues;
  Timestamp now;
};

// One question to each shard that has some of the queues.
boost::asio::awaitable<Expected<Overview>> overview_of(
    const Context& context, const std::vector<QueueInfoPointer>& queues) {
  std::map<ShardDriver*, std::vector<QueueId>> by_shard;
  for (const QueueInfoPointer& info : queues) {
    by_shard[&context.service.shard_of(info->id)].push_back(info->id);
  }
  Overview overview;
  for (const auto& [shard, ids] : by_shard) {
    const auto ask = [&ids, &overview](Shard& owner,
                                       Timestamp now) -> Expected<std::vector<QueueOverview>> {
      overview.now = now;
      return owner.overview(ids, now);
    };
    const Expected<std::vector<QueueOverview>> told = co_await shard->call(ask);
    if (!told) co_return told.error();
    for (const QueueOverview& one : *told) overview.queues.emplace(one.queue, one);
  }
  co_return overview;
}

// Nothing of a queue that was deleted meanwhile.
const QueueOverview& told_of(const Overview& overview, const QueueInfo& info) {
  static const QueueOverview kNothing;
  const auto found = overview.queues.find(info.id);
  return found == overview.queues.end() ? kNothing : found->second;
}

std::int64_t age_of(const QueueOverview& queue, Timestamp now) {
  if (queue.oldest_sent_at == kNever) return 0;
  return std::max<Milliseconds>(now - queue.oldest_sent_at, 0) / 1000;
}

// How many queues, of all accounts, name each queue as their dead-letter queue, by its ARN.
using SourceCounts = std::unordered_map<std::string, std::int64_t>;

SourceCounts count_sources(const Context& context) {
  SourceCounts counts;
  for (const QueueInfoPointer& info : context.service.directory.all()) {
    if (const auto& redrive = info->config.redrive_policy) ++counts[redrive->target.text()];
  }
  return counts;
}

std::int64_t sources_of(const SourceCounts& counts, const std::string& arn) {
  const auto found = counts.find(arn);
  return found == counts.end() ? 0 : found->second;
}

api::QueueSummary summary_of(const Context& context, const QueueInfo& info,
                             const Overview& overview, const SourceCounts& sources) {
  const QueueOverview& told = told_of(overview, info);
  api::QueueSummary summary;
  summary.queue_url = url_of(context, info);
  summary.queue_name = info.name.text();
  summary.queue_arn = context.service.registry.arn_of(info).text();
  summary.type = type_of(info);
  summary.messages = static_cast<std::int64_t>(told.counts.visible);
  summary.in_flight = static_cast<std::int64_t>(told.counts.in_flight);
  summary.delayed = static_cast<std::int64_t>(told.counts.delayed);
  summary.oldest_age = age_of(told, overview.now);
  summary.created = info.created_at.milliseconds;
  summary.last_modified = info.modified_at.milliseconds;
  summary.encryption = encryption_of(info.config);
  summary.kms_key_id = info.config.kms_key;
  if (const auto& redrive = info.config.redrive_policy) {
    summary.dead_letter_target_arn = redrive->target.text();
    summary.max_receive_count = redrive->receive_count_max;
  }
  summary.dead_letter_source_count = sources_of(sources, summary.queue_arn);
  if (told.last_receive) summary.last_receive = told.last_receive->milliseconds;
  if (const Telemetry* telemetry = context.service.telemetry) {
    const QueueRates rates = telemetry->history.rates_of(info.id, telemetry->clock.now());
    summary.sent_rates.assign(rates.sent.begin(), rates.sent.end());
    summary.received_rates.assign(rates.received.begin(), rates.received.end());
  }
  return summary;
}

// --- ListQueuesDetailed ---

// Whether a queue is among those that the request wants, as far as the directory knows.
bool has_facts(const Context& context, const QueueInfo& info, const SourceCounts& sources,
               const api::ListQueuesDetailedRequest& request) {
  if (request.name_contains && info.name.text().find(*request.name_contains) == std::string::npos) {
    return false;
  }
  if (request.type && !request.type->empty() && *request.type != type_of(info)) return false;
  if (request.has_dead_letter_queue &&
      *request.has_dead_letter_queue != info.config.redrive_policy.has_value()) {
    return false;
  }
  if (request.is_dead_letter_queue) {
    const bool is_one = sources_of(sources, context.service.registry.arn_of(info).text()) > 0;
    if (is_one != *request.is_dead_letter_queue) return false;
  }
  if (!request.tag_key || request.tag_key->empty()) return true;
  const auto tag = info.tags.find(*request.tag_key);
  return tag != info.tags.end() && (!request.tag_value || *request.tag_value == tag->second);
}

bool has_counts(const QueueOverview& told, Timestamp now,
                const api::ListQueuesDetailedRequest& request) {
  return static_cast<std::int64_t>(told.counts.visible) >= request.minimum_messages.value_or(0) &&
         age_of(told, now) >= request.minimum_age.value_or(0);
}

// THE TABLE OF ORDERS of a list of queues.
struct OrderRow {
  std::string_view name;
  std::int64_t (*key)(const QueueInfo& info, const QueueOverview& told, Timestamp now);
};

constexpr OrderRow kOrders[] = {
    {"name", [](const QueueInfo&, const QueueOverview&, Timestamp) -> std::int64_t { return 0; }},
    {"messages", [](const QueueInfo&, const QueueOverview& told,
                    Timestamp) { return static_cast<std::int64_t>(told.counts.visible); }},
    {"inFlight", [](const QueueInfo&, const QueueOverview& told,
                    Timestamp) { return static_cast<std::int64_t>(told.counts.in_flight); }},
    {"delayed", [](const QueueInfo&, const QueueOverview& told,
                   Timestamp) { return static_cast<std::int64_t>(told.counts.delayed); }},
    {"age",
     [](const QueueInfo&, const QueueOverview& told, Timestamp now) { return age_of(told, now); }},
    {"created", [](const QueueInfo& info, const QueueOverview&,
                   Timestamp) { return info.created_at.milliseconds; }},
};

// A place in the order of a list; queues whose keys are the same stand by name.
struct Position {
  std::int64_t key = 0;
  std::string name = {};
};

struct Listed {
  Position position;
  QueueInfoPointer info;
};

bool stands_before(const Position& a, const Position& b, bool descending) {
  const auto before = std::tie(a.key, a.name) <=> std::tie(b.key, b.name);
  return descending ? before > 0 : before < 0;
}

std::string token_of(const Position& last, std::string_view order, bool descending) {
  std::string bytes;
  append_u8(bytes, kTokenVersion);
  append_sized(bytes, order);
  append_u8(bytes, descending ? 1 : 0);
  append_i64(bytes, last.key);
  append_sized(bytes, last.name);
  return to_base64(bytes);
}

Expected<Position> parse_token(std::string_view token, std::string_view order, bool descending) {
  const ApiError refused = invalid("Invalid or expired next token.");
  const std::optional<std::string> bytes = from_base64(token);
  if (!bytes) return refused;
  ByteReader reader(*bytes);
  const std::uint8_t version = reader.u8();
  const std::string_view ordered = reader.sized();
  const bool downwards = reader.u8() != 0;
  Position last;
  last.key = reader.i64();
  last.name = reader.sized();
  if (!reader.done() || version != kTokenVersion || ordered != order || downwards != descending) {
    return refused;
  }
  return last;
}

// --- GetTopology ---

api::TopologyQueue node_of(const Context& context, const QueueInfo& info,
                           const Overview& overview) {
  const QueueOverview& told = told_of(overview, info);
  api::TopologyQueue node;
  node.queue_arn = context.service.registry.arn_of(info).text();
  node.queue_name = info.name.text();
  node.queue_url = url_of(context, info);
  node.type = type_of(info);
  node.messages = static_cast<std::int64_t>(told.counts.visible);
  node.in_flight = static_cast<std::int64_t>(told.counts.in_flight);
  node.delayed = static_cast<std::int64_t>(told.counts.delayed);
  node.oldest_age = age_of(told, overview.now);
  return node;
}

api::TopologyTask task_of(const MoveTask& task, const std::string& source_arn) {
  api::ListMessageMoveTasksResultEntry entry = describe_task(task, source_arn);
  return {.task_handle = std::move(entry.task_handle),
          .source_arn = std::move(entry.source_arn),
          .destination_arn = std::move(entry.destination_arn),
          .status = std::string(entry.status),
          .moved = static_cast<std::int64_t>(task.record.moved),
          .to_move = static_cast<std::int64_t>(task.record.to_move),
          .started = task.record.started_at.milliseconds,
          .failure_reason = std::move(entry.failure_reason)};
}

// The last task of each queue that had one.
boost::asio::awaitable<Expected<std::unordered_map<QueueId, MoveTask>>> last_tasks(
    const Context& context) {
  using Tasks = std::vector<std::pair<QueueId, MoveTask>>;
  const auto ask = [](const Shard& shard, Timestamp) -> Expected<Tasks> {
    return shard.last_move_tasks();
  };
  std::unordered_map<QueueId, MoveTask> all;
  for (ShardDriver* shard : context.service.shards) {
    const Expected<Tasks> tasks = co_await shard->call(ask);
    if (!tasks) co_return tasks.error();
    all.insert(tasks->begin(), tasks->end());
  }
  co_return all;
}

}  // namespace

Answer<api::DescribeQueueResponse> describe_queue(Context& context,
                                                  api::DescribeQueueRequest& request) {
  const Expected<QueueInfoPointer> info = find_queue(context, request.queue_url);
  if (!info) co_return info.error();
  const std::vector<QueueInfoPointer> one{*info};
  const Expected<Overview> overview = co_await overview_of(context, one);
  if (!overview) co_return overview.error();
  if (overview->queues.empty()) co_return ApiError(ErrorCode::queue_does_not_exist);
  co_return api::DescribeQueueResponse{
      .queue = summary_of(context, **info, *overview, count_sources(context))};
}

Answer<api::ListQueuesDetailedResponse> list_queues_detailed(
    Context& context, api::ListQueuesDetailedRequest& request) {
  const AccountId& account = context.caller->account;
  const Expected<void> allowed = authorize(context, Resource(account, {}, nullptr));
  if (!allowed) co_return allowed.error();
  const std::int64_t count_max = request.max_results.value_or(limits::kDetailedQueuesDefault);
  if (count_max < 1 || count_max > limits::kDetailedQueuesMax) {
    co_return invalid_parameter(std::to_string(count_max), "MaxResults",
                                "Must be between 1 and 100.");
  }
  const std::string by = request.sort_by.value_or("name");
  const auto order = std::ranges::find(kOrders, std::string_view(by), &OrderRow::name);
  if (order == std::end(kOrders)) {
    co_return invalid_parameter(by, "SortBy",
                                "Must be name, messages, inFlight, delayed, age or created.");
  }
  const bool descending = request.descending.value_or(false);

  std::vector<QueueInfoPointer> queues = context.service.directory.list(account);
  const SourceCounts sources = count_sources(context);
  api::ListQueuesDetailedResponse response;
  response.total_count = static_cast<std::int64_t>(queues.size());
  std::erase_if(queues, [&](const QueueInfoPointer& info) {
    return !has_facts(context, *info, sources, request);
  });
  const Expected<Overview> overview = co_await overview_of(context, queues);
  if (!overview) co_return overview.error();
  std::vector<Listed> listed;
  for (QueueInfoPointer& info : queues) {
    const QueueOverview& told = told_of(*overview, *info);
    if (!has_counts(told, overview->now, request)) continue;
    Position position{order->key(*info, told, overview->now), info->name.text()};
    listed.push_back({std::move(position), std::move(info)});
  }
  response.matching_count = static_cast<std::int64_t>(listed.size());
  if (request.next_token && !request.next_token->empty()) {
    const Expected<Position> last = parse_token(*request.next_token, by, descending);
    if (!last) co_return last.error();
    std::erase_if(
        listed, [&](const Listed& one) { return !stands_before(*last, one.position, descending); });
  }
  const std::size_t shown = std::min(listed.size(), static_cast<std::size_t>(count_max));
  std::ranges::partial_sort(listed, listed.begin() + static_cast<std::ptrdiff_t>(shown),
                            [descending](const Listed& a, const Listed& b) {
                              return stands_before(a.position, b.position, descending);
                            });
  for (std::size_t i = 0; i < shown; ++i) {
    response.queues.push_back(summary_of(context, *listed[i].info, *overview, sources));
  }
  if (shown < listed.size()) {
    response.next_token = token_of(listed[shown - 1].position, by, descending);
  }
  co_return response;
}

Answer<api::GetTopologyResponse> get_topology(Context& context, api::GetTopologyRequest&) {
  const AccountId& account = context.caller->account;
  const Expected<void> allowed = authorize(context, Resource(account, {}, nullptr));
  if (!allowed) co_return allowed.error();
  const Expected<std::unordered_map<QueueId, MoveTask>> tasks = co_await last_tasks(context);
  if (!tasks) co_return tasks.error();

  const SourceCounts sources = count_sources(context);
  api::GetTopologyResponse response;
  std::vector<QueueInfoPointer> shown;
  for (QueueInfoPointer& info : context.service.directory.list(account)) {
    const bool is_target = sources_of(sources, context.service.registry.arn_of(*info).text()) > 0;
    if (!is_target && !info->config.redrive_policy && !tasks->contains(info->id)) continue;
    if (shown.size() == limits::kTopologyQueuesMax) {
      response.truncated = true;
      break;
    }
    shown.push_back(std::move(info));
  }
  const Expected<Overview> overview = co_await overview_of(context, shown);
  if (!overview) co_return overview.error();
  for (const QueueInfoPointer& info : shown) {
    response.queues.push_back(node_of(context, *info, *overview));
    const std::string& arn = response.queues.back().queue_arn;
    if (const auto& redrive = info->config.redrive_policy) {
      response.edges.push_back({arn, redrive->target.text(), redrive->receive_count_max});
    }
    const auto task = tasks->find(info->id);
    if (task != tasks->end()) response.tasks.push_back(task_of(task->second, arn));
  }
  co_return response;
}

}  // namespace millrace
