#include "bench/ledger.h"

namespace millrace::bench {
namespace {

constexpr std::uint8_t kReceiptsMax = 63;

}  // namespace

Ledger::Ledger(std::uint32_t run_tag)
    : tag_bits_(static_cast<std::uint64_t>(run_tag) << kPlaceBits) {}

std::uint64_t Ledger::take(std::size_t count) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t first = tag_bits_ + entries_.size();
  entries_.resize(entries_.size() + count);
  return first;
}

Ledger::Entry* Ledger::find(std::uint64_t number) {
  const std::uint64_t place = number & kPlaceMask;
  return (number & ~kPlaceMask) == tag_bits_ && place < entries_.size() ? &entries_[place]
                                                                        : nullptr;
}

void Ledger::acknowledge(std::uint64_t first, std::size_t count) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < count; ++i) {
    Entry* entry = find(first + i);
    // A consumer may have received and removed the message before its sender heard of it.
    if (entry != nullptr && !entry->acknowledged) {
      entry->acknowledged = 1;
      outstanding_ += entry->removed ? 0 : 1;
    }
  }
}

void Ledger::receive(std::span<const std::uint64_t> numbers) {
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t number : numbers) {
    Entry* entry = find(number);
    if (entry == nullptr) {
      ++foreign_;
      continue;
    }
    duplicates_ += entry->receipts > 0 ? 1 : 0;
    if (entry->receipts < kReceiptsMax) {
      entry->receipts = static_cast<std::uint8_t>(entry->receipts + 1) & kReceiptsMax;
    }
  }
}

void Ledger::remove(std::span<const std::uint64_t> numbers) {
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t number : numbers) {
    Entry* entry = find(number);
    if (entry != nullptr && !entry->removed) {
      entry->removed = 1;
      outstanding_ -= entry->acknowledged ? 1 : 0;
    }
  }
}

bool Ledger::settled() const {
  const std::lock_guard lock(mutex_);
  return outstanding_ == 0;
}

LedgerTotals Ledger::totals() const {
  const std::lock_guard lock(mutex_);
  LedgerTotals totals;
  totals.duplicates = duplicates_;
  totals.foreign = foreign_;
  for (const Entry& entry : entries_) {
    totals.acknowledged += entry.acknowledged;
    totals.received += entry.receipts > 0 ? 1 : 0;
    totals.removed += entry.removed;
    totals.lost += entry.acknowledged && entry.receipts == 0 ? 1 : 0;
    totals.unconfirmed += !entry.acknowledged && entry.receipts > 0 ? 1 : 0;
  }
  return totals;
}

}  // namespace millrace::bench
