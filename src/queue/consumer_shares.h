// ConsumerShares: how much of a standard queue's consumers each message group takes, and by that
// which groups are noisy.
//
// A group is noisy when more than a tenth of the queue's messages in flight are its own, and at
// least 30, or when it took more than a tenth of the consumers' time lately, with at least 30
// messages; and only if it has sent lately ("Amazon SQS fair queues" in the Developer Guide, which
// calls its thresholds approximate; 30 messages for the second rule are our choice: it says nothing
// there, and a group with one message in an idle queue takes all of the time).
//
// Groups that have nothing in flight are remembered for what they took, and forgotten when that is
// next to nothing, so that the table is bounded by what is in flight.
//
// Owned by its queue, on the shard's thread. Messages without a group are all GroupKey{}: they
// count in the sums only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "base/clock.h"
#include "model/fingerprint.h"

namespace millrace {

class ConsumerShares {
 public:
  /// One more message of `group` is in flight. @param sent_at when it was sent, at the latest.
  void entered(GroupKey group, Timestamp sent_at);
  /// One less is.
  void left(GroupKey group);
  /// A message of `group` was sent.
  void sent(GroupKey group, Timestamp now);
  /// A message of `group` was handed out, and is in flight.
  void received(GroupKey group, Timestamp now);
  /// A consumer has had a message of `group` for `time`, and is about to have it no more.
  void processed(GroupKey group, Milliseconds time, Timestamp now);

  /// Whether the group is noisy. @param in_flight messages of the whole queue.
  bool noisy(GroupKey group, std::uint64_t in_flight, Timestamp now) const;
  std::uint64_t in_flight(GroupKey group) const;
  /// When the group last sent, as far as its messages in flight tell; or zero.
  Timestamp sent_at(GroupKey group) const;

  /// An estimate of the memory that it takes.
  std::size_t bytes() const;
  void clear();

  /// A group that has sent nothing for so long is not noisy.
  static constexpr Milliseconds kSilence = seconds(300);

 private:
  // A sum of which half is forgotten each minute.
  struct Recent {
    double sum = 0;
    Timestamp at;

    double value(Timestamp now) const;
    void add(double amount, Timestamp now);
  };
  struct Share {
    std::uint64_t in_flight = 0;
    Timestamp sent_at;
    Recent messages;
    Recent time;  // milliseconds
  };
  using Shares = std::unordered_map<GroupKey, Share>;

  Share* find(GroupKey group);
  const Share* find(GroupKey group) const;
  void forget_small();

  Shares shares_;
  Recent time_;           // of all groups, and of the messages without one
  std::size_t idle_ = 0;  // groups that have nothing in flight
};

}  // namespace millrace
