// console_files() of a server that is built without its console.
#include "server/console_files.h"

namespace millrace {

std::span<const StaticFile> console_files() {
  return {};
}

}  // namespace millrace
