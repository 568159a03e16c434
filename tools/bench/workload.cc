#include "bench/workload.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/random.h"

namespace millrace::bench {
namespace {

// How long after the last connection stands the load begins: every thread is at its start by then.
constexpr Nanoseconds kLead = 20 * kMillisecond;
// The longest a thread sleeps before it looks whether the others have ended the run.
constexpr Nanoseconds kGlance = 5 * kMillisecond;

// What the threads share.
struct Run {
  const LoadPlan& plan;
  Ledger& ledger;
  Nanoseconds start = 0;
  Nanoseconds measure_from = 0;
  Nanoseconds stop_at = 0;
  std::atomic<std::uint64_t> messages_started{0};
  std::atomic<std::size_t> producers_open{0};
  std::atomic<std::size_t> consumers_open{0};
  std::atomic<Nanoseconds> last_progress{0};
  std::atomic<bool> gave_up{false};
};

void count_failure(Tally& tally, std::string_view reason) {
  if (tally.failures++ == 0) {
    tally.first_failure = reason;
  }
}

class Producer final : public ClientEvents {
 public:
  Producer(Run& run, Tally& tally, EventLoop& loop, const ClientFactory& make, std::size_t index)
      : run_(run),
        tally_(tally),
        loop_(loop),
        index_(index),
        client_(make(loop, *this, true, index)) {}

  void start() {
    if (run_.plan.rate > 0) {
      const double batches = run_.plan.rate / static_cast<double>(run_.plan.batch);
      interval_ = from_seconds(static_cast<double>(run_.plan.producers) / batches);
      // Spread, so that the producers do not all send at the same moment.
      intended_ = run_.start + interval_ * static_cast<Nanoseconds>(index_) /
                                   static_cast<Nanoseconds>(run_.plan.producers);
    }
    next();
  }

  void on_sent() override {
    const Nanoseconds now = monotonic_now();
    run_.ledger.acknowledge(first_, count_);
    run_.last_progress.store(now, std::memory_order_relaxed);
    if (now >= run_.measure_from) {
      tally_.send.record(now - begun_);
      tally_.sent += count_;
      ++tally_.requests;
      tally_.last_event = now;
    }
    next();
  }

  void on_received(std::span<const std::uint64_t>) override { CHECK(false); }
  void on_removed() override { CHECK(false); }

  void on_failed(std::string_view reason, bool usable) override {
    count_failure(tally_, reason);
    if (usable) {
      next();
    } else {
      close();
    }
  }

 private:
  void next() {
    const Nanoseconds now = monotonic_now();
    begun_ = interval_ > 0 ? intended_ : now;
    if (open_ && begun_ > now && begun_ < run_.stop_at) {
      loop_.call_at(begun_, [this] { send_batch(); });
      return;
    }
    send_batch();
  }

  void send_batch() {
    if (!open_) {
      return;
    }
    if (std::max(begun_, monotonic_now()) >= run_.stop_at || !claim()) {
      close();
      return;
    }
    intended_ += interval_;
    first_ = run_.ledger.take(count_);
    if (run_.plan.times != nullptr) run_.plan.times->sent(first_, count_, begun_);
    client_->send(first_, count_);
  }

  // Takes the next batch out of the count that the plan allows.
  bool claim() {
    count_ = run_.plan.batch;
    if (run_.plan.count == 0) {
      return true;
    }
    const std::uint64_t before = run_.messages_started.fetch_add(count_);
    count_ = static_cast<std::size_t>(
        std::min<std::uint64_t>(count_, run_.plan.count - std::min(before, run_.plan.count)));
    return count_ > 0;
  }

  void close() {
    if (std::exchange(open_, false)) {
      --run_.producers_open;
    }
  }

  Run& run_;
  Tally& tally_;
  EventLoop& loop_;
  std::size_t index_;
  Nanoseconds interval_ = 0;  // between intended starts; 0: closed loop
  Nanoseconds intended_ = 0;
  Nanoseconds begun_ = 0;  // from where the latency of the batch in flight counts
  std::uint64_t first_ = 0;
  std::size_t count_ = 0;
  bool open_ = true;
  std::unique_ptr<Client> client_;
};

class Consumer final : public ClientEvents {
 public:
  Consumer(Run& run, Tally& tally, EventLoop& loop, const ClientFactory& make, std::size_t index)
      : run_(run),
        tally_(tally),
        loop_(loop),
        random_(index),
        client_(make(loop, *this, false, index)) {}

  void start() { receive(); }

  void on_sent() override { CHECK(false); }

  void on_received(std::span<const std::uint64_t> numbers) override {
    const Nanoseconds now = monotonic_now();
    const bool measured = now >= run_.measure_from;
    tally_.requests += measured ? 1 : 0;
    if (numbers.empty()) {
      tally_.empty_receives += measured ? 1 : 0;
      receive();
      return;
    }
    numbers_.assign(numbers.begin(), numbers.end());
    run_.ledger.receive(numbers_);
    if (measured) {
      tally_.receive.record(now - begun_);
      tally_.received += numbers_.size();
      tally_.last_event = now;
    }
    note_times(now, measured);
    if (run_.plan.work > 0) {
      // Never the same, or the consumers would end by working in step.
      const auto range = static_cast<std::uint64_t>(run_.plan.work);
      const auto work = static_cast<Nanoseconds>(range / 2 + random_.below(range));
      loop_.call_at(now + work, [this] { remove(); });
    } else {
      remove();
    }
  }

