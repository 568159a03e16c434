// ShardDriver: binds a shard's loop to its thread, its store and the clock. call() and receive()
// are the only doors to a shard.
//
// Both may be awaited on any thread's io_context; the operation runs on the shard's thread, and the
// caller goes on where it was. Everything else here belongs to the shard's thread, unless it says
// otherwise.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.h"
#include "base/http_message.h"
#include "observe/metrics.h"
#include "queue/loop.h"
#include "queue/shard.h"
#include "storage/store.h"

namespace millrace {

/// A coroutine that is suspended until somebody resumes it, on whatever thread it runs.
class Suspension {
 public:
  virtual ~Suspension() = default;
  /// Resumes the coroutine on its own thread; at once if that is this one.
  virtual void resume() = 0;
};

/// Suspends the calling coroutine. @param start given the means to resume it, which may be used at
/// once; it is called after the coroutine has been suspended.
template <class Start>
boost::asio::awaitable<void> suspend(Start start) {
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      [start = std::move(start)](auto handler) mutable {
        using Handler = decltype(handler);
        struct Held final : Suspension {
          explicit Held(Handler&& h) : handler(std::move(h)) {}
          void resume() override {
            const auto executor = boost::asio::get_associated_executor(handler);
            boost::asio::dispatch(executor, std::move(handler));
          }
          Handler handler;
        };
        start(std::make_unique<Held>(std::move(handler)));
      },
      boost::asio::use_awaitable);
}

/// Runs `work`, which may block, on a thread of `background` and resumes with its result. What
/// `work` captures must have no destructor: g++ 12 runs those of a closure in a co_await twice. The
/// same holds for suspend().
template <class Work>
boost::asio::awaitable<std::invoke_result_t<Work&>> in_background(
    boost::asio::thread_pool& background, Work work) {
  std::optional<std::invoke_result_t<Work&>> result;
  co_await suspend([&](std::unique_ptr<Suspension> suspension) {
    boost::asio::post(background, [&work, &result, suspension = std::move(suspension)] {
      result.emplace(work());
      suspension->resume();
    });
  });
  co_return std::move(*result);
}

/// When sends are refused because the disk is nearly full, and when they are taken again.
struct SpaceMarks {
  std::uint64_t refuse_below_bytes = 0;  // available; 0: the default for the disk's capacity
  /// The larger of 5 % and 1 GiB, but no more than a tenth of a small disk.
  static std::uint64_t default_for(std::uint64_t capacity_bytes);
};

struct ShardDriverOptions {
  ShardOptions shard;  // its epoch and batch size are the store's
  /// Opens the store; may block. Called at the start, and again after the shard has failed: 100 ms
  /// later, and each further time after twice as long, up to 5 s, until it has served for a minute.
  std::function<StoreResult<std::shared_ptr<Store>>()> open_store;
  const Clock* clock = nullptr;  // outlives the driver
  /// Where looks (Load::for_look) are carried out; null: where everything else is. As `background`.
  boost::asio::thread_pool* looking = nullptr;
  SpaceMarks space;
  /// Between two looks at the store and its disk; what the store wants at once comes earlier.
  Milliseconds housekeeping_interval = seconds(1);
  ShardMetrics* metrics = nullptr;  // outlives the driver; null: nobody wants to know
  /// For messages about the store. Any thread.
  std::function<void(const std::string&)> report;
  /// Takes a transfer to the shard that it names, and its answer back. On the shard's thread.
  std::function<void(Transfer)> send_transfer;
  std::function<void(TransferResult)> answer_transfer;
  /// After the shard was opened again, before it serves: gives its queues the settings that are not
  /// stored with them. On the shard's thread.
  std::function<void(Shard& shard)> reopened;
  /// The shard is about to take ShardDriver::kMemoryStep more memory than it ever did; for who
  /// makes it ready. May block: on a thread of the background. Null: nobody wants to know.
  std::function<void()> memory_grows;
};

class ShardDriver {
 public:
  static constexpr std::size_t kMemoryStep = std::size_t{4} << 20;

  /// @param context runs the shard's thread. @param background for what blocks. Both outlive the
  /// driver, or rather every handler that it has posted: stop() first.
  ShardDriver(boost::asio::io_context& context, boost::asio::thread_pool& background,
              ShardDriverOptions options);
  ~ShardDriver();
  ShardDriver(const ShardDriver&) = delete;
  ShardDriver& operator=(const ShardDriver&) = delete;

  /// Opens the store and restores the shard. Blocks; before the context runs.
  StoreResult<void> open();
  /// The last time that the store remembers. After open().
  Timestamp last_time() const { return loop_->shard().last_time(); }

  /// Runs `operation(Shard&, Timestamp now)` on the shard's thread and resumes with its result when
  /// everything that the operation saw or wrote is durable. The operation may run more than once
  /// (when it needs a block from disk). It returns an Expected.
  /// @return the operation's result; ServiceUnavailable when the shard has failed, stops, or has
  /// too many calls waiting.
  template <class Operation>
  boost::asio::awaitable<std::invoke_result_t<Operation&, Shard&, Timestamp>> call(
      Operation operation);

