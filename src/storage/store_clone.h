// A second copy of a store's directory that costs next to no space: to look at a store without
// changing it.
#pragma once

#include <string>

#include "storage/store.h"

namespace millrace {

/// Makes the directory `to`, which must not be there, a copy of the store in `from`. Nobody may
/// have that store open. What is never changed once it is written (segments of the commit log,
/// tables of rows) is linked, everything else copied; so both must be on one file system, and the
/// copy may be opened and closed, but nothing may be committed to it. Blocks.
StoreResult<void> clone_store(const std::string& from, const std::string& to);

}  // namespace millrace
