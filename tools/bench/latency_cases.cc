#include "bench/latency_cases.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "bench/bench_error.h"
#include "bench/ledger.h"
#include "bench/queue_set.h"
#include "bench/server_sample.h"

namespace millrace::bench {
namespace {

constexpr unsigned kLongPollSeconds = 20;
constexpr Nanoseconds kPatience = 30 * kSecond;
constexpr std::uint64_t kCountDefault = 1000;
constexpr std::uint64_t kWarmUpRounds = 50;

// One client whose operations are waited for, one after another. A failure throws BenchError.
class Caller final : public ClientEvents {
 public:
  Caller(EventLoop& loop, const SqsSettings& settings, const Bodies& bodies, std::string url)
      : loop_(loop), client_(loop, *this, settings, bodies, {std::move(url)}) {}

  void start_send(std::uint64_t number) {
    start([&] { client_.send(number, 1); });
  }
  void start_receive() {
    start([&] { client_.receive(1); });
  }
  void start_remove() {
    start([&] { client_.remove(); });
  }

  bool ended() const { return ended_; }
  /// When the last operation ended, and how long it took.
  Nanoseconds ended_at() const { return ended_at_; }
  Nanoseconds took() const { return ended_at_ - started_at_; }
  Nanoseconds started_at() const { return started_at_; }
  /// Whether the last receive brought the message `number`.
  bool has(std::uint64_t number) const { return numbers_ == std::vector{number}; }

  /// Waits for the operation's end.
  void finish() {
    const Nanoseconds give_up_at = monotonic_now() + kPatience;
    while (!ended_) {
      if (monotonic_now() >= give_up_at) {
        throw BenchError("the server does not answer");
      }
      loop_.turn(give_up_at);
    }
    if (!failure_.empty()) {
      throw BenchError("a request failed: " + failure_);
    }
  }

  void on_sent() override { end(); }
  void on_removed() override { end(); }
  void on_received(std::span<const std::uint64_t> numbers) override {
    numbers_.assign(numbers.begin(), numbers.end());
    end();
  }
  void on_failed(std::string_view reason, bool) override {
    failure_ = reason;
    end();
  }

 private:
  template <class Operation>
  void start(Operation operation) {
    ended_ = false;
    started_at_ = monotonic_now();
    operation();
  }
  void end() {
    ended_at_ = monotonic_now();
    ended_ = true;
  }

  EventLoop& loop_;
  bool ended_ = false;
  Nanoseconds started_at_ = 0;
  Nanoseconds ended_at_ = 0;
  std::vector<std::uint64_t> numbers_;
  std::string failure_;
  SqsClient client_;
};

// A connection that holds a long poll, again and again.
class IdlePoll final : public ClientEvents {
 public:
  struct Totals {
    std::uint64_t answered = 0;
    std::uint64_t failures = 0;
    std::string first_failure;
  };

  IdlePoll(EventLoop& loop, const SqsSettings& settings, const Bodies& bodies, std::string url,
           Totals& totals)
      : totals_(totals), client_(loop, *this, settings, bodies, {std::move(url)}) {
    client_.receive(1);
  }

  void on_sent() override { CHECK(false); }
  void on_removed() override { CHECK(false); }
  void on_received(std::span<const std::uint64_t>) override {
    ++totals_.answered;
    client_.receive(1);
  }
  void on_failed(std::string_view reason, bool usable) override {
    if (totals_.failures++ == 0) {
      totals_.first_failure = reason;
    }
    if (usable) {
      client_.receive(1);
    }
  }

