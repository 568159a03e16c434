#include "runtime/shard_driver.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "runtime/reader.h"

namespace millrace {

namespace asio = boost::asio;

namespace {

// Between two housekeepings that the store wants: the rows of so long a time are applied together.
constexpr Milliseconds kHousekeepingPause = 50;
constexpr std::size_t kRelocationsAtOnce = 64;
constexpr Milliseconds kReopenDelayMin = 100;
constexpr Milliseconds kReopenDelayMax = seconds(5);
// A shard that has served for so long without a failure begins with the shortest delay again.
constexpr Milliseconds kReopenDelayForgotten = seconds(60);
// A timer is set no further ahead than this, so that no moment overflows the timer's own clock.
constexpr Milliseconds kTimerMax = seconds(3600);

}  // namespace

std::uint64_t SpaceMarks::default_for(std::uint64_t capacity_bytes) {
  const std::uint64_t twentieth = capacity_bytes / 20;
  const std::uint64_t tenth = capacity_bytes / 10;
  return std::max(twentieth, std::min(tenth, std::uint64_t{1} << 30));
}

// A receive from its start to its answer, in the frame of the coroutine that asked for it.
class ShardDriver::WaitingReceive final : public ReceiveCall {
 public:
  explicit WaitingReceive(const ReceiveRequest& wanted) : request(wanted) {}

  void replied(Expected<ReceiveResult> answer) override {
    result.emplace(std::move(answer));
    if (self) *self = nullptr;
    if (const std::unique_ptr<Suspension> resumed = std::move(suspension)) resumed->resume();
  }

