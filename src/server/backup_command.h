// `millrace backup DATA BACKUP`: copies a data directory, also while a server uses it; `millrace
// restore BACKUP DATA`: makes a data directory of such a copy.
//
// A server that runs makes links of what is to be copied, all at one moment (control_socket.h); the
// reading and writing is this process's, so that a slow or full target is no server's trouble. Run
// on the main thread.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "server/start_error.h"

namespace millrace {

/// Runs the command. @param arguments what stands behind `millrace backup`. @param out is told what
/// was done.
/// @return a StartError when there is no complete backup now; nothing of it is left then.
StartResult<void> run_backup_command(const std::vector<std::string>& arguments, std::ostream& out);

/// The same for `millrace restore`. @return a StartError when there is no restored directory;
/// nothing of it is left then.
StartResult<void> run_restore_command(const std::vector<std::string>& arguments, std::ostream& out);

}  // namespace millrace