 private:
  Totals& totals_;
  SqsClient client_;
};

void pass_time(EventLoop& loop, Nanoseconds length) {
  const Nanoseconds until = monotonic_now() + length;
  while (monotonic_now() < until) {
    loop.turn(until);
  }
}

}  // namespace

void run_wake(const Options& options, Report& report) {
  const std::uint32_t tag = make_run_tag();
  const QueueSet queues(options, tag);
  const Bodies bodies(options.body_bytes, options.seed);
  Ledger ledger(tag);
  SqsSettings settings = options.server;
  settings.wait_seconds = kLongPollSeconds;
  EventLoop loop;
  Caller producer(loop, settings, bodies, queues.urls()[0]);
  Caller consumer(loop, settings, bodies, queues.urls()[0]);
  const auto gap = from_seconds(options.gap_milliseconds / 1000);
  const std::uint64_t rounds = options.count > 0 ? options.count : kCountDefault;
  Histogram from_send;
  Histogram from_acknowledgement;
  std::uint64_t before_acknowledgement = 0;
  for (std::uint64_t round = 0; round < kWarmUpRounds + rounds; ++round) {
    const std::uint64_t number = ledger.take(1);
    consumer.start_receive();
    pass_time(loop, gap);  // the poll stands at the server by then
    if (consumer.ended()) {
      consumer.finish();
      throw BenchError("the poll was answered before there was a message: is the queue in use?");
    }
    producer.start_send(number);
    producer.finish();
    consumer.finish();
    if (!consumer.has(number)) {
      throw BenchError("the poll brought another message: is the queue in use?");
    }
    if (round >= kWarmUpRounds) {
      from_send.record(consumer.ended_at() - producer.started_at());
      from_acknowledgement.record(consumer.ended_at() - producer.ended_at());
      before_acknowledgement += consumer.ended_at() < producer.ended_at() ? 1 : 0;
    }
    consumer.start_remove();
    consumer.finish();
  }
  report.count("rounds", rounds);
  report.latency("wake_from_send", from_send);
  report.latency("wake_from_acknowledgement", from_acknowledgement);
  report.count("received_before_acknowledgement", before_acknowledgement);
}

void run_latency(const Options& options, Report& report) {
  const std::uint32_t tag = make_run_tag();
  const QueueSet queues(options, tag);
  const Bodies bodies(options.body_bytes, options.seed);
  Ledger ledger(tag);
  EventLoop loop;
  Caller caller(loop, options.server, bodies, queues.urls()[0]);
  Histogram send;
  Histogram receive;
  Histogram remove;
  Histogram life;
  std::uint64_t rounds = 0;
  const Nanoseconds measure_from = monotonic_now() + from_seconds(options.warmup_seconds);
  const Nanoseconds stop_at = measure_from + from_seconds(options.seconds);
  while (options.count > 0 ? rounds < options.count : monotonic_now() < stop_at) {
    const std::uint64_t number = ledger.take(1);
    caller.start_send(number);
    const Nanoseconds begun = caller.started_at();
    caller.finish();
    const Nanoseconds send_took = caller.took();
    caller.start_receive();
    caller.finish();
    const Nanoseconds receive_took = caller.took();
    if (!caller.has(number)) {
      throw BenchError("the receive did not bring the message: is the queue in use?");
    }
    caller.start_remove();
    caller.finish();
    if (begun >= measure_from) {
      send.record(send_took);
      receive.record(receive_took);
      remove.record(caller.took());
      life.record(caller.ended_at() - begun);
      ++rounds;
    }
  }
  report.count("rounds", rounds);
  report.latency("send", send);
  report.latency("receive", receive);
  report.latency("remove", remove);
  report.latency("life", life);
}

void run_idle(const Options& options, Report& report) {
  const QueueSet queues(options, make_run_tag());
  const Bodies bodies(kBodyBytesMin, options.seed);
  SqsSettings settings = options.server;
  settings.wait_seconds = kLongPollSeconds;
  const auto sample = [&] {
    const auto taken = options.server_pid ? sample_server(*options.server_pid) : std::nullopt;
    return taken.value_or(ServerSample{});
  };
  EventLoop loop;
  IdlePoll::Totals totals;
  std::vector<std::unique_ptr<IdlePoll>> polls;
  const ServerSample empty = sample();
  const Nanoseconds begun = monotonic_now();
  for (std::size_t i = 0; i < options.connections; ++i) {
    polls.push_back(std::make_unique<IdlePoll>(loop, settings, bodies,
                                               queues.share_of(i, options.connections)[0], totals));
  }
  const Nanoseconds connected = monotonic_now();
  pass_time(loop, from_seconds(options.warmup_seconds));  // until all polls stand
  const ServerSample before = sample();
  const std::uint64_t answered_before = totals.answered;
  const Nanoseconds measure_from = monotonic_now();
  pass_time(loop, from_seconds(options.seconds));
  const ServerSample after = sample();
  const double elapsed = to_seconds(monotonic_now() - measure_from);

  report.count("connections", options.connections);
  report.number("connect_seconds", to_seconds(connected - begun), 3);
  report.number("polls_answered_per_second",
                static_cast<double>(totals.answered - answered_before) / elapsed, 1);
  if (options.server_pid) {
    report.number("server_cpu_percent", (after.cpu_seconds - before.cpu_seconds) / elapsed * 100,
                  2);
    report.count("server_rss_bytes", after.rss_bytes);
    report.number("server_rss_bytes_per_connection",
                  (static_cast<double>(after.rss_bytes) - static_cast<double>(empty.rss_bytes)) /
                      static_cast<double>(options.connections),
                  0);
  }
  report.count("failures", totals.failures);
  if (totals.failures > 0) {
    report.text("first_failure", totals.first_failure);
  }
}

}  // namespace millrace::bench
