// Deduplication: the ids of what was sent to a FIFO queue in the last five minutes.
//
// An id counts from the send that was accepted, whatever becomes of its message. Each commit's ids
// are a row on disk by the time of sending, so what is too old goes by ranges; memory holds them
// all. They are never forgotten before their time: at the limit of memory a send is throttled.
//
// Owned by its queue, on the shard's thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/clock.h"
#include "model/fingerprint.h"
#include "model/message.h"

namespace millrace {

class Deduplication {
 public:
  struct Sent {
    Fingerprint id;
    SequenceNumber sequence;
    Timestamp sent_at;
  };
  /// Takes up what was stored, oldest first, into an empty table. Where an id comes twice the later
  /// send counts: it was accepted when the earlier one was too old.
  void restore(const std::vector<Sent>& sends);

  /// Forgets what was sent five minutes before `now` or earlier.
  void prune(Timestamp now);
  /// The message that was first sent with this id, or nothing. Right after prune().
  std::optional<SequenceNumber> find(const Fingerprint& id) const;
  /// Notes an id; in the order of `sent_at`. The first one stays.
  void add(const Fingerprint& id, SequenceNumber sequence, Timestamp sent_at);
  void clear();
  /// When the oldest id was sent, or kNever.
  Timestamp oldest() const { return moments_.empty() ? kNever : moments_.front().sent_at; }

  std::size_t count() const { return ids_.size(); }
  /// The memory that it takes.
  std::size_t bytes() const;

 private:
  // Several tables, so that none that grows holds the queue up for long.
  static constexpr std::size_t kTables = 16;
  using Table = boost::unordered_flat_map<Fingerprint, SequenceNumber, FingerprintHash>;
  static std::size_t table_of(const Fingerprint& id) { return id.back() % kTables; }

  void note(const Fingerprint& id, Timestamp sent_at);

  struct Moment {
    Timestamp sent_at;
    std::size_t count;
  };
  std::array<Table, kTables> tables_;
  std::deque<Fingerprint> ids_;  // oldest first
  std::deque<Moment> moments_;   // how many of them were sent when
};

}  // namespace millrace