  ReceiveRequest request;
  std::optional<Expected<ReceiveResult>> result;
  std::unique_ptr<Suspension> suspension;
  WaiterId waiter;
  // Told to whoever may cancel the receive after it has gone.
  std::shared_ptr<WaitingReceive*> self;
};

ShardDriver::ShardDriver(asio::io_context& context, asio::thread_pool& background,
                         ShardDriverOptions options)
    : context_(context),
      background_(background),
      options_(std::move(options)),
      metrics_(options_.metrics != nullptr ? *options_.metrics : unread_metrics_),
      completion_(context),
      timer_(context),
      housekeeping_timer_(context) {}

ShardDriver::~ShardDriver() {
  if (completion_.is_open()) completion_.release();
}

// --- opening ---

StoreResult<std::unique_ptr<Loop>> ShardDriver::restore(std::shared_ptr<Store>& store) {
  StoreResult<std::shared_ptr<Store>> opened = options_.open_store();
  if (!opened) return opened.error();
  store = std::move(*opened);
  ShardOptions shard = options_.shard;
  shard.epoch = store->epoch();
  shard.batch_bytes_max =
      std::min(shard.batch_bytes_max, store->batch_bytes_max() - (std::size_t{5} << 18));
  auto loop = std::make_unique<Loop>(shard);
  const std::unique_ptr<Snapshot> snapshot = store->snapshot();
  for (const Family family : Shard::kRestored) {
    const auto restored =
        for_each_page(*snapshot, family, [&](const std::vector<Row>& rows) -> StoreResult<void> {
          for (const Row& row : rows) {
            if (!loop->shard().restore(family, row.key, row.value)) {
              return StoreError("a row that describes a queue is malformed", true);
            }
          }
          return {};
        });
    if (!restored) return restored.error();
  }
  return loop;
}

void ShardDriver::adopt(std::shared_ptr<Store> store, std::unique_ptr<Loop> loop) {
  store_ = std::move(store);
  loop_ = std::move(loop);
  ++generation_;
  if (store_->completion_descriptor() >= 0) completion_.assign(store_->completion_descriptor());
  opened_at_ = options_.clock->now();
  loop_->shard().finish_restore(opened_at_);
  refusing_ = false;
  metrics_.sends_refused.set(0);
  note_space(store_->space());
}

StoreResult<void> ShardDriver::open() {
  std::shared_ptr<Store> store;
  StoreResult<std::unique_ptr<Loop>> loop = restore(store);
  if (!loop) return loop.error();
  adopt(std::move(store), std::move(*loop));
  asio::post(context_, [this] {
    pump();
    schedule_housekeeping();
  });
  return {};
}

// --- doors ---

void ShardDriver::submit(ShardCall& call) {
  if (!loop_ || stopped_) return call.failed(ApiError(ErrorCode::service_unavailable));
  loop_->submit(call, options_.clock->now());
  schedule();
}

void ShardDriver::start_receive(WaitingReceive& receive) {
  if (!loop_) return receive.replied(ApiError(ErrorCode::service_unavailable));
  const WaiterId waiter = loop_->receive(receive, receive.request, options_.clock->now());
  // One that has been answered may be gone: its coroutine goes on at once, on another thread.
  if (waiter != WaiterId{}) receive.waiter = waiter;
  schedule();
}

void ShardDriver::cancel_receive(WaiterId waiter, const std::shared_ptr<WaitingReceive*>& receive) {
  WaitingReceive* const waiting = *receive;
  if (waiting == nullptr || !loop_ || !loop_->cancel(waiter, options_.clock->now())) return;
  waiting->replied(ReceiveResult{});
  schedule();
}

asio::awaitable<Expected<ReceiveResult>> ShardDriver::receive(ReceiveRequest request,
                                                              HangUpWatch* hang_up) {
  WaitingReceive receive(request);
  const bool here = on_thread();
  if (here) {
    start_receive(receive);
    if (receive.result) co_return std::move(*receive.result);
  }
  // Only a poll that waits needs to hear that its client has gone.
  if (hang_up != nullptr && request.wait > 0) {
    receive.self = std::make_shared<WaitingReceive*>(&receive);
    hang_up->watch([this, self = receive.self] {
      asio::dispatch(context_, [this, self] {
        if (*self != nullptr) cancel_receive((*self)->waiter, self);
      });
    });
  }
  co_await suspend([this, &receive, here](std::unique_ptr<Suspension> suspension) {
    receive.suspension = std::move(suspension);
    if (!here) asio::post(context_, [this, &receive] { start_receive(receive); });
  });
  co_return std::move(*receive.result);
}

void ShardDriver::take_transfer(Transfer transfer) {
  asio::post(context_, [this, transfer = std::move(transfer)] {
    if (!loop_ || stopped_) return;  // it is sent again once this shard is open
    loop_->shard().apply_transfer(transfer, options_.clock->now());
    schedule();
  });
}

void ShardDriver::take_transfer_result(TransferResult result) {
  asio::post(context_, [this, result = std::move(result)] {
    if (!loop_) return;
    loop_->shard().transfer_done(result, options_.clock->now());
    schedule();
  });
}

void ShardDriver::resend_transfers(std::uint16_t shard) {
  asio::post(context_, [this, shard] {
    if (!loop_) return;
    loop_->shard().resend_transfers(shard);
    schedule();
  });
}

void ShardDriver::wake() {
  asio::post(context_, [this] {
    pump();
    if (options_.clock->now() >= reopen_at_) reopen();
  });
}

// --- the loop's turns ---

// One pump for all the calls of a turn: it stands behind the handlers that are ready now, so what
// they bring goes into one commit.
void ShardDriver::schedule() {
  if (pump_scheduled_) return;
  pump_scheduled_ = true;
  asio::post(context_, [this] { pump(); });
}

void ShardDriver::pump() {
  pump_scheduled_ = false;
  if (!loop_) return;
  const Timestamp now = options_.clock->now();
  loop_->turn(now);
  carry(now);
}

void ShardDriver::carry(Timestamp now) {
  for (const Load& load : loop_->take_loads()) start_load(load);
  for (Transfer& transfer : loop_->take_transfers()) options_.send_transfer(std::move(transfer));
  for (TransferResult& result : loop_->take_transfer_results()) {
    options_.answer_transfer(std::move(result));
  }
  if (holding_) return;  // release_commits() comes back here
  if (const WriteBatch* batch = loop_->next_batch(now)) {
    bytes_since_space_ += batch->bytes();
    metrics_.commit_bytes.add(batch->bytes());
    commit_watch_ = Stopwatch();
    store_->commit(*batch);
    loop_->batch_taken();
    await_commit();
  }
  note_growth();
  if (housekeeping_due(now)) housekeep(now);
  if (stopped_ && loop_->drained()) {
    completion_.release();
    timer_.cancel();
    housekeeping_timer_.cancel();
    loop_->fail(ApiError(ErrorCode::service_unavailable));
    loop_.reset();
    store_.reset();  // the last owner closes it; a load under way may hold it a little longer
    std::exchange(stopped_, nullptr)();
    return;
  }
  arm_timer(now);
}

void ShardDriver::start_load(const Load& load) {
  metrics_.loads.add();
  const bool apart = load.for_look() && options_.looking != nullptr;
  asio::thread_pool& pool = apart ? *options_.looking : background_;
  asio::post(pool, [this, load, store = store_, generation = generation_]() mutable {
    StoreResult<LoadResult> result = perform_load(load, *store, options_.report);
    store.reset();
    asio::post(context_, [this, generation, result = std::move(result)] {
      if (generation != generation_ || !loop_) return;
      if (!result) return fail(result.error());
      const Timestamp now = options_.clock->now();
      loop_->loaded(*result, now);
      carry(now);
    });
  });
}

void ShardDriver::await_commit() {
  if (!completion_.is_open()) return;
  completion_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [this, generation = generation_](boost::system::error_code error) {
                           if (error || generation != generation_ || !loop_) return;
                           commit_finished();
                         });
}

