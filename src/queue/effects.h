// Effects: everything that a shard may ask of the world. The loop (loop.h) carries them out.
//
// Values; they live on the shard's thread, but for Loads, which travel to a reader and come back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/message.h"
#include "model/write_batch.h"
#include "queue/look.h"
#include "queue/records.h"

namespace millrace {

/// One waiting receive, from its registration to its reply.
using WaiterId = StrongType<struct WaiterIdTag, std::uint64_t>;

/// Bytes of replies that are under way, charged to the shard's budget for as long as it lives.
using ReplyCharge = std::shared_ptr<const void>;

struct ReceiveResult {
  std::vector<Delivery> deliveries;
  ReplyCharge charge;  // hold it until the reply has been written
};

/// The answer to a waiting receive.
struct ReceiveReply {
  WaiterId waiter;
  Expected<ReceiveResult> result;
  /// The reply may leave only after the batch that is being filled is durable: it tells of
  /// something in it (a dead-letter move).
  bool after_commit = false;
};

/// A question to the store, answered by a LoadResult with the same `load`.
struct Load {
  enum class Kind : std::uint8_t {
    window,    // blocks in order from `first`, with their chunks if `bytes_max` is not zero
    due,       // blocks whose due row is not later than `until`, with their chunks
    block,     // block `first` alone, without its chunk
    chunk,     // the chunk of block `first`, at `place`
    relocate,  // block `first` with its chunk, if it still lies at `place`
    sweep,     // blocks from `first` below `last`, without chunks: they are to be removed
    expire,    // blocks in order from `first`, without chunks, to see which are too old
    group,     // blocks from `first` to `last` that rows of `group` name, with their chunks
    recent,    // blocks in order from `first` on that were sent later than `until`, without chunks
    transfer,  // the chunk at `place` of the transfer number `first` to shard `last`
    look,      // blocks in order from `first` on, below `last`, without chunks, for `look`
    examine,   // the candidates of `look`, looked at with their chunks
  };

  /// Whether somebody looks at the queue: such a load waits for those that deliver messages.
  bool for_look() const { return kind == Kind::look || kind == Kind::examine; }

  Kind kind = Kind::window;
  QueueId queue;
  BlockNumber first = 0;
  BlockNumber last = 0;
  GroupKey group;
  PayloadPlace place;
  Timestamp until;
  std::uint32_t blocks_max = 0;
  std::size_t bytes_max = 0;  // of chunks; one block is always loaded
  std::uint64_t as_of = 0;    // the queue's count of commits when it was asked for
  std::shared_ptr<Look> look = {};
};

struct LoadedBlock {
  BlockNumber number = 0;
  IndexRecord index;
  std::optional<StateRecord> state;
  std::shared_ptr<const std::string> chunk;
  bool damaged = false;  // its chunk cannot be read, and is null

  /// Whether the block has a due row and waits for its time there.
  bool parked() const {
    return state ? state->parked_until != Timestamp{} : index.due != Timestamp{};
  }
  Timestamp parked_until() const { return state ? state->parked_until : index.due; }
};

struct LoadResult {
  Load load;
  std::vector<LoadedBlock> blocks;
  /// Where the scan ended: the number of the first block that it did not look at.
  BlockNumber next = 0;
  /// Nothing more lay behind `next` (window, sweep, expire, group, recent, look) or was due (due).
  bool exhausted = false;
  /// due: the time of the first due row that is later than `until`.
  std::optional<Timestamp> next_due;
};

/// A message on its way to a queue of another shard. Numbers rise for each pair of shards; the
/// target stores the highest that it has applied in the same commit as the message, and applies
/// nothing that is not above it, so that a repeat is harmless, nor anything whose predecessor it
/// has not applied, so that one that got lost is not taken for a repeat.
struct Transfer {
  std::uint16_t from_shard = 0;
  std::uint16_t to_shard = 0;
  std::uint64_t number = 0;
  std::uint64_t previous = 0;  // the one before that was unanswered too, or 0
  QueueId source;
  SequenceNumber sequence;  // of the message in `source`
  QueueId target;
  std::shared_ptr<const std::string> chunk;  // of the one message
};

/// How a transfer ended at its target, durably.
struct TransferResult {
  Transfer transfer;
  bool applied = false;  // false: the target queue is gone; the message returns to its source
};

struct Effects {
  WriteBatch writes;
  std::vector<ReceiveReply> replies;
  std::vector<Load> loads;
  std::vector<Transfer> transfers;
  std::vector<TransferResult> transfer_results;
};

}  // namespace millrace
