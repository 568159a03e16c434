// Transfers: messages that dead-letter moves and move tasks take to queues of other shards, each
// exactly once.
//
// A pair of shards is a channel with rising numbers. The source writes an outbox row (with the
// message's own chunk) in the commit that takes the message away, and sends it only when that
// commit is durable. The target stores the highest number that it has applied in the same commit as
// the message. What is still in the outbox after a crash is sent again.
//
// A target that has no such queue (any more) applies nothing and says so. That answer may get lost
// as well and nothing at the target remembers it, so a channel does not go past a refused transfer
// before its outbox row is durably gone: what follows names it as its predecessor and is early. So
// whatever is not above the highest number applied was applied, and never refused.
//
// Owned by the shard, on its thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queue/effects.h"
#include "queue/records.h"

namespace millrace {

class Transfers {
 public:
  /// @param epoch of the store: numbers of a later opening are above all earlier ones.
  Transfers(std::uint16_t shard, std::uint32_t epoch, Effects& effects)
      : shard_(shard), next_number_(std::uint64_t{epoch} << 32), effects_(effects) {}

  /// Takes up a row of Family::transfers at the start. @return false if it is malformed.
  bool restore(std::string_view key, std::string_view value);
  /// Sends again what is in the outbox for `to_shard`: after a start of ours or of that shard.
  void resend(std::uint16_t to_shard);
  void resend_all();

  /// Puts a message into the outbox. @param record but for its place. @return its number.
  std::uint64_t add(std::uint16_t to_shard, OutboxRecord record,
                    std::shared_ptr<const std::string> chunk);
  void loaded(const LoadResult& result);
  /// The batch is durable: what it holds may be sent.
  void seal();
  void committed(std::span<const PayloadPlace> places);
  /// Whether the transfer has not been answered yet.
  bool pending(const Transfer& transfer) const;
  /// The task that moves the message of a pending transfer, if one does.
  MoveTaskNumber task_of(const Transfer& transfer) const;
  /// What is in the outbox.
  std::vector<OutboxRecord> outbox() const;
  /// The target has answered: takes the outbox row away. @param applied the answer; after a refusal
  /// what follows is sent again, once that is durable. @return false if it was answered before.
  bool finish(const Transfer& transfer, bool applied);

  /// What a transfer is to its target.
  enum class Arrival : std::uint8_t {
    fresh,     // it counts as applied with the next commit
    repeated,  // it was applied before: the answer got lost
    early,     // one before it got lost or was refused; both are sent again
    refused,   // its queue is not there
  };
  /// At the target. @param possible whether its queue is there.
  Arrival apply(const Transfer& transfer, bool possible);

  bool empty() const { return outbox_.empty(); }

 private:
  using Key = std::pair<std::uint16_t, std::uint64_t>;  // target shard, number
  struct Entry {
    OutboxRecord record;
    std::shared_ptr<const std::string> chunk;  // until it is sent
    std::uint32_t payload = 0;
    bool committed = false;
    bool sent = false;
    bool refused = false;  // its row goes with the next commit, or the one in flight
  };
  void load(const Key& key, Entry& entry);
  void send_in_order(std::uint16_t to_shard);

  const std::uint16_t shard_;
  std::uint64_t next_number_;
  Effects& effects_;
  std::map<Key, Entry> outbox_;
  std::map<std::uint16_t, std::uint64_t> applied_;  // by source shard
  std::vector<Key> added_;
  std::vector<Key> sealed_;
  std::vector<Key> refused_;         // their rows go with the batch being filled
  std::vector<Key> refused_sealed_;  // with the one in flight
};

}  // namespace millrace
