// Reader: answers a shard's loads from its store. Runs on a background thread; the functions here
// are what it does there.
#pragma once

#include <functional>
#include <string>

#include "queue/effects.h"
#include "storage/store.h"

namespace millrace {

/// Looks up what `load` asks for on a snapshot of the store's rows, and reads the chunks that it
/// wants. A block whose chunk was released meanwhile is left out; so is one whose bytes the store
/// says are corrupt: it is reported through `corrupt` and stays on disk. Blocks the thread that
/// calls it.
/// @param corrupt called with the store's text for each chunk whose bytes are not what was written.
/// @return an error of the store, which then cannot be relied on: its rows or the disk failed. What
/// a disk does not give this time must not be taken for gone, or it would be hidden until a
/// restart.
StoreResult<LoadResult> perform_load(const Load& load, const Store& store,
                                     const std::function<void(const std::string&)>& corrupt);

}  // namespace millrace
