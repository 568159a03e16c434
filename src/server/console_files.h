// The console's page as files, which the build puts into the program (cmake/console.cmake).
#pragma once

#include <span>

#include "http/static_files.h"

namespace millrace {

/// All files, sorted by path; none where the program was built without Node.
std::span<const StaticFile> console_files();

}  // namespace millrace
