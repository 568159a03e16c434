#include "sim/driver.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "runtime/reader.h"

namespace millrace::sim {

namespace {

constexpr std::array<std::uint8_t, 32> kKey{7, 7, 7};

// A disk that is slow takes so long for one commit.
constexpr Milliseconds kStallMax = seconds(40);

// A reply that comes so late may have been made long before, and held for another shard's answer.
constexpr Milliseconds kHeldMin = seconds(5);

// A round of relocations looks at so many blocks.
constexpr std::size_t kRelocationsAtOnce = 16;

}  // namespace

// --- time ---

void Events::after(Milliseconds delay, std::function<void()> action) {
  actions_.emplace(std::pair(now() + delay, random_.next()), std::move(action));
}

bool Events::step(Timestamp until) {
  if (actions_.empty() || actions_.begin()->first.first > until) {
    clock_.advance(std::max<Milliseconds>(until - now(), 0));
    return false;
  }
  auto next = actions_.extract(actions_.begin());
  const Milliseconds passed = std::max<Milliseconds>(next.key().first - now(), 0);
  clock_.advance(passed);
  steps_ = passed > 0 ? 1 : steps_ + 1;
  next.mapped()();
  return true;
}

// --- the process ---

World::World(const Plan& chosen, std::uint64_t seed)
    : plan(chosen), events(seed ^ 0x9e3779b97f4a7c15), sealer(kKey), ids(kKey), fingerprints(kKey) {
  for (unsigned number = 0; number < plan.shards; ++number) {
    drivers.push_back(std::make_unique<Driver>(*this, number));
  }
}

void World::post(unsigned from, unsigned to, std::function<void()> action) {
  Timestamp& last = channels_[{from, to}];
  last = std::max(last + 1, events.now() + static_cast<Milliseconds>(events.random().below(3)));
  events.after(last - events.now(), [this, process = process_, action = std::move(action)] {
    if (process == process_) action();
  });
}

void World::kill() {
  ++process_;
  for (const auto& driver : drivers) {
    driver->crash(events.random().chance(1, 2) ? FaultStore::InFlight::kept
                                               : FaultStore::InFlight::lost);
  }
  set_clock();
}

// As a start does (server/engine.h): the wall clock, but nothing that is before what any store
// remembers.
void World::set_clock() {
  if (plan.clock_step_max == 0 || !faults || events.random().chance(1, 2)) return;
  const auto range = static_cast<std::uint64_t>(2 * plan.clock_step_max + 1);
  const auto off = static_cast<Milliseconds>(events.random().below(range)) - plan.clock_step_max;
  const Timestamp from = events.now() + 1;
  Timestamp start = from + off;
  for (const auto& driver : drivers) start = std::max(start, driver->last_time());
  clock.step(from, start - from);
  clock_stepped(from, start - from);
}

// --- calls ---

class Driver::Call final : public ShardCall {
 public:
  Call(Driver& driver, std::uint64_t number, std::function<void(Shard&, Timestamp)> run,
       std::function<void(Outcome)> ended)
      : driver_(driver), number_(number), run_(std::move(run)), ended_(std::move(ended)) {}

  void run(Shard& shard, Timestamp now) override {
    has_run_ = true;
    run_(shard, now);
  }
  void done() override { end(Outcome::done); }
  void failed(const ApiError&) override { end(has_run_ ? Outcome::unknown : Outcome::refused); }

  bool has_run() const { return has_run_; }
  // Tells the client; what follows, it does not hear.
  void acknowledge(Outcome outcome) {
    if (const auto ended = std::exchange(ended_, nullptr)) ended(outcome);
  }

 private:
  void end(Outcome outcome) {
    acknowledge(outcome);
    driver_.calls_.erase(number_);
  }

  Driver& driver_;
  const std::uint64_t number_;
  std::function<void(Shard&, Timestamp)> run_;
  std::function<void(Outcome)> ended_;
  bool has_run_ = false;
};

class Driver::Receive final : public ReceiveCall {
 public:
  Receive(Driver& driver, std::uint64_t number, Replied replied)
      : driver_(driver),
        number_(number),
        requested_at_(driver.events_.now()),
        replied_(std::move(replied)) {}

  void replied(Expected<ReceiveResult> result) override {
    const Timestamp now = driver_.events_.now();
    const bool failed = !result && result.error().code() == ErrorCode::service_unavailable;
    const bool late = driver_.in_commit_ || now - requested_at_ >= kHeldMin;
    // Within the millisecond of its request, too, others may have been answered since it was made.
    end(failed ? Outcome::unknown : Outcome::done, std::move(result),
        {late ? requested_at_ - 1 : now, now});
  }
  void lost() {
    end(Outcome::unknown, ApiError(ErrorCode::service_unavailable), {requested_at_, requested_at_});
  }

