// LoopHarness: a Loop over a FaultStore on a clock that the test moves, without threads. Nothing
// happens by itself: the test lets the world's side go on step by step, or all of it with settle().
//
// One thread. What submit() and receive() return lives as long as somebody holds it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypt/current_keyring.h"
#include "model/message_id.h"
#include "model/receipt_handle.h"
#include "queue/loop.h"
#include "support/fault_store.h"

namespace millrace {

/// An operation that was handed to the loop.
class PendingCall final : public ShardCall {
 public:
  explicit PendingCall(std::function<void(Shard&, Timestamp)> work) : work_(std::move(work)) {}
  void run(Shard& shard, Timestamp now) override {
    ++runs;
    work_(shard, now);
  }
  void done() override { succeeded = true; }
  void failed(const ApiError& reason) override { error = reason; }
  bool ended() const { return succeeded || error; }

  unsigned runs = 0;
  bool succeeded = false;
  std::optional<ApiError> error;

 private:
  std::function<void(Shard&, Timestamp)> work_;
};

/// A receive that was handed to the loop.
class PendingReceive final : public ReceiveCall {
 public:
  void replied(Expected<ReceiveResult> reply) override { result = std::move(reply); }
  /// The bodies of its deliveries; empty while it waits or when it failed.
  std::vector<std::string> bodies() const;
  /// The deliveries; the test fails hard when there is no reply or it is an error.
  const std::vector<Delivery>& deliveries() const;

  WaiterId waiter;
  std::optional<Expected<ReceiveResult>> result;
};

class LoopHarness {
 public:
  struct Options {
    std::uint16_t shard = 0;
    std::size_t memory_bytes = std::size_t{256} << 20;
    std::size_t batch_bytes_max = std::size_t{3} << 20;
    std::size_t reply_bytes = std::size_t{128} << 20;
  };

  inline static const QueueSettings kUsual{.retention = seconds(345'600),
                                           .encryption = {.on = true}};

  /// An empty store, opened. @param clock outlives the harness.
  explicit LoopHarness(ManualClock& clock) : LoopHarness(clock, Options()) {}
  LoopHarness(ManualClock& clock, const Options& options);

  Loop& loop() { return *loop_; }
  Shard& shard() { return loop_->shard(); }
  FaultStore& store() { return *store_; }
  const ReceiptSealer& sealer() const { return sealer_; }
  /// The master keys; a test may replace them.
  CurrentKeyring& keys() { return keys_; }
  Timestamp now() const { return clock_.now(); }

  // --- doors: as the driver's, but that the world stands still ---

  std::shared_ptr<PendingCall> submit(std::function<void(Shard&, Timestamp)> work);
  std::shared_ptr<PendingReceive> receive(const ReceiveRequest& request);

  // --- the same with settle(), for tests that need no more ---

  /// A queue of four days, encrypted as by default.
  QueueId create_queue() { return create_queue(kUsual); }
  QueueId create_queue(const QueueSettings& settings);
  /// Sets the engine's side of the attributes, and again after each restart.
  void configure(QueueId queue, const QueueSettings& settings);
  /// Sets them no longer: the queue was deleted.
  void forget(QueueId queue) { settings_.erase(queue); }
  /// Sends each body by itself in one call. @return their sequence numbers.
  std::vector<SequenceNumber> send(QueueId queue, const std::vector<std::string>& bodies,
                                   Milliseconds delay = 0);
  /// A short poll. Fails hard if it is not answered, or with an error.
  std::vector<Delivery> poll(QueueId queue, unsigned count_max = 10,
                             Milliseconds visibility_timeout = seconds(30));
  std::vector<std::string> poll_bodies(QueueId queue, unsigned count_max = 10,
                                       Milliseconds visibility_timeout = seconds(30));
  void erase(QueueId queue, const std::vector<std::string>& handle_texts);
  /// @return the error, if it was refused.
  std::optional<ApiError> change_visibility(QueueId queue, const std::string& handle_text,
                                            Milliseconds timeout);
  void purge(QueueId queue);
  void delete_queue(QueueId queue);
  QueueCounts counts(QueueId queue);
  /// A look at the whole queue, in pages of `page` messages. @return the error, if there was one.
  Expected<std::vector<LookedMessage>> look(QueueId queue, const LookWanted& wanted = {},
                                            std::size_t page = 100);
  /// One page, from where `look` stands.
  void look_on(const std::shared_ptr<Look>& look);
  /// Deletes messages by their places. @return why not, for each that was refused.
  std::vector<std::optional<ApiError>> erase_messages(QueueId queue,
                                                      const std::vector<SequenceNumber>& sequences);
  /// Moves messages by their places, in this order. @return as above.
  std::vector<std::optional<ApiError>> move_messages(QueueId queue, QueueId target,
                                                     const std::vector<SequenceNumber>& sequences);
  /// Moves the clock, stopping wherever the loop wants to be woken on the way.
  void advance(Milliseconds by);

  // --- the world ---

  /// Lets the loop do what is due, and takes its loads and transfers.
  void turn();
  /// Hands the store the next batch, if there is one and none is in flight.
  bool begin_commit();
  /// Makes the commit in flight durable without telling the loop. @return false if there is none.
  bool make_durable();
  /// Tells the loop of the commit in flight, durable from now at the latest.
  bool finish_commit();
  /// Looks the first load up in the store; the loop is not told yet.
  bool perform_load();
  /// Tells the loop of a result that was looked up: the first, or that behind `earlier` others.
  bool deliver_load(std::size_t earlier = 0);
  /// Everything until nothing is left to do now. Fails hard if that takes forever.
  void settle();

  /// The process dies, and the shard is opened again. @param in_flight what becomes of a commit in
  /// flight.
  void crash(FaultStore::InFlight in_flight = FaultStore::InFlight::lost);
  /// The shard stops as it should, and is opened again.
  void restart();

  /// What is on its way to other shards, for the test to carry.
  std::vector<Transfer> transfers;
  std::vector<TransferResult> transfer_results;
  /// The queues that ARNs name, for move tasks.
  std::map<std::string, QueueId, std::less<>> arns;
  /// What perform_load() was told of corrupt chunks.
  std::vector<std::string> corruptions;

  /// Rows that the store holds.
  std::vector<Row> rows(Family family) const;
  bool loads_pending() const { return !loads_.empty() || !results_.empty(); }

 private:
  void open();

  ManualClock& clock_;
  const Options options_;
  const ReceiptSealer sealer_;
  const MessageIdCipher ids_;
  const Fingerprinter fingerprints_;
  CurrentKeyring keys_;
  std::unique_ptr<FaultStore> store_;
  std::unique_ptr<Loop> loop_;
  std::map<QueueId, QueueSettings> settings_;
  std::vector<Load> loads_;
  std::vector<LoadResult> results_;
  std::vector<std::shared_ptr<PendingCall>> calls_;        // the loop may still name them
  std::vector<std::shared_ptr<PendingReceive>> receives_;  // likewise
  bool committing_ = false;
};

}  // namespace millrace