  /// Waits for messages. Ends early when `hang_up` (may be null) reports that the client has gone;
  /// then the result is empty and nothing is consumed.
  boost::asio::awaitable<Expected<ReceiveResult>> receive(ReceiveRequest request,
                                                          HangUpWatch* hang_up);

  /// A transfer from another shard, or the answer to one of ours. Any thread.
  void take_transfer(Transfer transfer);
  void take_transfer_result(TransferResult result);
  /// `shard` was opened again and may have forgotten transfers. Any thread.
  void resend_transfers(std::uint16_t shard);

  /// The clock was moved: looks at what is due. Any thread.
  void wake();

  /// Has the commit in flight end and begins no other until release_commits(); operations go on and
  /// wait for it. @param held called on the shard's thread, once: with the store, or with null if
  /// the shard is not open. Any thread.
  void hold_commits(std::function<void(const std::shared_ptr<Store>& store)> held);
  void release_commits();

  /// Ends waiting receives, writes everything, closes the store and calls `stopped`, on the shard's
  /// thread. Any thread.
  void stop(std::function<void()> stopped);

 private:
  template <class Operation>
  class OperationCall;
  class WaitingReceive;

  void submit(ShardCall& call);
  void start_receive(WaitingReceive& receive);
  void cancel_receive(WaiterId waiter, const std::shared_ptr<WaitingReceive*>& receive);

  void schedule();
  void pump();
  void carry(Timestamp now);
  void start_load(const Load& load);
  void await_commit();
  void commit_finished();
  void arm_timer(Timestamp now);
  void fail(const StoreError& error);
  void reopen_later(const std::string& cause);
  void reopen();
  void reopened(const std::shared_ptr<Store>& store, StoreResult<std::unique_ptr<Loop>> loop);
  StoreResult<std::unique_ptr<Loop>> restore(std::shared_ptr<Store>& store);
  void adopt(std::shared_ptr<Store> store, std::unique_ptr<Loop> loop);
  void schedule_housekeeping();
  bool housekeeping_due(Timestamp now) const;
  void housekeep(Timestamp now);
  void note_space(const StoreSpace& space);
  void note_usage();
  void note_growth();
  bool on_thread() const { return context_.get_executor().running_in_this_thread(); }

  boost::asio::io_context& context_;
  boost::asio::thread_pool& background_;
  ShardDriverOptions options_;
  ShardMetrics unread_metrics_;  // counts where nobody wants to know
  ShardMetrics& metrics_;
  Stopwatch commit_watch_;  // of the commit in flight
  std::shared_ptr<Store> store_;
  std::unique_ptr<Loop> loop_;
  std::uint64_t generation_ = 0;  // of loop_: what belongs to an earlier one is dropped
  boost::asio::posix::stream_descriptor completion_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer housekeeping_timer_;
  Timestamp timer_at_ = kNever;
  Milliseconds reopen_delay_ = 0;  // the last one; 0 when there was no failure for long enough
  Timestamp reopen_at_ = kNever;
  Timestamp opened_at_;
  Timestamp housekept_at_;
  std::uint64_t bytes_since_space_ = 0;
  std::uint64_t refuse_below_ = 0;
  std::size_t memory_told_ = kMemoryStep;  // where memory_grows is called next
  bool pump_scheduled_ = false;
  bool housekeeping_ = false;
  bool maintenance_failed_ = false;  // the timer tries again, in its own time
  bool refusing_ = false;
  bool reopening_ = false;                                   // in the background
  bool holding_ = false;                                     // hold_commits()
  std::function<void(const std::shared_ptr<Store>&)> held_;  // to be told of that
  std::function<void()> stopped_;
};

template <class Operation>
class ShardDriver::OperationCall final : public ShardCall {
 public:
  using Result = std::invoke_result_t<Operation&, Shard&, Timestamp>;

  explicit OperationCall(Operation& operation) : operation_(operation) {}

  void run(Shard& shard, Timestamp now) override { result_.emplace(operation_(shard, now)); }
  void done() override { finish(); }
  void failed(const ApiError& error) override {
    result_.emplace(error);
    finish();
  }

  bool finished() const { return finished_; }
  void on_finish(std::unique_ptr<Suspension> suspension) { suspension_ = std::move(suspension); }
  Result take() { return std::move(*result_); }

 private:
  void finish() {
    finished_ = true;
    // The coroutine that owns this call may go on, and end it, inside resume().
    if (const std::unique_ptr<Suspension> suspension = std::move(suspension_)) suspension->resume();
  }

  Operation& operation_;
  std::optional<Result> result_;
  std::unique_ptr<Suspension> suspension_;
  bool finished_ = false;
};

template <class Operation>
boost::asio::awaitable<std::invoke_result_t<Operation&, Shard&, Timestamp>> ShardDriver::call(
    Operation operation) {
  OperationCall<Operation> call(operation);
  if (on_thread()) {
    submit(call);
    if (!call.finished()) {
      co_await suspend([&call](std::unique_ptr<Suspension> suspension) {
        call.on_finish(std::move(suspension));
      });
    }
  } else {
    co_await suspend([this, &call](std::unique_ptr<Suspension> suspension) {
      call.on_finish(std::move(suspension));
      boost::asio::post(context_, [this, &call] { submit(call); });
    });
  }
  co_return call.take();
}

}  // namespace millrace