  WaiterId waiter;

 private:
  void end(Outcome outcome, Expected<ReceiveResult> result, Moment moment) {
    const auto self = std::move(driver_.receives_.extract(number_).mapped());
    replied_(outcome, std::move(result), moment);
  }

  Driver& driver_;
  const std::uint64_t number_;
  const Timestamp requested_at_;
  Replied replied_;
};

Driver::Driver(World& world, unsigned number)
    : world_(world),
      events_(world.events),
      random_(world.events.random()),
      number_(number),
      store_(std::make_unique<FaultStore>()) {}

Driver::~Driver() = default;

void Driver::submit(std::function<void(Shard&, Timestamp)> run,
                    std::function<void(Outcome)> ended) {
  if (!up()) return ended(Outcome::refused);
  const std::uint64_t number = next_call_++;
  auto made = std::make_unique<Call>(*this, number, std::move(run), std::move(ended));
  Call& call = *made;
  calls_.emplace(number, std::move(made));
  loop_->submit(call, world_.now());
  schedule();
}

std::uint64_t Driver::receive(const ReceiveRequest& request, Replied replied) {
  const std::uint64_t number = next_receive_++;
  if (!up()) {
    replied(Outcome::refused, ApiError(ErrorCode::service_unavailable), {});
    return number;
  }
  Receive& receive =
      *receives_.emplace(number, std::make_unique<Receive>(*this, number, std::move(replied)))
           .first->second;
  const WaiterId waiter = loop_->receive(receive, request, world_.now());
  if (const auto waiting = receives_.find(number); waiting != receives_.end()) {
    waiting->second->waiter = waiter;
  }
  schedule();
  return number;
}

bool Driver::cancel(std::uint64_t receive) {
  const auto waiting = receives_.find(receive);
  if (waiting == receives_.end() || !loop_->cancel(waiting->second->waiter, world_.now())) {
    return false;
  }
  receives_.erase(receive);
  schedule();
  return true;
}

// --- between shards ---

void Driver::take_transfer(const Transfer& transfer) {
  if (!up()) return;  // it is sent again once this shard is open
  loop_->shard().apply_transfer(transfer, world_.now());
  schedule();
}

void Driver::take_transfer_result(const TransferResult& result) {
  if (!loop_) return;
  loop_->shard().transfer_done(result, world_.now());
  schedule();
}

void Driver::resend_transfers(unsigned shard) {
  if (!loop_) return;
  loop_->shard().resend_transfers(static_cast<std::uint16_t>(shard));
  schedule();
}

// --- opening and closing ---

ShardOptions Driver::options() const {
  ShardOptions options;
  options.number = static_cast<std::uint16_t>(number_);
  options.epoch = store_->epoch();
  options.memory_bytes = world_.plan.memory_bytes;
  options.batch_bytes_max = world_.plan.batch_bytes_max;
  options.sealer = &world_.sealer;
  options.ids = &world_.ids;
  options.fingerprints = &world_.fingerprints;
  options.keys = &world_.keys;
  options.find_queue = world_.find_queue;
  return options;
}

Timestamp Driver::last_time() const {
  Loop loop(options());
  const auto rows = store_->snapshot()->scan(Family::meta, {}, {}, SIZE_MAX);
  CHECK(rows);
  for (const Row& row : *rows) CHECK(loop.shard().restore(Family::meta, row.key, row.value));
  return loop.shard().last_time();
}

void Driver::open() {
  CHECK(!loop_);
  ++generation_;
  timer_at_ = kNever;
  pump_scheduled_ = false;
  stopping_ = false;
  told_early_ = false;
  store_->hold_commits(true);
  if (world_.plan.mutation.before_start != nullptr) {
    WriteBatch changes;
    world_.plan.mutation.before_start(*store_->snapshot(), changes);
    store_->commit(changes);
    store_->complete_commit();
    CHECK(store_->finish());
  }
  loop_ = std::make_unique<Loop>(options());
  const std::unique_ptr<Snapshot> snapshot = store_->snapshot();
  for (const Family family : Shard::kRestored) {
    const auto rows = snapshot->scan(family, {}, {}, SIZE_MAX);
    CHECK(rows);
    for (const Row& row : *rows) CHECK(loop_->shard().restore(family, row.key, row.value));
  }
  loop_->shard().finish_restore(world_.now());
  tell_space();
  world_.opened(number_);
  for (unsigned other = 0; other < world_.drivers.size(); ++other) {
    if (other == number_ || !world_.drivers[other]) continue;
    world_.post(number_, other,
                [this, other] { world_.drivers[other]->resend_transfers(number_); });
  }
  schedule();
}

void Driver::lose_calls() {
  for (const auto& [number, call] : std::exchange(calls_, {})) {
    call->acknowledge(call->has_run() ? Outcome::unknown : Outcome::refused);
  }
  while (!receives_.empty()) receives_.begin()->second->lost();
}

void Driver::close() {
  ++generation_;
  loop_.reset();
}

void Driver::crash(FaultStore::InFlight in_flight) {
  if (!loop_) {
    ++generation_;
    return reopen_later();
  }
  ++world_.disturbances;
  close();
  store_ = store_->crash(in_flight);
  world_.crashed(number_);
  lose_calls();
  reopen_later();
}

// The store said that a commit or a read failed: the calls are told, and the shard starts again.
void Driver::fail(FaultStore::InFlight in_flight) {
  const std::unique_ptr<Loop> failed = std::move(loop_);
  ++world_.disturbances;
  close();
  store_ = store_->crash(in_flight);
  world_.crashed(number_);
  failed->fail(ApiError(ErrorCode::service_unavailable));
  CHECK(calls_.empty() && receives_.empty());
  reopen_later();
}

void Driver::reopen_later() {
  const auto down = random_.below(static_cast<std::uint64_t>(world_.plan.down_time_max) + 1);
  // A clock that was set counts from the next millisecond on, and what is asked then may be noted
  // as of the millisecond before.
  events_.after(2 + static_cast<Milliseconds>(down), [this, generation = generation_] {
    if (generation == generation_) open();
  });
}

// As the server finds out once a second.
void Driver::tell_space() {
  if (loop_) loop_->shard().refuse_sends(full_ ? "The disk of the server is nearly full." : "");
}

void Driver::fill_disk(Milliseconds time) {
  if (std::exchange(full_, true)) return;
  tell_space();
  events_.after(time, [this] { free_disk(); });
}

void Driver::free_disk() {
  if (!std::exchange(full_, false)) return;
  tell_space();
  schedule();
}

bool Driver::rarely(std::uint64_t times) const {
  return world_.faults && times > 0 && random_.chance(1, times);
}

void Driver::restart() {
  if (!up()) return;
  ++world_.disturbances;  // receives are answered with nothing from here on
  stopping_ = true;
  in_commit_ = true;
  loop_->stop(world_.now());
  in_commit_ = false;
  carry();
}

// --- the loop's turns ---

void Driver::schedule() {
  if (pump_scheduled_ || !loop_) return;
  pump_scheduled_ = true;
  events_.after(0, [this, generation = generation_] {
    if (generation == generation_) pump();
  });
}

void Driver::pump() {
  pump_scheduled_ = false;
  loop_->turn(world_.now());
  carry();
}

void Driver::carry() {
  const Timestamp now = world_.now();
  for (const Load& load : loop_->take_loads()) start_load(load);
  for (Transfer& transfer : loop_->take_transfers()) {
    const unsigned to = transfer.to_shard;
    world_.post(number_, to, [this, to, transfer = std::move(transfer)] {
      world_.drivers[to]->take_transfer(transfer);
    });
  }
  for (TransferResult& result : loop_->take_transfer_results()) {
    const unsigned to = result.transfer.from_shard;
    world_.post(number_, to, [this, to, result = std::move(result)] {
      world_.drivers[to]->take_transfer_result(result);
    });
  }
  in_commit_ = true;
  const WriteBatch* batch = told_early_ ? nullptr : loop_->next_batch(now);
  in_commit_ = false;
  if (batch != nullptr) commit(*batch);
  if (stopping_ && loop_->drained()) {
    const std::unique_ptr<Loop> drained = std::move(loop_);
    close();
    drained->fail(ApiError(ErrorCode::service_unavailable));
    store_ = store_->crash(FaultStore::InFlight::lost);  // nothing is in flight
    CHECK(calls_.empty() && receives_.empty());
    reopen_later();
    return;
  }
  arm_timer();
}

void Driver::start_load(const Load& load) {
  const auto time = [this] {
    return static_cast<Milliseconds>(
        random_.below(static_cast<std::uint64_t>(world_.plan.load_time_max) + 1));
  };
  events_.after(time(), [this, load, time, generation = generation_] {
    if (generation != generation_) return;
    const auto corrupt = [](const std::string& text) { check_failed(text.c_str(), "store", 0); };
    store_->fail_reads(rarely(world_.plan.loads_per_failure));
    auto result = std::make_shared<StoreResult<LoadResult>>(perform_load(load, *store_, corrupt));
    store_->fail_reads(false);
    events_.after(time(), [this, result, generation] {
      if (generation != generation_) return;
      if (!*result) {
        return fail(random_.chance(1, 2) ? FaultStore::InFlight::kept : FaultStore::InFlight::lost);
      }
      loop_->loaded(**result, world_.now());
      carry();
    });
  });
}

void Driver::commit(const WriteBatch& batch) {
  const auto time = [this] {
    return static_cast<Milliseconds>(
        random_.below(static_cast<std::uint64_t>(world_.plan.commit_time_max) + 1));
  };
  const auto at_once = [this](FaultStore::InFlight in_flight) {
    if (random_.chance(1, 2)) return crash(in_flight);
    world_.kill();
  };
  const std::uint64_t how = rarely(world_.plan.commits_per_crash) ? 1 + random_.below(5) : 0;
  const bool stalls = rarely(world_.plan.commits_per_stall);
  const Milliseconds stall =
      stalls ? static_cast<Milliseconds>(random_.below(static_cast<std::uint64_t>(kStallMax))) : 0;
  if (stalls) {
    ++world_.disturbances;
    ++world_.stalls;
  }
  if (how == 1) store_->fail_commit(1, FaultStore::InFlight::lost);
  if (how == 2) store_->fail_commit(1, FaultStore::InFlight::kept);
  store_->commit(mutated(batch, world_.plan.mutation));
  end_early(batch);
  loop_->batch_taken();
  events_.after(stall + time(), [this, how, stalls, time, at_once, generation = generation_] {
    if (stalls) --world_.stalls;
    if (generation != generation_) return;
    if (how == 1 || how == 2) return commit_finished();
    if (how == 3) return at_once(FaultStore::InFlight::lost);
    if (how == 4) return at_once(FaultStore::InFlight::kept);
    store_->complete_commit();
    events_.after(time(), [this, how, at_once, generation] {
      if (generation != generation_) return;
      if (how == 5) return at_once(FaultStore::InFlight::lost);  // durable, and nobody was told
      commit_finished();
    });
  });
}

// Where a mutation wants it, clients hear of a batch before it is durable.
void Driver::end_early(const WriteBatch& batch) {
  std::vector<Call*> run;
  for (const auto& [number, call] : calls_) {
    if (call->has_run()) run.push_back(call.get());
  }
  if (world_.plan.mutation.calls_end_early) {
    for (Call* call : run) call->acknowledge(Outcome::done);
  }
  if (world_.plan.mutation.receives_end_early && run.empty() && batch.payloads().empty()) {
    told_early_ = true;
    events_.after(0, [this, generation = generation_] {
      if (generation == generation_) loop_->committed({}, world_.now());
    });
  }
}

void Driver::commit_finished() {
  const std::optional<StoreResult<PayloadPlaces>> outcome = store_->finish();
  CHECK(outcome);
  if (!*outcome) return fail(FaultStore::InFlight::lost);
  if (std::exchange(told_early_, false)) return schedule();
  in_commit_ = true;
  loop_->committed(**outcome, world_.now());
  in_commit_ = false;
  schedule();
}

void Driver::arm_timer() {
  // What is due already waits for something else: a timer takes at least a millisecond.
  const Timestamp now = world_.now();
  const Timestamp next = std::max(loop_->next_event(), now + 1);
  if (next >= timer_at_ || loop_->next_event() == kNever) return;
  timer_at_ = next;
  events_.after(next - now, [this, next, generation = generation_] {
    if (generation != generation_ || timer_at_ != next) return;
    timer_at_ = kNever;
    pump();
  });
}

std::string Driver::text() const {
  std::string text = "shard " + std::to_string(number_) + ": " + std::to_string(calls_.size()) +
                     " calls, " + std::to_string(receives_.size()) + " receives";
  if (!loop_) return text + ", closed";
  if (stopping_) text += ", stopping";
  if (loop_->committing()) text += ", a commit in flight";
  if (loop_->next_event() != kNever) {
    text += ", next event in " + std::to_string(loop_->next_event() - world_.now()) + " ms";
  }
  return text;
}

void Driver::relocate_some() {
  if (!up()) return;
  const auto rows = store_->snapshot()->scan(Family::index, relocate_from_, {}, kRelocationsAtOnce);
  CHECK(rows);
  relocate_from_ = rows->size() < kRelocationsAtOnce ? "" : rows->back().key + '\0';
  for (const Row& row : *rows) {
    const std::optional<IndexRecord> index = parse_index(row.value);
    CHECK(index);
    if (random_.chance(1, 4)) loop_->shard().relocate(row.key, index->place, world_.now());
  }
  schedule();
}

}  // namespace millrace::sim
