#include "queue/loop.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace millrace {

void Loop::submit(ShardCall& call, Timestamp now) {
  if (failed_) return call.failed(ApiError(ErrorCode::service_unavailable));
  if (waiting_.size() >= kCallsWaitingMax) {
    return call.failed(ApiError(ErrorCode::service_unavailable,
                                "Too many requests are waiting for this queue's storage."));
  }
  // In order: a call must not overtake one that waits.
  if (!waiting_.empty() || shard_.batch_full()) {
    waiting_.push_back(&call);
    return;
  }
  run(call, {}, now);
}

// What a call has wanted once stays in memory until it is through, or two blocks of one call might
// go on pushing each other out.
void Loop::run(ShardCall& call, std::vector<BlockWanted> pinned, Timestamp now) {
  call.run(shard_, now);
  std::vector<BlockWanted> wanted = shard_.blocks_wanted();
  if (wanted.empty()) {
    shard_.unpin(pinned);
    return settle(call, now);
  }
  pinned.insert(pinned.end(), wanted.begin(), wanted.end());
  parked_.push_back({&call, std::move(pinned), std::move(wanted)});
}

// A call is done when everything that it wrote or may have seen is durable.
void Loop::settle(ShardCall& call, Timestamp now) {
  if (shard_.has_changes(now)) {
    filling_.push_back(&call);
  } else if (committing_) {
    writing_.push_back(&call);
  } else {
    call.done();
  }
}

WaiterId Loop::receive(ReceiveCall& call, const ReceiveRequest& request, Timestamp now) {
  if (failed_) {
    call.replied(ApiError(ErrorCode::service_unavailable));
    return {};
  }
  const WaiterId waiter{next_waiter_++};
  receives_.emplace(waiter, &call);
  ReceiveRequest asked = request;
  if (stopping_) asked.wait = 0;
  // What has become visible by now must not be missed by a poll that does not wait.
  if (shard_.next_event() <= now) shard_.tick(now);
  shard_.receive(waiter, asked, now);
  release_replies(now);
  return receives_.contains(waiter) ? waiter : WaiterId{};
}

bool Loop::cancel(WaiterId waiter, Timestamp now) {
  if (failed_ || !shard_.cancel(waiter, now)) return false;
  receives_.erase(waiter);
  release_replies(now);
  return true;
}

void Loop::answer(WaiterId waiter, Expected<ReceiveResult> result) {
  const auto found = receives_.find(waiter);
  if (found == receives_.end()) return;
  ReceiveCall* call = found->second;
  receives_.erase(found);
  call->replied(std::move(result));
}

void Loop::release_replies(Timestamp now) {
  // A reply may bring the next request at once, and with it more replies.
  while (!effects_.replies.empty()) {
    for (ReceiveReply& reply : std::exchange(effects_.replies, {})) {
      if (reply.after_commit && shard_.has_changes(now)) {
        filling_replies_.push_back(std::move(reply));
      } else if (reply.after_commit && committing_) {
        writing_replies_.push_back(std::move(reply));
      } else {
        answer(reply.waiter, std::move(reply.result));
      }
    }
  }
}

void Loop::turn(Timestamp now) {
  if (failed_) return;
  while (!waiting_.empty() && !shard_.batch_full()) {
    ShardCall* call = waiting_.front();
    waiting_.pop_front();
    run(*call, {}, now);
  }
  if (shard_.next_event() <= now) shard_.tick(now);
  release_replies(now);
}

Timestamp Loop::next_event() const {
  if (failed_) return kNever;
  if (!waiting_.empty() && !shard_.batch_full()) return Timestamp{};
  const Timestamp next = shard_.next_event();
  return committing_ ? next : std::min(next, shard_.next_flush());
}

// What calls may have waited for.
std::optional<BlockWanted> Loop::brings(const Load& load) {
  switch (load.kind) {
    case Load::Kind::due:
    case Load::Kind::recent:
      return BlockWanted{load.queue, kDueBlocks};
    case Load::Kind::block:
      return BlockWanted{load.queue, load.first};
    case Load::Kind::look:
    case Load::Kind::examine:
      return BlockWanted{load.queue, load.look->ticket};
    default:
      return std::nullopt;
  }
}

void Loop::loaded(const LoadResult& result, Timestamp now) {
  if (failed_) return;
  shard_.loaded(result, now);
  if (const std::optional<BlockWanted> brought = brings(result.load)) {
    const BlockWanted& arrived = *brought;
    std::vector<Parked> ready;
    for (auto it = parked_.begin(); it != parked_.end();) {
      // A block may arrive once more for another call while this one still waits for its others.
      if (std::erase(it->missing, arrived) == 0 || !it->missing.empty()) {
        ++it;
        continue;
      }
      ready.push_back(std::move(*it));
      it = parked_.erase(it);
    }
    for (Parked& parked : ready) run(*parked.call, std::move(parked.pinned), now);
  }
  release_replies(now);
}

const WriteBatch* Loop::next_batch(Timestamp now) {
  if (committing_ || failed_) return nullptr;
  if (!shard_.has_changes(now) && !stopping_) return nullptr;
  shard_.seal(now, stopping_);
  dirty_left_ = stopping_ && !effects_.writes.empty();
  if (effects_.writes.empty()) {
    // Nothing was to be written after all: what waited for it waits no more.
    for (ShardCall* call : std::exchange(filling_, {})) call->done();
    for (ReceiveReply& reply : std::exchange(filling_replies_, {})) {
      answer(reply.waiter, std::move(reply.result));
    }
    return nullptr;
  }
  committing_ = true;
  writing_ = std::exchange(filling_, {});
  writing_replies_ = std::exchange(filling_replies_, {});
  return &effects_.writes;
}

void Loop::committed(std::span<const PayloadPlace> places, Timestamp now) {
  CHECK(committing_);
  committing_ = false;
  const std::vector<ShardCall*> calls = std::exchange(writing_, {});
  std::vector<ReceiveReply> replies = std::exchange(writing_replies_, {});
  shard_.committed(places, now);
  for (ShardCall* call : calls) call->done();
  for (ReceiveReply& reply : replies) answer(reply.waiter, std::move(reply.result));
  release_replies(now);
}

void Loop::fail(const ApiError& error) {
  failed_ = true;
  std::vector<ShardCall*> calls(waiting_.begin(), waiting_.end());
  waiting_.clear();
  for (const Parked& parked : std::exchange(parked_, {})) calls.push_back(parked.call);
  for (ShardCall* call : std::exchange(filling_, {})) calls.push_back(call);
  for (ShardCall* call : std::exchange(writing_, {})) calls.push_back(call);
  filling_replies_.clear();
  writing_replies_.clear();
  for (ShardCall* call : calls) call->failed(error);
  for (const auto& [waiter, call] : std::exchange(receives_, {})) call->replied(error);
}

void Loop::stop(Timestamp now) {
  if (failed_ || stopping_) return;
  stopping_ = true;
  dirty_left_ = true;
  shard_.end_receives();
  turn(now);
}

}  // namespace millrace