void ShardDriver::commit_finished() {
  const std::optional<StoreResult<PayloadPlaces>> outcome = store_->finish();
  if (!outcome) return await_commit();
  if (!*outcome) return fail(outcome->error());
  metrics_.commits.add();
  metrics_.commit_durations.observe(commit_watch_.microseconds());
  const Timestamp now = options_.clock->now();
  loop_->committed(**outcome, now);
  if (held_) std::exchange(held_, nullptr)(store_);
  // What the replies bring at once is ready by now and belongs into the next commit.
  schedule();
}

void ShardDriver::arm_timer(Timestamp now) {
  const Timestamp next = loop_->next_event();
  if (next == timer_at_) return;
  timer_at_ = next;
  if (next == kNever) {
    timer_.cancel();
    return;
  }
  const Milliseconds wait = std::clamp<Milliseconds>(next - now, 0, kTimerMax);
  timer_.expires_after(std::chrono::milliseconds(wait));
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    timer_at_ = kNever;
    pump();
  });
}

// --- failure ---

// The outcome of the last commit is unknown: everything in memory is dropped, and the shard starts
// again from what is on disk.
void ShardDriver::fail(const StoreError& error) {
  metrics_.failures.add();
  if (completion_.is_open()) completion_.release();
  ++generation_;
  timer_.cancel();
  timer_at_ = kNever;
  const std::unique_ptr<Loop> failed = std::move(loop_);
  store_.reset();
  if (held_) std::exchange(held_, nullptr)(nullptr);
  const std::string cause =
      "shard " + std::to_string(options_.shard.number) + " failed: " + error.message();
  if (stopped_) {
    options_.report(cause);
  } else {
    if (options_.clock->now() - opened_at_ >= kReopenDelayForgotten) reopen_delay_ = 0;
    reopen_later(cause);
  }
  if (failed) failed->fail(ApiError(ErrorCode::service_unavailable));
  if (stopped_) std::exchange(stopped_, nullptr)();
}

// What makes a shard fail may do so each time that it is open, as a sector does that cannot be
// read; so the delay goes on growing where opening succeeds.
void ShardDriver::reopen_later(const std::string& cause) {
  reopen_delay_ = std::clamp(reopen_delay_ * 2, kReopenDelayMin, kReopenDelayMax);
  reopen_at_ = options_.clock->now() + reopen_delay_;
  options_.report(cause + "; it is opened again in " + std::to_string(reopen_delay_) + " ms");
  timer_.expires_after(std::chrono::milliseconds(reopen_delay_));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) reopen();
  });
}

void ShardDriver::reopen() {
  if (reopen_at_ == kNever) return;
  reopen_at_ = kNever;
  timer_.cancel();
  reopening_ = true;
  asio::post(background_, [this] {
    std::shared_ptr<Store> store;
    auto loop = std::make_shared<StoreResult<std::unique_ptr<Loop>>>(restore(store));
    asio::post(context_, [this, store = std::move(store), loop] {
      reopening_ = false;
      reopened(store, std::move(*loop));
    });
  });
}

void ShardDriver::reopened(const std::shared_ptr<Store>& store,
                           StoreResult<std::unique_ptr<Loop>> loop) {
  if (stopped_) return std::exchange(stopped_, nullptr)();
  if (!loop) {
    return reopen_later("shard " + std::to_string(options_.shard.number) +
                        " cannot be opened: " + loop.error().message());
  }
  adopt(store, std::move(*loop));
  if (options_.reopened) options_.reopened(loop_->shard());
  pump();
  schedule_housekeeping();
}

// --- housekeeping ---

