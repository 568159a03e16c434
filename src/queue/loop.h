// Loop: feeds a shard and carries its effects, one commit at a time. Pure: whoever drives it (the
// driver, a test, the simulator) gives it calls, the time, loads and outcomes of commits, and does
// what it asks for.
//
// Group commit needs no tuning: one batch is being written while the next one fills, so the slower
// the disk, the bigger the batch. Replies leave when the batch that they tell of is durable.
//
// One thread. Calls are owned by their callers and are told exactly once how they ended.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "queue/effects.h"
#include "queue/shard.h"

namespace millrace {

/// An operation on a shard.
class ShardCall {
 public:
  /// Runs it. May be called again, when it needed a block that was on disk.
  virtual void run(Shard& shard, Timestamp now) = 0;
  /// What it did or saw is durable. The call may be destroyed from here on.
  virtual void done() = 0;
  /// It was not carried out, or nobody knows: ServiceUnavailable. As done().
  virtual void failed(const ApiError& error) = 0;

 protected:
  ~ShardCall() = default;
};

/// A waiting receive.
class ReceiveCall {
 public:
  /// The call may be destroyed from here on.
  virtual void replied(Expected<ReceiveResult> result) = 0;

 protected:
  ~ReceiveCall() = default;
};

class Loop {
 public:
  /// Calls that may wait for their turn; one more is refused.
  static constexpr std::size_t kCallsWaitingMax = 10'000;

  explicit Loop(const ShardOptions& options) : shard_(options, effects_) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Shard& shard() { return shard_; }

  /// Runs `call` now or, when the next commit is full, when its turn comes.
  void submit(ShardCall& call, Timestamp now);
  /// Starts a receive. @return what cancel() takes; 0 if it has been answered already.
  WaiterId receive(ReceiveCall& call, const ReceiveRequest& request, Timestamp now);
  /// Forgets a receive whose client has gone: it is not told, and what it was about to be given is
  /// visible again. @return false if it was answered, or is as soon as a commit has ended.
  bool cancel(WaiterId waiter, Timestamp now);

  /// Does what is due: calls whose turn has come, timers, replies.
  void turn(Timestamp now);
  /// When turn() and next_batch() are due again, or kNever. What can only be done once the commit
  /// in flight has ended is left out.
  Timestamp next_event() const;

  /// The loads, transfers and answers to transfers that are to be carried out; empties the lists.
  std::vector<Load> take_loads() { return std::exchange(effects_.loads, {}); }
  std::vector<Transfer> take_transfers() { return std::exchange(effects_.transfers, {}); }
  std::vector<TransferResult> take_transfer_results() {
    return std::exchange(effects_.transfer_results, {});
  }
  void loaded(const LoadResult& result, Timestamp now);

  /// The next batch to commit, or null when there is none or one is in flight. It stays valid until
  /// batch_taken().
  const WriteBatch* next_batch(Timestamp now);
  /// The store has taken the batch.
  void batch_taken() { effects_.writes.clear(); }
  bool committing() const { return committing_; }
  /// The commit in flight is durable.
  void committed(std::span<const PayloadPlace> places, Timestamp now);

  /// The shard cannot go on: every call and receive is told so. The loop takes nothing more.
  void fail(const ApiError& error);

  /// From now on everything is written, the lazy state too, and receives end at once. Once
  /// drained() is true, nothing is left to commit.
  void stop(Timestamp now);
  bool drained() const { return stopping_ && !committing_ && !dirty_left_; }

 private:
  struct Parked {
    ShardCall* call;
    std::vector<BlockWanted> pinned;   // everything that it has wanted so far
    std::vector<BlockWanted> missing;  // what it waits for; one block maybe more than once
  };
  static std::optional<BlockWanted> brings(const Load& load);
  void run(ShardCall& call, std::vector<BlockWanted> pinned, Timestamp now);
  void settle(ShardCall& call, Timestamp now);
  void release_replies(Timestamp now);
  void answer(WaiterId waiter, Expected<ReceiveResult> result);

  Effects effects_;
  Shard shard_;
  std::deque<ShardCall*> waiting_;   // for their turn
  std::vector<Parked> parked_;       // for blocks from disk
  std::vector<ShardCall*> filling_;  // done with the batch being filled
  std::vector<ShardCall*> writing_;  // done with the batch in flight
  std::vector<ReceiveReply> filling_replies_;
  std::vector<ReceiveReply> writing_replies_;
  std::unordered_map<WaiterId, ReceiveCall*> receives_;
  std::uint64_t next_waiter_ = 1;
  bool committing_ = false;
  bool failed_ = false;
  bool stopping_ = false;
  bool dirty_left_ = false;
};

}  // namespace millrace