  void on_removed() override {
    const Nanoseconds now = monotonic_now();
    run_.ledger.remove(numbers_);
    run_.last_progress.store(now, std::memory_order_relaxed);
    if (now >= run_.measure_from) {
      tally_.remove.record(now - begun_);
      tally_.removed += numbers_.size();
      ++tally_.requests;
      tally_.last_event = now;
    }
    receive();
  }

  void on_failed(std::string_view reason, bool usable) override {
    count_failure(tally_, reason);
    if (usable) {
      receive();
    } else if (std::exchange(open_, false)) {
      --run_.consumers_open;
    }
  }

 private:
  void receive() {
    begun_ = monotonic_now();
    client_->receive(run_.plan.batch);
  }

  void remove() {
    begun_ = monotonic_now();
    client_->remove();
  }

  void note_times(Nanoseconds now, bool measured) {
    if (run_.plan.times == nullptr) {
      return;
    }
    for (const std::uint64_t number : numbers_) {
      const std::optional<Nanoseconds> time = run_.plan.times->received(number, now);
      const bool quiet = !run_.plan.tenants.any() || run_.plan.tenants.of(number) > 0;
      if (time && quiet && measured) {
        tally_.queued.record(*time);
      }
    }
  }

  Run& run_;
  Tally& tally_;
  EventLoop& loop_;
  Random random_;
  Nanoseconds begun_ = 0;
  std::vector<std::uint64_t> numbers_;
  bool open_ = true;
  std::unique_ptr<Client> client_;
};

// One thread's share of the connections.
class Worker {
 public:
  explicit Worker(Run& run) : run_(run) {}

  void add_producer(const ClientFactory& make, std::size_t index) {
    producers_.push_back(std::make_unique<Producer>(run_, tally_, loop_, make, index));
  }
  void add_consumer(const ClientFactory& make, std::size_t index) {
    consumers_.push_back(std::make_unique<Consumer>(run_, tally_, loop_, make, index));
  }
  const Tally& tally() const { return tally_; }

  void run() {
    while (monotonic_now() < run_.start) {
      loop_.turn(run_.start);
    }
    for (const auto& consumer : consumers_) {
      consumer->start();
    }
    for (const auto& producer : producers_) {
      producer->start();
    }
    while (!ended()) {
      loop_.turn(monotonic_now() + kGlance);
    }
  }

 private:
  bool ended() {
    if (monotonic_now() - run_.last_progress.load(std::memory_order_relaxed) > run_.plan.patience) {
      run_.gave_up = true;
    }
    if (run_.gave_up) {
      return true;
    }
    if (run_.producers_open > 0) {
      return false;
    }
    return run_.plan.consumers == 0 || run_.consumers_open == 0 || !run_.plan.drain ||
           run_.ledger.settled();
  }

  Run& run_;
  Tally tally_;
  EventLoop loop_;
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<std::unique_ptr<Consumer>> consumers_;
};

std::optional<ServerSample> sample(const LoadPlan& plan) {
  return plan.server ? sample_server(*plan.server) : std::nullopt;
}

}  // namespace

void Tally::merge(const Tally& other) {
  send.merge(other.send);
  receive.merge(other.receive);
  remove.merge(other.remove);
  queued.merge(other.queued);
  sent += other.sent;
  received += other.received;
  removed += other.removed;
  requests += other.requests;
  empty_receives += other.empty_receives;
  if (failures == 0) {
    first_failure = other.first_failure;
  }
  failures += other.failures;
  last_event = std::max(last_event, other.last_event);
}

LoadResult run_load(const LoadPlan& plan, const ClientFactory& make_client, Ledger& ledger) {
  CHECK(plan.threads > 0 && plan.batch > 0 && plan.producers + plan.consumers > 0);
  Run run{.plan = plan, .ledger = ledger};
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < plan.threads; ++i) {
    workers.push_back(std::make_unique<Worker>(run));
  }
  for (std::size_t i = 0; i < plan.producers; ++i) {
    workers[i % plan.threads]->add_producer(make_client, i);
  }
  for (std::size_t i = 0; i < plan.consumers; ++i) {
    workers[i % plan.threads]->add_consumer(make_client, i);
  }
  run.producers_open = plan.producers;
  run.consumers_open = plan.consumers;
  run.start = monotonic_now() + kLead;
  run.measure_from = run.start + plan.warmup;
  run.stop_at = run.measure_from + plan.duration;
  run.last_progress = run.start;

  std::vector<std::thread> threads;
  threads.reserve(workers.size());
  for (const auto& worker : workers) {
    threads.emplace_back([&worker] { worker->run(); });
  }
  std::this_thread::sleep_for(std::chrono::nanoseconds(run.measure_from - monotonic_now()));
  LoadResult result;
  result.server_before = sample(plan);
  const double own_cpu_before = own_cpu_seconds();
  for (std::thread& thread : threads) {
    thread.join();
  }
  result.server_after = sample(plan);
  result.own_cpu_seconds = own_cpu_seconds() - own_cpu_before;
  for (const auto& worker : workers) {
    result.tally.merge(worker->tally());
  }
  result.elapsed = std::max<Nanoseconds>(result.tally.last_event - run.measure_from, 0);
  result.gave_up = run.gave_up;
  return result;
}

}  // namespace millrace::bench