void ShardDriver::schedule_housekeeping() {
  housekeeping_timer_.expires_after(std::chrono::milliseconds(options_.housekeeping_interval));
  housekeeping_timer_.async_wait([this](boost::system::error_code error) {
    if (error || !loop_) return;
    if (!housekeeping_) housekeep(options_.clock->now());
    schedule_housekeeping();
  });
}

bool ShardDriver::housekeeping_due(Timestamp now) const {
  if (housekeeping_) return false;
  if (bytes_since_space_ > refuse_below_ / 8) return true;
  return !maintenance_failed_ && now - housekept_at_ >= kHousekeepingPause &&
         store_->wants_maintenance();
}

void ShardDriver::housekeep(Timestamp now) {
  housekeeping_ = true;
  housekept_at_ = now;
  bytes_since_space_ = 0;
  asio::post(background_, [this, store = store_, generation = generation_]() mutable {
    StoreResult<void> maintained;
    if (store->wants_maintenance()) maintained = store->maintain();
    auto candidates = store->relocation_candidates(kRelocationsAtOnce);
    if (!maintained) options_.report("housekeeping of a store: " + maintained.error().message());
    if (!candidates) options_.report("housekeeping of a store: " + candidates.error().message());
    const StoreSpace space = store->space();
    store.reset();
    const bool failed = !maintained;
    asio::post(context_, [this, generation, space, failed, candidates = std::move(candidates)] {
      housekeeping_ = false;
      maintenance_failed_ = failed;
      if (generation != generation_ || !loop_) return;
      note_space(space);
      if (candidates) {
        const Timestamp moment = options_.clock->now();
        for (const RelocationCandidate& candidate : *candidates) {
          loop_->shard().relocate(candidate.owner_key, candidate.place, moment);
        }
      }
      pump();
    });
  });
}

void ShardDriver::note_space(const StoreSpace& space) {
  refuse_below_ = options_.space.refuse_below_bytes > 0
                      ? options_.space.refuse_below_bytes
                      : SpaceMarks::default_for(space.capacity_bytes);
  metrics_.store_bytes.set(space.used_bytes);
  metrics_.disk_available_bytes.set(space.available_bytes);
  note_usage();
  if (space.capacity_bytes == 0) return;  // a store in memory
  const std::uint64_t resume_above = refuse_below_ + refuse_below_ / 4;
  const bool refuse = space.available_bytes < (refusing_ ? resume_above : refuse_below_);
  if (refuse == refusing_) return;
  refusing_ = refuse;
  metrics_.sends_refused.set(refuse ? 1 : 0);
  const std::string cause =
      "The disk of the server is nearly full: " + std::to_string(space.available_bytes >> 20) +
      " MiB are left. Receive and delete messages, or purge queues, to make room.";
  loop_->shard().refuse_sends(refuse ? cause : std::string());
  options_.report(refuse ? cause : "There is room on the disk again: sends are taken.");
}

void ShardDriver::note_usage() {
  const Shard::Usage usage = loop_->shard().usage();
  metrics_.memory_bytes.set(usage.memory_used);
  metrics_.reply_bytes.set(usage.reply_bytes);
  metrics_.queues.set(usage.queues);
}

void ShardDriver::note_growth() {
  const std::size_t used = loop_->shard().usage().memory_used;
  if (used < memory_told_ || !options_.memory_grows) return;
  memory_told_ = used + kMemoryStep;
  asio::post(background_, [this] { options_.memory_grows(); });
}

// --- holding ---

void ShardDriver::hold_commits(std::function<void(const std::shared_ptr<Store>& store)> held) {
  asio::post(context_, [this, held = std::move(held)]() mutable {
    holding_ = true;
    if (loop_ && loop_->committing()) {
      held_ = std::move(held);
    } else {
      held(loop_ ? store_ : nullptr);
    }
  });
}

void ShardDriver::release_commits() {
  asio::post(context_, [this] {
    holding_ = false;
    pump();
  });
}

// --- stopping ---

void ShardDriver::stop(std::function<void()> stopped) {
  asio::post(context_, [this, stopped = std::move(stopped)]() mutable {
    if (!loop_ && !reopening_) {
      reopen_at_ = kNever;
      timer_.cancel();
      return stopped();
    }
    stopped_ = std::move(stopped);
    if (!loop_) return;  // reopened() goes on
    const Timestamp now = options_.clock->now();
    loop_->stop(now);
    carry(now);
  });
}

}  // namespace millrace
