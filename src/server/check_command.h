// `millrace check DATA`: reads a whole data directory that no server uses, and says whether it is
// as it was written.
//
// Nothing of it is changed: each store is opened as a server would do it, but in a clone below
// DATA, which is removed afterwards. Runs on the main thread.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "server/start_error.h"

namespace millrace {

/// Runs the command. @param arguments what stands behind `millrace check`. @param out is told of
/// each shard as soon as it has been read.
/// @return whether everything is sound; a StartError when it cannot be looked at.
StartResult<bool> run_check_command(const std::vector<std::string>& arguments, std::ostream& out);

}  // namespace millrace
