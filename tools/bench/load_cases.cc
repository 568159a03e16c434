#include "bench/load_cases.h"

#include <memory>
#include <string>

#include "bench/bench_error.h"
#include "bench/queue_set.h"
#include "bench/redis_client.h"
#include "bench/workload.h"

namespace millrace::bench {
namespace {

constexpr std::size_t kFillBatch = 10;
constexpr std::uint64_t kDrainCountDefault = 100'000;
constexpr std::uint64_t kFairCountDefault = 1'000'000;
// The quiet tenants alone keep the consumers busy for this part of the time.
constexpr double kFairLoad = 0.5;

// Without a count the producers are stopped by the clock, with one they are not.
LoadPlan make_plan(const Options& options) {
  LoadPlan plan;
  plan.producers = options.producers;
  plan.consumers = options.consumers;
  plan.batch = options.batch;
  plan.threads = options.threads;
  plan.count = options.count;
  plan.rate = options.rate;
  plan.warmup = options.count > 0 ? 0 : from_seconds(options.warmup_seconds);
  plan.duration = options.count > 0 ? 24 * 3600 * kSecond : from_seconds(options.seconds);
  plan.patience = from_seconds(options.patience_seconds);
  plan.server = options.server_pid;
  return plan;
}

ClientFactory sqs_clients(const Options& options, const Bodies& bodies, const QueueSet& queues) {
  return [&](EventLoop& loop, ClientEvents& events, bool producer, std::size_t index) {
    const std::size_t clients = producer ? options.producers : options.consumers;
    return std::make_unique<SqsClient>(loop, events, options.server, bodies,
                                       queues.share_of(index, clients));
  };
}

double per_second(std::uint64_t count, Nanoseconds elapsed) {
  return elapsed > 0 ? static_cast<double>(count) / to_seconds(elapsed) : 0;
}

// The figures that every load has. `messages` is what costs are divided by.
void report_load(const LoadResult& result, std::uint64_t messages, Report& report) {
  const Tally& tally = result.tally;
  const double per_message = messages > 0 ? 1 / static_cast<double>(messages) : 0;
  report.number("elapsed_seconds", to_seconds(result.elapsed), 3);
  report.number("requests_per_second", per_second(tally.requests, result.elapsed), 0);
  report.latency("send", tally.send);
  report.latency("receive", tally.receive);
  report.latency("remove", tally.remove);
  if (result.server_before && result.server_after) {
    const ServerSample& before = *result.server_before;
    const ServerSample& after = *result.server_after;
    report.number("server_cpu_us_per_message",
                  (after.cpu_seconds - before.cpu_seconds) * 1e6 * per_message, 2);
    report.number("server_written_bytes_per_message",
                  static_cast<double>(after.write_bytes - before.write_bytes) * per_message, 0);
    report.count("server_rss_bytes", after.rss_bytes);
  }
  report.number("generator_cpu_us_per_message", result.own_cpu_seconds * 1e6 * per_message, 2);
  report.count("failures", tally.failures);
  if (tally.failures > 0) {
    report.text("first_failure", tally.first_failure);
  }
  report.count("gave_up", result.gave_up ? 1 : 0);
}

void report_ledger(const Ledger& ledger, Report& report) {
  const LedgerTotals totals = ledger.totals();
  report.count("acknowledged", totals.acknowledged);
  report.count("received", totals.received);
  report.count("lost", totals.lost);
  report.count("duplicates", totals.duplicates);
  report.count("not_removed", totals.received - totals.removed);
  report.count("unconfirmed", totals.unconfirmed);
  report.count("foreign", totals.foreign);
}

void report_send(const LoadResult& result, Report& report) {
  report.count("sent", result.tally.sent);
  report.number("sent_per_second", per_second(result.tally.sent, result.elapsed), 0);
  report_load(result, result.tally.sent, report);
}

// Producers and consumers at once, then consumers until all is removed.
void measure_life(const Options& options, const ClientFactory& clients, Ledger& ledger,
                  Report& report) {
  if (options.consumers == 0) {
    throw BenchError("this case needs consumers");
  }
  const LoadResult result = run_load(make_plan(options), clients, ledger);
  const Tally& tally = result.tally;
  report.count("sent", tally.sent);
  report.count("removed", tally.removed);
  report.number("lives_per_second", per_second(tally.removed, result.elapsed), 0);
  report.count("empty_receives", tally.empty_receives);
  report_load(result, tally.removed, report);
  report_ledger(ledger, report);
}

}  // namespace

void run_send(const Options& options, Report& report) {
  const std::uint32_t tag = make_run_tag();
  const QueueSet queues(options, tag);
  const Bodies bodies(options.body_bytes, options.seed);
  Ledger ledger(tag);
  LoadPlan plan = make_plan(options);
  plan.consumers = 0;
  report_send(run_load(plan, sqs_clients(options, bodies, queues), ledger), report);
}

void run_life(const Options& options, Report& report) {
  const std::uint32_t tag = make_run_tag();
  const QueueSet queues(options, tag);
  const Bodies bodies(options.body_bytes, options.seed);
  Ledger ledger(tag);
  measure_life(options, sqs_clients(options, bodies, queues), ledger, report);
}

void run_drain(const Options& options, Report& report) {
  const std::uint32_t tag = make_run_tag();
  const QueueSet queues(options, tag);
  const Bodies bodies(options.body_bytes, options.seed);
  Ledger ledger(tag);
  Options counted = options;
  counted.count = options.count > 0 ? options.count : kDrainCountDefault;

  LoadPlan fill = make_plan(counted);
  fill.consumers = 0;
  fill.batch = kFillBatch;
  const LoadResult filled = run_load(fill, sqs_clients(options, bodies, queues), ledger);
  report.number("fill_per_second", per_second(filled.tally.sent, filled.elapsed), 0);

  LoadPlan drain = make_plan(counted);
  drain.producers = 0;
  const LoadResult drained = run_load(drain, sqs_clients(options, bodies, queues), ledger);
  report.count("removed", drained.tally.removed);
  report.number("removed_per_second", per_second(drained.tally.removed, drained.elapsed), 0);
  report.count("empty_receives", drained.tally.empty_receives);
  report_load(drained, drained.tally.removed, report);
  report_ledger(ledger, report);
}

// The quiet tenants alone, then the noisy tenant's backlog, then both. Every consumer takes its
// time for each message, so that the consumers are what is scarce, as in the systems that fair
// queues are for.
void run_fair(const Options& options, Report& report) {
  const std::uint32_t tag = make_run_tag();
  const QueueSet queues(options, tag);
  const Bodies bodies(options.body_bytes, options.seed);
  Ledger ledger(tag);
  const auto run = [&](LoadPlan plan, const Tenants& tenants) {
    Options shared = options;
    shared.server.tenants = plan.tenants = tenants;
    return run_load(plan, sqs_clients(shared, bodies, queues), ledger);
  };
  QueueTimes times;
  LoadPlan plan = make_plan(options);
  plan.count = 0;
  plan.batch = 1;
  plan.warmup = from_seconds(options.warmup_seconds);
  plan.duration = from_seconds(options.seconds);
  plan.work = from_seconds(options.work_milliseconds / 1e3);
  plan.times = &times;
  const double consumed = static_cast<double>(options.consumers) / to_seconds(plan.work);
  const double quiet_rate = options.rate > 0 ? options.rate : kFairLoad * consumed;
  plan.rate = quiet_rate;
  const LoadResult alone = run(plan, {options.quiet_tenants, 0});

  LoadPlan fill = make_plan(options);
  fill.consumers = 0;
  fill.batch = kFillBatch;
  fill.rate = 0;
  fill.count = options.count > 0 ? options.count : kFairCountDefault;
  fill.warmup = 0;
  fill.duration = 24 * 3600 * kSecond;
  const LoadResult filled = run(fill, {0, 1});

  plan.drain = false;
  plan.rate = quiet_rate * static_cast<double>(options.quiet_tenants + options.noisy_times) /
              static_cast<double>(options.quiet_tenants);
  const LoadResult beside = run(plan, {options.quiet_tenants, options.noisy_times});

  report.number("quiet_messages_per_second", quiet_rate, 0);
  report.count("noisy_backlog", filled.tally.sent);
  report.latency("alone_in_queue", alone.tally.queued);
  report.latency("in_queue", beside.tally.queued);
  const auto ratio = [](double before, double after) { return before > 0 ? after / before : 0; };
  report.number("in_queue_ratio_p50",
                ratio(static_cast<double>(alone.tally.queued.percentile(0.5)),
                      static_cast<double>(beside.tally.queued.percentile(0.5))),
                2);
  report.number("in_queue_ratio_mean", ratio(alone.tally.queued.mean(), beside.tally.queued.mean()),
                2);
  report.count("quiet_received_alone", alone.tally.queued.count());
  report.count("quiet_received", beside.tally.queued.count());
  report.count("noisy_received", beside.tally.received - beside.tally.queued.count());
  report_load(beside, beside.tally.received, report);
}

void run_fixed(const Options& options, Report& report) {
  const std::uint32_t tag = make_run_tag();
  const Bodies bodies(options.body_bytes, options.seed);
  Ledger ledger(tag);
  SqsSettings server = options.server;
  server.fixed_replies = true;
  // No such queue is needed: the URL only gives the requests their usual length.
  const std::string url = "http://" + server.endpoint.authority() + "/000000000000/millrace-bench";
  LoadPlan plan = make_plan(options);
  plan.consumers = 0;
  const ClientFactory clients = [&](EventLoop& loop, ClientEvents& events, bool, std::size_t) {
    return std::make_unique<SqsClient>(loop, events, server, bodies, std::vector{url});
  };
  report_send(run_load(plan, clients, ledger), report);
}

void run_redis_life(const Options& options, Report& report) {
  const std::uint32_t tag = make_run_tag();
  const std::string stream = options.queue.empty() ? "millrace-bench" : options.queue;
  const Bodies bodies(options.body_bytes, options.seed);
  Ledger ledger(tag);
  RedisClient::create_stream(options.server.endpoint, stream);
  const ClientFactory clients = [&](EventLoop& loop, ClientEvents& events, bool,
                                    std::size_t index) {
    return std::make_unique<RedisClient>(loop, events, options.server.endpoint, bodies, stream,
                                         index);
  };
  measure_life(options, clients, ledger, report);
}

}  // namespace millrace::bench
