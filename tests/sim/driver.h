// The simulated world below the queues: time, shards with their stores, and what goes wrong.
//
// Events is simulated time: actions at moments, run in order; it moves the clock. A Driver does for
// one real Loop what runtime/shard_driver does in the server, in the same order: loads by the real
// perform_load, one commit at a time, transfers to other shards, reopening from what is durable.
// The difference is that every step takes simulated time and that it may crash between any two.
//
// Single-threaded; everything follows from the seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "crypt/current_keyring.h"
#include "queue/loop.h"
#include "sim/plan.h"
#include "sim/server_clock.h"
#include "support/fault_store.h"
#include "support/test_keyring.h"

namespace millrace::sim {

class Events {
 public:
  explicit Events(std::uint64_t seed) : random_(seed) {}

  Timestamp now() const { return clock_.now(); }
  Random& random() { return random_; }
  /// Runs `action` after `delay`; actions of the same moment run in any order.
  void after(Milliseconds delay, std::function<void()> action);
  /// Moves time to the next action and runs it. @return false if there is none up to `until`: time
  /// then stands there.
  bool step(Timestamp until);
  /// How many actions have run at this moment already.
  std::uint64_t steps_at_once() const { return steps_; }

 private:
  Random random_;
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  std::map<std::pair<Timestamp, std::uint64_t>, std::function<void()>> actions_;
  std::uint64_t steps_ = 0;
};

class Driver;

/// What the shards of one process share.
struct World {
  World(const Plan& chosen, std::uint64_t seed);

  /// Runs `action` at another shard, behind what was posted from here to there before.
  void post(unsigned from, unsigned to, std::function<void()> action);
  /// Everything crashes at once, as with kill -9. The wall clock may be set before the next start.
  void kill();
  /// What the clock of the process shows.
  Timestamp now() const { return clock.at(events.now()); }

  const Plan& plan;
  Events events;
  ServerClock clock;
  ReceiptSealer sealer;
  MessageIdCipher ids;
  Fingerprinter fingerprints;
  CurrentKeyring keys{std::make_shared<const Keyring>(test_keyring())};
  std::vector<std::unique_ptr<Driver>> drivers;
  bool faults = true;  // until everything heals
  /// Told after a shard was opened, before anything runs on it: its queues want their settings.
  std::function<void(unsigned shard)> opened;
  /// Told when a shard has lost what was not durable.
  std::function<void(unsigned shard)> crashed;
  /// The queue that an ARN names, for move tasks.
  std::function<std::optional<QueueId>(std::string_view arn)> find_queue;
  /// Told when the clock of the process that starts has been set.
  std::function<void(Timestamp from, Milliseconds ahead)> clock_stepped;
  std::uint64_t disturbances = 0;  // crashes and restarts so far, and commits that took long
  std::uint64_t stalls = 0;        // commits that take long now

 private:
  void set_clock();

  std::map<std::pair<unsigned, unsigned>, Timestamp> channels_;  // when the last post arrives
  std::uint64_t process_ = 0;                                    // counts kills
};

class Driver {
 public:
  Driver(World& world, unsigned number);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  void open();
  bool up() const { return loop_ != nullptr && !stopping_; }
  Shard& shard() { return loop_->shard(); }
  FaultStore& store() { return *store_; }

  /// Runs `run` on the shard; `ended` is told once, maybe before this returns.
  void submit(std::function<void(Shard&, Timestamp)> run, std::function<void(Outcome)> ended);
  /// Starts a receive. `replied` is told once, maybe before this returns. @return a number for
  /// cancel().
  using Replied = std::function<void(Outcome, Expected<ReceiveResult>, Moment)>;
  std::uint64_t receive(const ReceiveRequest& request, Replied replied);
  /// Forgets a receive. @return false if it was answered, or is about to be.
  bool cancel(std::uint64_t receive);

  void take_transfer(const Transfer& transfer);
  void take_transfer_result(const TransferResult& result);
  void resend_transfers(unsigned shard);

  /// The process dies here. Nobody is told anything; open() comes later.
  void crash(FaultStore::InFlight in_flight);
  /// Writes everything, closes and opens again.
  void restart();
  /// What is under way here, for the report of a failing run.
  std::string text() const;
  /// Asks for some of the next chunks to be written again at the log's head.
  void relocate_some();
  /// The disk is nearly full for so long, or until free_disk().
  void fill_disk(Milliseconds time);
  void free_disk();
  /// Whether sends must be refused now.
  bool disk_full() const { return full_; }
  /// The last time that the store remembers.
  Timestamp last_time() const;
  /// A change was made through shard(): its effects are to be carried out.
  void schedule();

 private:
  class Call;
  class Receive;

  void fail(FaultStore::InFlight in_flight);
  void close();
  void tell_space();
  ShardOptions options() const;
  bool rarely(std::uint64_t times) const;
  void reopen_later();
  void pump();
  void carry();
  void start_load(const Load& load);
  void commit(const WriteBatch& batch);
  void commit_finished();
  void end_early(const WriteBatch& batch);
  void arm_timer();
  void lose_calls();

  World& world_;
  Events& events_;
  Random& random_;
  const unsigned number_;
  std::unique_ptr<FaultStore> store_;
  std::unique_ptr<Loop> loop_;
  std::uint64_t generation_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Call>> calls_;  // in order of submission
  std::uint64_t next_call_ = 1;
  std::map<std::uint64_t, std::unique_ptr<Receive>> receives_;
  std::uint64_t next_receive_ = 1;
  bool in_commit_ = false;   // replies given now may have been made some time ago
  bool told_early_ = false;  // a mutation: the loop takes the commit in flight for durable
  Timestamp timer_at_ = kNever;
  bool pump_scheduled_ = false;
  bool stopping_ = false;
  bool full_ = false;
  std::string relocate_from_;  // key of an index row
};

}  // namespace millrace::sim
