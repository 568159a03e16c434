// Ledger: which message numbers were sent, acknowledged, received and removed, so that loss and
// duplicates are counted message by message.
//
// A number in a body is the run's tag (24 bits) and the message's place in the run (40 bits): a
// message that an earlier run left in the queue is told apart as foreign. All threads share one
// ledger; it locks itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace millrace::bench {

/// The bits of a number that are the message's place in its run.
inline constexpr unsigned kPlaceBits = 40;
inline constexpr std::uint64_t kPlaceMask = (std::uint64_t{1} << kPlaceBits) - 1;

/// What a ledger has seen, added up.
struct LedgerTotals {
  std::uint64_t acknowledged = 0;
  std::uint64_t received = 0;     // different messages
  std::uint64_t duplicates = 0;   // receipts of a message after its first
  std::uint64_t removed = 0;      // different messages
  std::uint64_t lost = 0;         // acknowledged and never received
  std::uint64_t unconfirmed = 0;  // received though no acknowledgement of the send was seen
  std::uint64_t foreign = 0;      // receipts of messages of other runs
};

class Ledger {
 public:
  /// @param run_tag the high 24 bits of every number of this run.
  explicit Ledger(std::uint32_t run_tag);

  /// Hands out `count` new numbers; returns the first of them, the others follow it.
  std::uint64_t take(std::size_t count);

  /// The server has acknowledged the sends of `count` numbers from `first` on.
  void acknowledge(std::uint64_t first, std::size_t count);
  /// The numbers arrived with one receive.
  void receive(std::span<const std::uint64_t> numbers);
  /// The server has acknowledged that the messages are removed.
  void remove(std::span<const std::uint64_t> numbers);

  /// Whether every acknowledged message has been removed.
  bool settled() const;
  LedgerTotals totals() const;

 private:
  struct Entry {
    std::uint8_t acknowledged : 1;
    std::uint8_t removed : 1;
    std::uint8_t receipts : 6;  // stays at its highest value once there
  };

  // The entry of a number of this run that was handed out; null for any other.
  Entry* find(std::uint64_t number);

  const std::uint64_t tag_bits_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::uint64_t outstanding_ = 0;  // acknowledged and not removed
  std::uint64_t duplicates_ = 0;
  std::uint64_t foreign_ = 0;
};

}  // namespace millrace::bench
