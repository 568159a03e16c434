// Store lineage: what tells a restored store from the one that it is a copy of.
//
// The original went on after the copy was made: it gave new messages and queues numbers that the
// restored store would give out once more, and with them the same message ids and receipt handles.
// A client that still holds such a handle would delete a message that it has never seen; one that
// remembers ids would take a new message for an old one. So a restored store passes over numbers.
//
// Blocks the thread that calls it.
#pragma once

#include <cstdint>

#include "queue/records.h"
#include "storage/store.h"

namespace millrace {

/// Blocks that each queue passes over: more than a queue sends between two backups. A FIFO queue
/// has room for 256 times as many before it reaches the numbers of another queue.
inline constexpr BlockNumber kBlocksPassedOver = BlockNumber{1} << 24;
/// Numbers of queues that each shard passes over.
inline constexpr std::uint64_t kQueuesPassedOver = std::uint64_t{1} << 20;

/// Moves the next number of each queue, and of the queues themselves, ahead. @param store was just
/// restored from a backup; nobody else uses it.
StoreResult<void> pass_over_numbers(Store& store);

}  // namespace millrace
